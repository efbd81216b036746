"""Training from the weights of a model: fine-tuning, and distillation into a student of one evaluation."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inkwash import model
from inkwash.config.recipe import Recipe
from inkwash.core import NetDenoiser
from inkwash.core.rng import Stream, normals
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import UsageError
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.nets.layers import AttributeEmbedding, ClassEmbedding, ConditionEmbedding
from inkwash.objectives.adversarial import AdversarialDistillation
from inkwash.text.printing import quoted
from inkwash.training import ema
from inkwash.training.validation import STATISTICS_BATCHES, LossByNoiseLevel, Validator

LEVELS = 5
"""Noise levels at which the student's images are compared with validation images."""
CHUNK = 250
MAX_NAMES = 8
"""New classes that a message names."""


def initial_net(recipe: Recipe, spec: DatasetSpec, pretrained: Model | None) -> nn.Module:
    """Return the network of `recipe` with the weights of `pretrained`, or with random ones without it.

    Classes of the same name keep their embedding, others are initialized anew; that of the null label is kept, and is
    added to the bias of a network without labels. A new embedding of attributes is 0 at first. Raises `UsageError` for a
    model of images of another shape, and for a conditional model on data without labels where the network has no such bias.
    """
    if pretrained is None:
        return model.build_net(recipe, spec)
    if pretrained.spec.shape != spec.shape:
        raise _other_shape(spec, pretrained)
    net = model.build_net(recipe, spec)
    weights = dict(pretrained.net.state_dict())
    if not pretrained.recipe.network.attributes:
        for name, module in net.named_modules():
            if isinstance(module, AttributeEmbedding):
                weights |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    if pretrained.conditional and not recipe.network.conditional:
        _fix_null_label(pretrained.net, weights)
        if weights.keys() != net.state_dict().keys():
            message = (
                f"{pretrained.name} is conditioned on classes, {spec.data} has no labels: use one sub-folder per class"
            )
            raise UsageError(message, code="mismatch", field="data")
    elif pretrained.conditional and pretrained.spec.classes != spec.classes:
        for name, module in net.named_modules():
            if isinstance(module, ClassEmbedding):
                table = module.table.weight.detach().clone()
                before = weights[f"{name}.table.weight"]
                table[-1] = before[-1]
                for label, known in shared_classes(pretrained.spec.classes, spec.classes).items():
                    table[label] = before[known]
                weights[f"{name}.table.weight"] = table
    net.load_state_dict(weights)
    return net


def shared_classes(before: Sequence[str], now: Sequence[str]) -> dict[int, int]:
    """Return the labels of `now` whose class is in `before` by name, with its label there."""
    return {label: before.index(name) for label, name in enumerate(now) if name in before}


def class_changes(pretrained: Model, spec: DatasetSpec) -> str | None:
    """Return which classes of data of `spec` start without the embeddings of `pretrained`, None where all are the same."""
    before, now = pretrained.spec.classes, spec.classes
    if not pretrained.conditional or not now or before == now:
        return None
    new = [name for name in now if name not in before]
    kept = len(now) - len(new)
    if not new:
        return f"classes: all {kept} keep their embeddings of {pretrained.name}, by name"
    listed = ", ".join(new[:MAX_NAMES]) + (", …" if len(new) > MAX_NAMES else "")
    same = f"; {kept} keep those of {pretrained.name}, by name" if kept else ""
    start = f"classes: {len(new)} of {len(now)} are not classes of {pretrained.name} and start with new embeddings"
    return f"{start} ({listed}){same}"


def _fix_null_label(net: nn.Module, weights: dict[str, Tensor]) -> None:
    """Replace the class embeddings of `net` in its `weights` by that of the null label, added to the bias before it."""
    for name, module in net.named_modules():
        if isinstance(module, ConditionEmbedding) and module.label is not None and len(module.mlp.state_dict()):
            null = weights.pop(f"{name}.label.table.weight")[-1]
            bias = [key for key in weights if key.startswith(f"{name}.mlp.") and key.endswith(".bias")][-1]
            weights[bias] = weights[bias] + null


def _other_shape(spec: DatasetSpec, pretrained: Model) -> UsageError:
    """Return the error for data of another shape than the images of `pretrained`."""
    expected, given = ("×".join(map(str, each.shape)) for each in (pretrained.spec, spec))
    channels, *size = pretrained.spec.shape
    same_kind = len(spec.shape) == len(pretrained.spec.shape) and spec.shape[0] == channels
    resized = same_kind and len(set(size)) == 1
    remedy = f"use --size {size[0]}" if resized else "start from a model of that shape"
    message = f"{pretrained.name} was trained on {expected}, {spec.data} has {given}: {remedy}"
    return UsageError(message, code="mismatch", field="from")


def require_teacher(recipe: Recipe, teacher: Model | None) -> Model:
    """Return `teacher`. Raises `UsageError` without one, for a `recipe` with a [distillation] section."""
    if teacher is None:
        message = f"{recipe.name} distills a model into one step: give the model, as in --from fast"
        raise UsageError(message, code="missing-field", field="from")
    return teacher


def distillation(
    recipe: Recipe,
    spec: DatasetSpec,
    teacher: Model | None,
    precision: torch.dtype | None,
    device: torch.device,
    process_group: ProcessGroup,
) -> AdversarialDistillation:
    """Return the objective of a recipe with a [distillation] section. Raises `UsageError` without a `teacher`."""
    options, teacher = recipe.distillation, require_teacher(recipe, teacher)
    assert options is not None
    if teacher.conditional and teacher.spec.classes != spec.classes:
        message = (
            f"{teacher.name} has other classes than {spec.data}: fine-tune it on them first, "
            f"inkwash train RECIPE --from {quoted(teacher.name)}, and distill the result"
        )
        raise UsageError(message, code="mismatch", field="data")
    net = devices.to_device(copy.deepcopy(teacher.net), device).eval().requires_grad_(False)

    def average(gradient: Tensor, examples: int) -> Tensor:
        # The shards of a batch may differ in size by one example.
        return process_group.all_reduce(gradient * (examples / recipe.training.batch))

    return AdversarialDistillation(
        NetDenoiser(net, teacher.target, precision),
        recipe.schedule,
        spec.shape,
        spec.num_classes(recipe.network.conditional),
        len(recipe.network.attributes),
        options.start,
        options.interval,
        options.penalty,
        options.lr,
        options.mismatch,
        options.multistep,
        recipe.training.seed,
        None if process_group.is_single else average,
    )


@dataclass(frozen=True, eq=False)
class DistillationValidator(Validator):
    """Validation of a student by the distance of its images to validation images, instead of a denoising loss."""

    distillation: AdversarialDistillation | None = None

    @torch.no_grad()
    def loss(self, network: nn.Module) -> LossByNoiseLevel:
        """Return the energy distance between pooled feature maps of student and validation images, by noise level.

        Székely & Rizzo (2013), Eq. 5, as a fraction of the mean distance between the two sets; the maps are those of the
        teacher, standardized by the validation images. It is 0 for equal distributions, up to chance.
        """
        assert self.distillation is not None
        data, indices, device = self.batches.data, self.batches.split.validation, self.batches.device
        images = data.encoded(indices).to(device)
        labels = data.labels[indices].to(device) if self.batches.conditional and data.labels is not None else None
        position = torch.arange(len(images))
        noises = [normals(0, position, k, Stream.STUDENT_VALIDATION, images.shape[1:]).to(device) for k in range(3)]
        denoiser = NetDenoiser(network, self.target, self.precision)
        parts = [slice(first, first + CHUNK) for first in range(0, len(images), CHUNK)]

        def label(part: slice) -> Tensor | None:
            return None if labels is None else labels[part]

        fake = torch.cat([self.distillation.sample(denoiser, noises[0][part], label(part)) for part in parts])
        low, high = self.distillation.interval
        levels = [self.distillation.schedule(u) for u in torch.linspace(low, high, LEVELS, dtype=torch.float64)]
        losses = []
        for level in levels:
            real_maps, fake_maps = (
                torch.cat(
                    [
                        self.distillation.pooled_maps(level.mix(x[part], noise[part]), level, label(part))
                        for part in parts
                    ]
                )
                for x, noise in ((images, noises[1]), (fake, noises[2]))
            )
            losses.append(energy_distance(real_maps, fake_maps))
        return LossByNoiseLevel([float(level.c_noise) for level in levels], losses)

    def memorizing_loss(self) -> None:
        """Return None: a student is not compared with the memorizing denoiser."""

    def update_batchnorm(self, network: nn.Module) -> None:
        """Recompute the statistics of the BatchNorm layers of `network` from its inputs in the first 16 batches."""
        objective, denoiser = self.distillation, NetDenoiser(network, self.target, self.precision)
        assert objective is not None
        batches = (self.batches(k) for k in range(1, STATISTICS_BATCHES + 1))
        ema.update_batchnorm(network, lambda: (objective.sample(denoiser, b.noise[0], b.condition) for b in batches))


def energy_distance(real: Tensor, fake: Tensor) -> float:
    """Return 1 - (E|X - X'| + E|Y - Y'|) / (2 E|X - Y|) of the rows `real` [N, D] and `fake` [M, D].

    Both are standardized by the mean and the standard deviation of `real`; the means of pairs are unbiased.
    """
    mean, std = real.mean(0), real.std(0) + 1e-6
    x, y = (real - mean) / std, (fake - mean) / std

    def within(rows: Tensor) -> float:
        return float(torch.cdist(rows, rows).sum() / (len(rows) * max(len(rows) - 1, 1)))

    between = float(torch.cdist(x, y).mean())
    return 1 - (within(x) + within(y)) / (2 * between) if between else 0.0
