"""Adversarial distillation: images of one evaluation, matched to real ones in the feature maps of a frozen teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from inkwash.core import Level, NetDenoiser, Schedule
from inkwash.core.conditions import Conditions, labels_of, with_labels
from inkwash.core.shapes import Images, PerExample
from inkwash.nets.discriminator import Discriminator
from inkwash.nets.feature_maps import FeatureMap, recorded_maps
from inkwash.objectives.denoising import TargetPredictor

PENALTY_EVERY = 4
"""Steps between gradient penalties, whose weight is multiplied by this number: Karras et al. (2020), Section 3.2."""

Logits = Float[Tensor, "maps batch"]
Uniforms = Float[Tensor, "3 batch"]
NoisePair = Float[Tensor, "2 batch *shape"]


class AdversarialDistillation:
    """Relativistic adversarial loss of one-step images in the feature maps of a frozen `teacher`.

    Images of the student and real ones of the same class are noised to the same random level, and a discriminator on the
    teacher's feature maps compares the pair: Sauer et al. (2024), LADD. The loss is that of relativistic pairs, with
    penalties on the discriminator's gradient at both: Huang et al. (2024), R3GAN, Eq. 2 and 4, here with respect to the
    maps. With the weight `mismatch` real images with a wrong label count as generated: Reed et al. (2016), Algorithm 1.
    Each call trains the discriminator by one step before it computes the loss of the student.

    The student maps noise at the position `start` of `schedule` to an image and, in a fraction `multistep` of each batch,
    real images noised to positions down to half of `start`, so that it can be sampled in several steps as well. Images are
    compared at positions between those of `interval`. `penalty` is the weight of the gradient penalties, `lr` the learning
    rate of the discriminator (Adam), which is initialized from `seed`. With several processes,
    `average(gradient, examples)` averages its gradients over them, each of them a mean over `examples`.
    """

    def __init__(
        self,
        teacher: NetDenoiser,
        schedule: Schedule,
        shape: tuple[int, ...],
        classes: int,
        attributes: int = 0,
        start: float = 0.8,
        interval: tuple[float, float] = (0.1, 0.8),
        penalty: float = 0.004,
        lr: float = 2e-3,
        mismatch: float = 0.0,
        multistep: float = 0.0,
        seed: int = 0,
        average: Callable[[Tensor, int], Tensor] | None = None,
    ) -> None:
        self.teacher, self.schedule, self.interval, self.penalty = teacher, schedule, interval, penalty
        self.mismatch, self.multistep, self.classes = mismatch, multistep, classes
        self.average, self.start, self.step = average, start, 0
        weight = next(teacher.net.parameters())
        with torch.no_grad():
            example = torch.zeros(1, *shape, device=weight.device)
            channels = [each.shape[1] for each in self._maps(example, schedule(start), None)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            discriminator = Discriminator(channels, classes, spatial=len(shape) > 1, attributes=attributes)
        self.discriminator = discriminator.to(weight.device)
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=(0.0, 0.99))

    def sample(self, denoiser: TargetPredictor, noise: Images, labels: Conditions | None) -> Images:
        """Return what the student maps `noise` [B, ...] to in one evaluation; images are clipped to [-1, 1]."""
        level = self.schedule(self.start)
        return _image(denoiser, level.sigma.to(noise) * noise, level, labels)

    def __call__(
        self, denoiser: TargetPredictor, images: Images, labels: Conditions | None, u: Uniforms, noise: NoisePair
    ) -> PerExample:
        """Return the loss of each example of the student, float32 [B].

        `images` are [B, ...], `labels` int64 [B], a `Condition` or None, `u` uniform numbers in (0, 1), float64 [3, B]:
        those of the level of comparison, of the student's input and of the wrong label. `noise` is [2, B, ...]: that of the
        student's input and of the real maps, and that of the student's maps.
        """
        self.step += 1
        low, high = self.interval
        level = self.schedule(low + (high - low) * u[0])
        with torch.no_grad():
            real = self._maps(level.mix(images, noise[0]), level, labels)
        fake = self._maps(level.mix(self._generated(denoiser, images, labels, u[1], noise[0]), noise[1]), level, labels)
        mismatched = self._mismatched(images, labels, u[2], level, noise[0])
        self._train_discriminator(real, [each.detach() for each in fake], level, labels, mismatched)
        self.discriminator.requires_grad_(False)
        loss = F.softplus(self._logits(real, level, labels) - self._logits(fake, level, labels)).mean(0)
        self.discriminator.requires_grad_(True)
        return loss

    def pooled_maps(self, x: Images, level: Level, labels: Conditions | None) -> Float[Tensor, "batch features"]:
        """Return the means over positions of the teacher's feature maps of `x` [B, ...] at `level`, concatenated."""
        return torch.cat(
            [each.flatten(2).mean(2) if each.ndim > 2 else each for each in self._maps(x, level, labels)], 1
        )

    def logits(self, x: Images, level: Level, labels: Conditions | None) -> Logits:
        """Return the discriminator's logits of `x` [B, ...] at `level`, one for each feature map: float32 [maps, B]."""
        return self._logits(self._maps(x, level, labels), level, labels)

    def tensors(self) -> dict[str, Tensor]:
        """Return the discriminator, its optimizer and the number of calls by flat names, for a checkpoint."""
        tensors = {f"discriminator.{name}": value for name, value in self.discriminator.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{slot}": torch.as_tensor(value) for slot, value in slots.items()}
        tensors |= {"step": torch.tensor(self.step)}
        # Copies, because later steps change the tensors in place.
        return {name: value.detach().to("cpu", copy=True) for name, value in tensors.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `tensors` returned. Raises `RuntimeError` or `KeyError` for those of another discriminator."""
        self.step = int(tensors["step"])
        parts: dict[str, dict[str, Tensor]] = {"discriminator": {}, "optimizer": {}}
        for name, value in tensors.items():
            part, _, key = name.partition(".")
            parts.setdefault(part, {})[key] = value
        self.discriminator.load_state_dict(parts["discriminator"])
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["optimizer"].items():
            index, _, slot = name.partition(".")
            slots.setdefault(int(index), {})[slot] = value.clone()
        self.optimizer.load_state_dict({"state": slots, "param_groups": self.optimizer.state_dict()["param_groups"]})

    def _generated(
        self, denoiser: TargetPredictor, images: Images, labels: Conditions | None, u: PerExample, noise: Images
    ) -> Images:
        """Return the student's images: of `noise` at the start, and of noised `images` where `u` [B] is below `multistep`."""
        noised = u < self.multistep
        # Given that it is below `multistep`, u is uniform up to there.
        fraction = u / self.multistep if self.multistep else u
        position = torch.where(noised, self.start / 2 * (1 + fraction), self.start)
        level = self.schedule(position)
        mask = noised.to(images).reshape(-1, *[1] * (images.ndim - 1))
        return _image(denoiser, level.mix(mask * images, noise), level, labels)

    def _mismatched(
        self, images: Images, labels: Conditions | None, u: PerExample, level: Level, noise: Images
    ) -> tuple[list[FeatureMap], Conditions] | None:
        """Return the maps of noised `images` under a wrong label each, chosen by `u` [B], and these conditions."""
        known = labels_of(labels)
        if not self.mismatch or labels is None or known is None or self.classes < 2:
            return None
        shift = (1 + (u * (self.classes - 1)).long()).to(known.device)
        wrong = with_labels(labels, torch.where(known < 0, known, (known + shift) % self.classes))
        with torch.no_grad():
            return self._maps(level.mix(images, noise), level, wrong), wrong

    def _train_discriminator(
        self,
        real: list[FeatureMap],
        fake: list[FeatureMap],
        level: Level,
        labels: Conditions | None,
        mismatched: tuple[list[FeatureMap], Conditions] | None,
    ) -> None:
        """Update the discriminator by one step on the maps of one batch."""
        penalized = self.penalty > 0 and self.step % PENALTY_EVERY == 0
        for each in (*real, *fake):
            each.requires_grad_(penalized)
        real_logits, fake_logits = self._logits(real, level, labels), self._logits(fake, level, labels)
        loss = F.softplus(fake_logits - real_logits).mean()
        if mismatched is not None:
            maps, wrong = mismatched
            losses = F.softplus(self._logits(maps, level, wrong) - real_logits)
            wrong_labels = labels_of(wrong)
            assert wrong_labels is not None
            loss = loss + self.mismatch * torch.where(wrong_labels < 0, 0.0, losses).mean()
        if penalized:
            squares = _squared_gradients(real_logits, real) + _squared_gradients(fake_logits, fake)
            loss = loss + PENALTY_EVERY * self.penalty / 2 * squares
        self.optimizer.zero_grad()
        loss.backward()
        if self.average is not None:
            for parameter in self.discriminator.parameters():
                if parameter.grad is not None:
                    parameter.grad = self.average(parameter.grad, len(level.c_noise))
        self.optimizer.step()
        for each in real:
            each.requires_grad_(False)

    def _maps(self, x: Images, level: Level, labels: Conditions | None) -> list[FeatureMap]:
        """Return the teacher's feature maps of `x` [B, ...] at `level`."""
        with recorded_maps(self.teacher.net, len(x), x.ndim) as maps:
            self.teacher.output(x, level, labels)
        return maps

    def _logits(self, maps: list[FeatureMap], level: Level, labels: Conditions | None) -> Logits:
        c_noise = level.c_noise.to(maps[0])
        with torch.autocast(
            maps[0].device.type, dtype=self.teacher.autocast, enabled=self.teacher.autocast is not None
        ):
            return self.discriminator(maps, c_noise, labels).float()


def _image(denoiser: TargetPredictor, x: Images, level: Level, labels: Conditions | None) -> Images:
    """Return the image that the denoiser predicts of `x` [B, ...] at `level`, clipped to [-1, 1] unless x is a point."""
    image = denoiser.target.image(level, x, denoiser.output(x, level, labels))
    return image.clamp(-1, 1) if image.ndim > 2 else image


def _squared_gradients(logits: Logits, maps: list[FeatureMap]) -> Float[Tensor, ""]:
    """Return the squared norm of the gradient of `logits` with respect to `maps`, the mean over examples."""
    gradients = torch.autograd.grad(logits.sum(), maps, create_graph=True)
    return sum((each.square().flatten(1).sum(1).mean() for each in gradients), torch.zeros(()))
