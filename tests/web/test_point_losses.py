"""The loss by noise level on fresh points: that of the direct estimate, and never below that of the exact denoiser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

import inkwash
from inkwash import model as models
from inkwash.core import EmpiricalDenoiser, NetDenoiser
from inkwash.core.rng import Stream, normals
from inkwash.data.points import TOY_DISTRIBUTIONS, moons_denoiser
from inkwash.errors import InkwashError
from inkwash.model import Model
from inkwash.training.objective import denoising_objective
from inkwash.web import server
from inkwash.web.catalog import Catalog
from inkwash.web.point_losses import point_losses
from inkwash.web.queue import JobQueue

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


def history(catalog: Catalog, queue: JobQueue, name: str = "moons", times: int = 1) -> list[Any]:
    application = server.create_app(catalog, queue=queue)
    with TestClient(application, base_url="http://localhost", raise_server_exceptions=False) as client:
        return [client.get(f"/api/models/{name}/history") for _ in range(times)]


def test_losses_are_measured_once_and_in_the_order_of_the_queue(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measured, queue = [], JobQueue(at_once=1)

    def measure(model: Model) -> dict[str, Any]:
        measured.append((model.name, len(queue.running)))
        return {"fresh": 7}

    monkeypatch.setattr(server, "point_losses", measure)
    found = history(Catalog((), tmp_path), queue, times=3)
    assert [each.json()["loss_by_noise_level"]["fresh"] for each in found] == [7] * 3
    assert measured == [("moons", 1)] and not queue.running
    full = JobQueue(at_once=0, max_waiting=0)
    assert history(Catalog((), tmp_path), full)[0].status_code == 503
    # Losses of a run are read, which is no job.
    assert history(Catalog((), tmp_path), full, "digits")[0].status_code == 200
    assert len(measured) == 1


def test_network_that_cannot_be_loaded_has_the_losses_of_its_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def damaged(*arguments: object) -> None:
        raise InkwashError("damaged weights", code="damaged-file")

    monkeypatch.setattr(models, "load", damaged)
    for name in ("moons", "digits"):
        (found,) = history(Catalog((), tmp_path), JobQueue(), name)
        assert found.status_code == 200
        losses = found.json()["loss_by_noise_level"]
        assert "fresh" not in losses and len(losses["loss"]) == len(losses["c_noise"]) > 0
