"""Muon: orthogonalized momentum for the inner convolutions of a network, AdamW for all other parameters."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

MIN_MUON_CHANNELS = 16
"""Convolutions with fewer input or output channels are first or last layers, which AdamW updates."""


class Muon(torch.optim.Optimizer):
    """Muon, Jordan et al. (2024), for convolutions of at least 16 input and output channels, AdamW for the rest.

    A convolution [O, I, h, w] is the matrix [O, I h w]: its momentum is approximately orthogonalized and applied with
    the rate `inner_lr` * sqrt(max(1, O / I h w)). `lr` (above 0) and `betas` are those of AdamW; `weight_decay` applies
    to both. The entry "lr_scale" of each parameter group is its rate divided by `lr`, for learning rate schedules.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        inner_lr: float = 0.02,
        momentum: float = 0.95,
    ) -> None:
        every = list(parameters)
        inner = [p for p in every if p.ndim == 4 and min(p.shape[:2]) >= MIN_MUON_CHANNELS]
        chosen = set(map(id, inner))
        groups = [
            {"params": inner, "muon": True, "lr_scale": inner_lr / lr},
            {"params": [p for p in every if id(p) not in chosen], "muon": False, "lr_scale": 1.0},
        ]
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "momentum": momentum, "eps": 1e-8}
        super().__init__([group for group in groups if group["params"]], defaults)
        for group in self.param_groups:
            group["lr"] = lr * group["lr_scale"]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            trained = [p for p in group["params"] if p.grad is not None]
            (self._muon_step if group["muon"] else self._adamw_step)(group, trained)

    def _muon_step(self, group: dict[str, Any], parameters: list[nn.Parameter]) -> None:
        for p in parameters:
            if not self.state[p]:
                self.state[p]["momentum"] = torch.zeros_like(p)
        gradients: list[Tensor] = [p.grad for p in parameters]  # type: ignore[misc]
        momenta = [self.state[p]["momentum"] for p in parameters]
        torch._foreach_mul_(momenta, group["momentum"])
        torch._foreach_add_(momenta, gradients)
        # Matrices of equal shape are orthogonalized in one batch, which is faster than many small products.
        by_shape: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
        for p, update in zip(parameters, torch._foreach_add(gradients, momenta, alpha=group["momentum"]), strict=True):
            by_shape[p.shape].append((p, update))
        if group["weight_decay"]:
            torch._foreach_mul_(list[Tensor](parameters), 1 - group["lr"] * group["weight_decay"])
        for shape, pairs in by_shape.items():
            updates = orthogonalize(torch.stack([update.flatten(1) for _, update in pairs]))
            rate = group["lr"] * math.sqrt(max(1.0, shape[0] / shape[1:].numel()))
            torch._foreach_add_(
                [p for p, _ in pairs],
                [u.view_as(p) for (p, _), u in zip(pairs, updates, strict=True)],
                alpha=-rate,
            )

    def _adamw_step(self, group: dict[str, Any], parameters: list[nn.Parameter]) -> None:
        for p in parameters:
            if not self.state[p]:
                self.state[p] |= {
                    "step": torch.zeros((), dtype=torch.float32, device=p.device),
                    "exp_avg": torch.zeros_like(p),
                    "exp_avg_sq": torch.zeros_like(p),
                }
        slots = [[self.state[p][name] for p in parameters] for name in ("exp_avg", "exp_avg_sq", "step")]
        adamw(
            parameters,  # type: ignore[arg-type]
            [p.grad for p in parameters],  # type: ignore[misc]
            slots[0],
            slots[1],
            [],
            slots[2],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Return `matrices` [N, O, I] with singular values of about 1 (0.7 to 1.2), float32.

    The quintic Newton-Schulz iteration of Jordan et al. (2024). Every step multiplies by a polynomial in x x', so that
    only the small x x' is iterated and the long matrix is read twice; this needs float32, because its values are squared.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    gram, factor = x @ x.mT, None
    for step in range(steps):
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=-2, dim2=-1).add_(a)
        factor = polynomial if factor is None else polynomial @ factor
        if step < steps - 1:
            gram = polynomial @ gram @ polynomial
    x = x if factor is None else factor @ x
    return x.mT if tall else x
