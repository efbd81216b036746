"""The loss by noise level on fresh points: that of the direct estimate, and never below that of the exact denoiser."""

from __future__ import annotations

import pytest
import torch
from starlette.testclient import TestClient

import inkwash
from inkwash.core import EmpiricalDenoiser, NetDenoiser
from inkwash.core.rng import Stream, normals
from inkwash.data.points import TOY_DISTRIBUTIONS, moons_denoiser
from inkwash.training.objective import denoising_objective
from inkwash.web.point_losses import point_losses

MOONS = TOY_DISTRIBUTIONS["moons"]


@pytest.mark.parametrize("u", [0.3, 0.6, 0.95])
def test_exact_denoiser_of_the_moons_is_the_posterior_mean_over_many_points(u: float) -> None:
    level = inkwash.load("moons").schedule()(u)
    points = MOONS.fresh(200)
    x = level.mix(points, normals(0, torch.arange(200), 0, Stream.SAMPLE, (2,)))
    found = EmpiricalDenoiser(MOONS.fresh(40_200)[200:])(x, level)
    assert (moons_denoiser()(x, level) - found).square().mean().sqrt() < 0.015


def test_losses_are_those_of_the_direct_estimate_and_not_below_the_exact_ones() -> None:
    model = inkwash.load("moons", device="cpu")
    found = point_losses(model)
    assert found is not None and len(found["c_noise"]) == 20
    assert all(loss >= exact for loss, exact in zip(found["loss"], found["exact"], strict=True))
    # A network that has learned its distribution is near the exact denoiser at every level.
    assert all(loss < 1.02 * exact for loss, exact in zip(found["loss"], found["exact"], strict=True))
    objective, count = denoising_objective(model.recipe), found["fresh"]
    noise = normals(0, torch.arange(count), 0, Stream.VALIDATION_NOISE, (2,))
    for k in (0, 7, 19):
        u = torch.full((count,), (k + 0.5) / 20, dtype=torch.float64)
        with torch.no_grad():
            direct = objective(NetDenoiser(model.net, model.target), MOONS.fresh(count), None, u, noise).mean()
        assert found["loss"][k] == pytest.approx(float(direct), rel=0.005)


def test_models_of_other_data_have_none(client: TestClient) -> None:
    assert point_losses(inkwash.load("digits")) is None
    assert "fresh" not in client.get("/api/models/digits/history").json()["loss_by_noise_level"]
    assert client.get("/api/models/moons/history").json()["loss_by_noise_level"]["fresh"] == 2000
