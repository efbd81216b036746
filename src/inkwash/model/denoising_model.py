"""A trained model: EMA weights, the recipe, and the specification of the data set."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inkwash.config.recipe import Recipe
from inkwash.core import SAMPLERS, Clipped, Denoiser, Guided, NetDenoiser, Sampler, Schedule, Stretch, Target, Warped
from inkwash.core.samplers import parse_sampler
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError
from inkwash.hardware import devices
from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint
from inkwash.nets import summary
from inkwash.text import html

MIN_SOLVABLE_LOG_SNR = -9.0
"""The log-SNR at which paths start when the target has no solution for the image at the end of the schedule."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready for sampling: `net` in evaluation mode, its `recipe`, data `spec`, training `step`, hash of weights.

    `path` is the checkpoint file, None for a model that was not loaded from one. The weights of a loaded model are frozen:
    `model.net.train().requires_grad_()` lets a loop of your own train them.
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

    def _repr_html_(self) -> str:
        recipe, spec = self.recipe, self.spec
        names = ", ".join(spec.classes)
        rows = [
            ("network", f"{recipe.network.kind}, {summary.parameters(self.net):,} parameters, on {self.device}"),
            ("data", f"{spec.data}: {spec.count:,} train examples of {'×'.join(map(str, spec.shape))}"),
            ("classes", f"{len(spec.classes)}: {names}" if self.conditional else "unconditional"),
            ("target", recipe.target),
            ("schedule", recipe.schedule),
            ("sampler", f"{recipe.sampling.sampler}, guidance {recipe.sampling.guidance:g}"),
            ("trained for", f"{self.step:,} steps"),
            ("weights", self.weights),
            ("file", self.path),
        ]
        return html.table(f"model {self.name}", rows)

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

    def checkpoint(self) -> Checkpoint:
        """Return the weights with their header, without the state of an optimizer."""
        header = {"recipe": self.recipe.to_dict(), "facts": self.spec.to_dict(), "progress": {"step": self.step}}
        return Checkpoint(header, {f"average.{name}": value for name, value in self.net.state_dict().items()})

    def save(self, path: str | Path) -> None:
        """Write the weights to the checkpoint file `path`, NAME.safetensors, which `load` reads."""
        if Path(path).suffix != ".safetensors":
            raise UsageError(f"{path} is no checkpoint: end its name in .safetensors", code="wrong-file", field="path")
        checkpoints.save(path, self.identified().checkpoint())

    def identified(self) -> Model:
        """Return the model with the hash of its present weights, which a loop of the caller may have trained."""
        weights = checkpoints.weights_digest(self.net.state_dict())
        return self if weights == self.weights else replace(self, weights=weights, path=None)

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
            # Clip the unconditional prediction too, as in training.
            null = Clipped(denoiser) if clip and self.recipe.clip else None
            denoiser = Guided(denoiser, weight, *self.recipe.schedule.between(*interval), null)
        return Clipped(denoiser) if clip else denoiser
