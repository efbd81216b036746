"""A trained model: EMA weights, the recipe, and the specification of the data set."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.core import SAMPLERS, Clipped, Denoiser, Guided, NetDenoiser, Sampler, Schedule, Stretch, Target, Warped
from inkwash.core.samplers import parse_sampler
from inkwash.data import canonical_name
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError, unknown_name, warn, wrong_file_error
from inkwash.hardware import devices, memory
from inkwash.io import checkpoints
from inkwash.nets import NETS, summary
from inkwash.nets.parameter_limit import MAX_PARAMETERS, ParameterLimitError, build_within_limit
from inkwash.text.printing import shortened

MIN_ESTIMATED_VALUES = 2**20
"""Values of an example from which on the memory of a forward pass is estimated first, which takes a second."""
MIN_SOLVABLE_LOG_SNR = -9.0
"""The log-SNR at which paths start when the target has no solution for the image at the end of the schedule."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready for sampling: `net` in evaluation mode, its `recipe`, data `spec`, training `step`, hash of weights.

    `path` is the checkpoint file, None for a model that was not loaded from one.
    """

    name: str
    recipe: Recipe
    spec: DatasetSpec
    net: nn.Module
    step: int
    weights: str
    path: Path | None = None

    def __repr__(self) -> str:
        return (
            f"Model({self.name!r}, {self.recipe.network.kind} for {self.spec.data}, step {self.step}, {self.weights})"
        )

    @property
    def target(self) -> Target:
        """The prediction target of the network."""
        return Target(self.recipe.target, self.spec.data_std)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.net.parameters()).device

    @property
    def conditional(self) -> bool:
        """Whether the network is conditioned on a label."""
        return self.recipe.network.conditional

    def metadata(self) -> dict[str, Any]:
        """Return the name, the weights and the training step as plain values, for metadata of samples."""
        return {"model": self.name, "weights": self.weights, "step": self.step}

    def schedule(self, other: Schedule | None = None) -> Schedule:
        """Return the noise schedule of sampling: `other`, the recipe's for sampling, or that of training.

        It starts at most at the terminal noise of training and, for a target without a solution where alpha = 0, at a
        log-SNR of -9: at -20 an error of 0.01 in the noise would become 220 in the image.
        """
        trained = self.recipe.schedule
        chosen = other or self.recipe.sampling.schedule or trained
        noisiest = float(trained.terminal.log_snr)
        if self.target.determinant(trained.terminal) == 0:
            noisiest = MIN_SOLVABLE_LOG_SNR
        if float(chosen.terminal.log_snr) < noisiest - 1e-9:
            return Warped(chosen, Stretch(chosen.u_at_log_snr(noisiest)))
        return chosen

    def sampler(
        self,
        text: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
        temperature: float = 1.0,
        schedule: Schedule | None = None,
    ) -> Sampler:
        """Return the sampler written as `ddim:50`, None for the recipe's; `steps` overrides the number after the colon.

        Raises `UsageError` as `Sampler` does.
        """
        kind, written = parse_sampler(text or self.recipe.sampling.sampler)
        chosen = self.schedule(schedule)
        num_timesteps = chosen.num_timesteps or 1000
        default = min(SAMPLERS[kind].default_steps or num_timesteps, num_timesteps)
        num_steps = next((n for n in (steps, written) if n is not None), default)
        return Sampler(chosen, kind, num_steps, eta, temperature)

    def denoiser(
        self,
        guidance: float | None = None,
        interval: tuple[float, float] = (0.0, 1.0),
        clip: bool | None = None,
        precision: str = "float32",
    ) -> Denoiser:
        """Return the model as a denoiser: clipped to [-1, 1] by `clip`, guided when `guidance` is not 1.

        `interval` in u is where guidance applies. `clip` None clips as in the recipe, and images of eps-networks, whose
        predictions at noisy levels are noise divided by a small alpha. Raises `UsageError` for guidance of an
        unconditional model.
        """
        weight = self.recipe.sampling.guidance if guidance is None else guidance
        if clip is None:
            clip = (self.recipe.clip or self.recipe.target == "eps") and not self.spec.is_points
        denoiser: Denoiser = NetDenoiser(self.net, self.target, devices.precision(precision, self.device))
        if not math.isfinite(weight):
            raise UsageError(
                f"guidance is {weight}: give a finite weight, 1 for none", code="out-of-range", field="guidance"
            )
        if weight < 0:
            raise UsageError(
                f"guidance is {weight:g}: a weight below 0 moves samples away from the requested class; "
                "give 0 to ignore the label, 1 for no guidance, or more than 1 to strengthen it",
                code="out-of-range",
                field="guidance",
            )
        if weight != 1:
            if not self.conditional:
                raise UsageError(
                    f"guidance {weight:g} has no effect: {self.name} was trained without labels; leave it out",
                    code="no-effect",
                    field="guidance",
                )
            # As in training, where the unconditional prediction of such a network is clipped too.
            null = Clipped(denoiser) if clip and self.recipe.clip else None
            denoiser = Guided(denoiser, weight, *self.recipe.schedule.between(*interval), null)
        return Clipped(denoiser) if clip else denoiser


def bundled() -> list[str]:
    """Return the names of the bundled models."""
    folder = resources.files("inkwash.models")
    return sorted(item.name for item in folder.iterdir() if (item / "checkpoints" / "latest.safetensors").is_file())


def require_as_bundled(path: Path) -> None:
    """Raise `InkwashError` when `path` is the checkpoint of a bundled model with another checksum than was published."""
    root, folder = Path(str(resources.files("inkwash.models"))), path.parent.parent
    if folder.parent != root:
        return
    sums = json.loads((root / "sums.json").read_text(encoding="utf-8"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums.get(folder.name):
        raise InkwashError(
            f"{path} is damaged, its checksum is not that of the bundled model: install inkwash again",
            code="damaged-file",
        )


def find(name: str | Path) -> Path:
    """Return the checkpoint file of a bundled name, a run folder (its latest, damaged or not) or a file.

    Raises `UsageError` when there is none, with the nearest bundled name.
    """
    if str(name) in bundled():
        return Path(str(resources.files("inkwash.models") / str(name) / "checkpoints" / "latest.safetensors"))
    path = Path(name)
    if path.is_dir():
        if not checkpoints.files_in(path / "checkpoints"):
            raise UsageError(
                f"{path} has no checkpoints/latest.safetensors: name a run folder that has trained",
                code="missing-file",
                field="model",
            )
        return path / "checkpoints" / "latest.safetensors"
    if path.is_file():
        if path.suffix != ".safetensors":
            raise _no_checkpoint(path)
        return path
    if len(path.parts) > 1:
        raise UsageError(f"no run folder or checkpoint {path}: check the path", code="missing-file", field="model")
    raise _no_model(str(name))


def _no_checkpoint(path: Path) -> UsageError:
    """Return the error for a file that is not a checkpoint, with the command for its kind."""
    if path.suffix == ".toml":
        return UsageError(
            f"{path} is a recipe, not a model: train it first, inkwash train {path}", code="wrong-file", field="model"
        )
    if path.suffix in {".npy", ".npz"}:
        return UsageError(
            f"{path} holds arrays, not a model: inkwash evaluate {path} measures images",
            code="wrong-file",
            field="model",
        )
    wanted = f"a bundled model ({', '.join(bundled())}), a run folder, or a checkpoint NAME.safetensors"
    return wrong_file_error(path, "model", wanted)


def _no_model(name: str) -> UsageError:
    """Return the error for an unknown name of a model, which may be that of a data set or a recipe."""
    dataset = canonical_name(name)
    if name in recipes.bundled():
        return UsageError(
            f"{name} is a recipe without bundled weights: train it first, inkwash train {name}",
            code="unknown-name",
            field="model",
        )
    if dataset is not None:
        trained = [each for each in bundled() if recipes.load(each).data.name == dataset]
        models = (
            f"bundled models trained on it are {', '.join(trained)}"
            if trained
            else "no bundled model was trained on it"
        )
        return UsageError(
            f"{name} is a data set, not a model: {models}; inkwash train RECIPE --data {dataset} makes one",
            code="unknown-name",
            field="model",
        )
    near = unknown_name("model", name, bundled())
    return UsageError(
        f"{near}; or give a run folder, or a checkpoint NAME.safetensors", code="unknown-name", field="model"
    )


def load(name: str | Path, net: nn.Module | None = None, device: str = "auto") -> Model:
    """Return the model called `name`: a bundled one, a run folder or a checkpoint file.

    `net` is the caller's network to load the weights into, None for that of the recipe. When the latest checkpoint of
    a run folder is damaged, the newest intact one is loaded and a warning is printed.
    Raises `UsageError` when there is no such model, `InkwashError` when its file is damaged or does not fit the network.
    """
    path = find(name)
    target_device = devices.device(device)
    require_as_bundled(path)
    if path == Path(name):
        checkpoint = checkpoints.load(path)
        checkpoints.require_header(path, checkpoint.header)
    else:
        path, checkpoint, instead = checkpoints.load_newest(path.parent)
        if instead:
            warn(instead)
    try:
        recipe = Recipe.from_dict(checkpoint.header["recipe"], check_network_options=net is None)
        spec = DatasetSpec.from_dict(checkpoint.header["facts"])
    except UsageError as error:
        raise UsageError(f"checkpoint {path}: {error}", code=error.code, field=error.field) from None
    weights = {
        key: value.float() if value.is_floating_point() else value for key, value in checkpoint.part("average").items()
    }
    try:
        # The budget is what the file contains, because its header may name a network of any size.
        contained = sum(value.numel() for value in weights.values())
        filled = net if net is not None else build_net(recipe, spec, contained)
        filled.load_state_dict(weights)
    except (RuntimeError, ParameterLimitError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InkwashError(
            f"{path} does not fit the network {recipe.network.kind}: {reason}", code="mismatch"
        ) from None
    ready = devices.to_device(filled, target_device).eval().requires_grad_(False)
    step = checkpoint.header["progress"]["step"]
    return Model(recipe.name, recipe, spec, ready, step, checkpoints.weights_digest(weights), path)


@torch.no_grad()
def check_forward(net: nn.Module, spec: DatasetSpec) -> nn.Module:
    """Return `net` when it takes examples of `spec`, tested with two of zeros; otherwise raise `UsageError`."""
    device = next(net.parameters()).device
    # A copy, because a forward pass may change buffers such as running statistics.
    trial = copy.deepcopy(net).eval()
    try:
        shape = trial(torch.zeros(2, *spec.shape, device=device), torch.zeros(2, device=device), None).shape[1:]
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shape = " ".join(str(error).split())[:100]
    if shape != spec.shape:
        remedy = "points need --set network.kind=mlp" if spec.is_points else "images need a U-Net and at least 4 pixels"
        expected = "×".join(map(str, spec.shape))
        raise UsageError(
            f"{type(net).__name__} returned {shape} for inputs of {expected} ({spec.data}): {remedy}",
            code="mismatch",
            field="network.kind",
        )
    return net


def build_net(recipe: Recipe, spec: DatasetSpec, most: int = MAX_PARAMETERS) -> nn.Module:
    """Return the recipe's untrained network for data of `spec`, initialised from the seed of the recipe.

    Raises `UsageError` for a network that is not in NETS, one of more than `most` parameters, or one whose forward pass
    does not fit in memory for examples of this shape.
    """
    kind = recipe.network.kind
    if kind not in NETS:
        raise UsageError(
            f"network '{kind}' is not known: give it as net=… in Python, or add it to NETS in a file for --with",
            code="unknown-name",
            field="network.kind",
        )

    def make() -> nn.Module:
        torch.default_generator.manual_seed(recipe.training.seed)
        return NETS[kind](spec.shape[0], spec.num_classes(recipe.network.conditional), **recipe.network.options)

    # torch initialises layers from its global generator, whose state is restored afterwards.
    with torch.random.fork_rng(devices=[]):
        try:
            net = build_within_limit(make, most, kind)
        except (RuntimeError, ValueError, TypeError, ArithmeticError, IndexError) as error:
            options = ", ".join(f"network.{name} = {value}" for name, value in recipe.network.options.items())
            reason = shortened(" ".join(str(error).split()))
            raise UsageError(
                f"{kind} cannot be built with {shortened(options)}: {reason}", code="invalid-value", field="network"
            ) from None
    if math.prod(spec.shape) > MIN_ESTIMATED_VALUES:
        sides = "×".join(map(str, spec.shape))
        needed = summary.activation_bytes(net, spec.shape)
        memory.require(
            needed, f"{kind} on one example of {sides}", "choose a smaller data.size or network", "data.size"
        )
    return net
