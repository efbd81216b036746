"""Optimizers and their learning rate schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn

from inkwash.errors import UsageError, unknown_name
from inkwash.optim.muon import Muon

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": partial(torch.optim.Adam, fused=True),  # Kingma & Ba (2015)
    "adamw": partial(torch.optim.AdamW, fused=True),  # Loshchilov & Hutter (2019): decoupled weight decay
    "muon": Muon,  # Jordan et al. (2024)
}


@dataclass(frozen=True)
class OptimizerConfig:
    """An entry of OPTIMIZERS with learning rate `lr`, linear `warmup` in steps, and `decay` of the rate up to the last step.

    `clip` is the maximum norm of the gradient, 0 for none. `inner_lr` is muon's rate for inner convolutions (None:
    0.02), `lr` that of all other parameters; both have the same schedule.
    Raises `UsageError` for an unknown `kind`.
    """

    kind: str = "adam"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float = 0.0
    warmup: int = 0
    decay: Literal["none", "linear", "cosine"] = "none"
    inner_lr: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in OPTIMIZERS:
            raise unknown_name("optimizer.kind", self.kind, OPTIMIZERS)
        for name in ("lr", "weight_decay", "clip", "warmup"):
            if not 0 <= getattr(self, name) < math.inf:
                raise _out_of_range(name, getattr(self, name), "must be at least 0, and finite")
        if self.inner_lr is not None and (self.kind != "muon" or not 0 <= self.inner_lr < math.inf):
            raise _out_of_range("inner_lr", self.inner_lr, "applies to muon only, and must be at least 0")
        if self.kind == "muon" and not self.lr:
            raise _out_of_range("lr", self.lr, "must be above 0 for muon: inner_lr is stored as a multiple of lr")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise _out_of_range("betas", list(self.betas), "must be two numbers in [0, 1)")

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the torch optimizer of `parameters`."""
        muon = {} if self.inner_lr is None else {"inner_lr": self.inner_lr}
        return OPTIMIZERS[self.kind](
            list(parameters), lr=self.lr, betas=self.betas, weight_decay=self.weight_decay, **muon
        )

    def rate(self, step: int, remaining: float) -> float:
        """Return the learning rate at `step` >= 1 with the fraction `remaining` in [0, 1] of the decay ahead."""
        rise = min(1.0, step / (self.warmup + 1))
        fall = {"none": 1.0, "linear": remaining, "cosine": (1 - math.cos(math.pi * remaining)) / 2}[self.decay]
        return self.lr * rise * fall


def _out_of_range(name: str, value: object, requirement: str) -> UsageError:
    field = f"optimizer.{name}"
    return UsageError(f"field '{field}' is {value}: it {requirement}", code="out-of-range", field=field)


@dataclass(frozen=True)
class LRDecay:
    """Training ends after step `total`; after step `start` the fraction `remaining` of the decay is ahead.

    A run of fixed length has start = 0 and remaining = 1. When `total` is revised during a run, the decay continues
    from the fraction it has reached, so that the learning rate is continuous.
    """

    total: int
    start: int = 0
    remaining: float = 1.0

    def remaining_at(self, step: int) -> float:
        """Return the fraction in [0, 1] of the decay that is ahead at `step`: linear, 0 after the last step."""
        done = (step - 1 - self.start) / max(self.total - self.start, 1)
        return self.remaining * min(max(0.0, 1 - done), 1.0)

    def revised(self, step: int, total: int) -> LRDecay:
        """Return the decay with a new `total`, whose decay continues from the fraction that is ahead after `step`."""
        return LRDecay(total, step, self.remaining_at(step + 1))
