"""The learning rate schedule, and optimizers equal to those of torch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from raised import code_and_field, raised
from torch import nn

from inkwash.optim.optimizers import LRDecay, OptimizerConfig

TOTAL = 100


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
def test_decaying_rate_goes_from_lr_to_zero(decay: str) -> None:
    optimizer = OptimizerConfig(lr=0.3, decay=decay)  # type: ignore[arg-type]
    assert optimizer.rate(1, 1.0) == pytest.approx(0.3)
    assert optimizer.rate(TOTAL + 1, 0.0) == pytest.approx(0.3 if decay == "none" else 0.0, abs=1e-12)
    assert optimizer.rate(TOTAL, 1 / TOTAL) > 0


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_decaying_rate_is_monotone_and_half_in_the_middle(decay: str) -> None:
    optimizer = OptimizerConfig(lr=1.0, decay=decay)  # type: ignore[arg-type]
    rates = [optimizer.rate(step, LRDecay(TOTAL).remaining_at(step)) for step in range(1, TOTAL + 2)]
    assert all(before > after for before, after in pairwise(rates))
    assert rates[TOTAL // 2] == pytest.approx(0.5)


def test_warmup_is_linear_and_then_constant() -> None:
    optimizer = OptimizerConfig(lr=1.0, warmup=4)
    assert [optimizer.rate(step, 1.0) for step in range(1, 8)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1])


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_step_equals_that_of_torch(kind: str) -> None:
    own, oracle = nn.Linear(3, 2), nn.Linear(3, 2)
    oracle.load_state_dict(own.state_dict())
    settings = OptimizerConfig(kind, lr=0.01, betas=(0.8, 0.99), weight_decay=0.1)
    ours = settings.build(own.parameters())
    theirs = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind](
        oracle.parameters(), lr=0.01, betas=(0.8, 0.99), weight_decay=0.1
    )
    x = torch.linspace(-1, 1, 12).reshape(4, 3)
    for net, optimizer in ((own, ours), (oracle, theirs)):
        for _ in range(5):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(own.weight, oracle.weight)
    torch.testing.assert_close(own.bias, oracle.bias)


def test_unknown_kind_suggests_the_nearest() -> None:
    error = raised(lambda: OptimizerConfig("adamww"))
    assert (error.code, error.field) == ("unknown-name", "optimizer.kind") and "'adamw'" in str(error)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "adam", "inner_lr": 0.02}, "inner_lr"),
        ({"kind": "muon", "inner_lr": -1.0}, "inner_lr"),
        ({"kind": "muon", "lr": 0.0}, "lr"),
    ],
)
def test_a_rate_that_the_optimizer_cannot_use_is_refused(change: dict[str, Any], field: str) -> None:
    assert code_and_field(lambda: OptimizerConfig(**change)) == ("out-of-range", f"optimizer.{field}")
