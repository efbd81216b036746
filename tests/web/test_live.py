"""The endpoint of live redrawing: the two ends are ordinary samples, and between them noise and embeddings move."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

import inkwash
from inkwash.core.rng import Stream, normals, slerp
from inkwash.web import server
from inkwash.web.catalog import Catalog
from inkwash.web.queue import JobQueue
from inkwash.web.schemas import MAX_LIVE_EVALUATIONS, LiveBody

DIGITS = inkwash.load("digits")
GOOD: dict[str, Any] = {"model": "digits", "seeds": [3, 4, 5]}


def live(client: TestClient, **fields: Any) -> np.ndarray:
    response = client.post("/api/live", json=GOOD | fields)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/octet-stream"
    return np.frombuffer(response.content, np.uint8).reshape(len(GOOD["seeds"]), *DIGITS.spec.shape)


def apart(found: np.ndarray, expected: np.ndarray) -> int:
    """Return the largest difference in grey levels."""
    return int(np.abs(found.astype(int) - expected.astype(int)).max())


def test_both_ends_are_ordinary_samples(client: TestClient) -> None:
    ends = {"seed_to": 20, "labels": [1], "labels_to": [8]}
    start = inkwash.sample(DIGITS, n=3, seed=3, label=1).values.numpy()
    end = inkwash.sample(DIGITS, n=3, seed=20, label=8).values.numpy()
    assert np.array_equal(live(client, **ends), start)
    assert apart(live(client, **ends, seed_position=1, label_position=1), end) <= 1
    assert apart(start, end) > 100


def test_random_labels_are_those_of_the_seeds_at_each_end(client: TestClient) -> None:
    found = live(client, seed_to=20, seed_position=1, label_position=1)
    assert apart(found, inkwash.sample(DIGITS, n=3, seed=20).values.numpy()) <= 1


def test_noise_between_the_ends_is_the_spherical_interpolation() -> None:
    run = LiveBody(**GOOD, seed_to=20, seed_position=0.25).resolve(DIGITS)
    start, end = (normals(torch.arange(3) + seed, 0, 0, Stream.SAMPLE, DIGITS.spec.shape) for seed in (3, 20))
    first = next(iter(run.frames()))
    expected = slerp(start, end, torch.full((3,), 0.25, dtype=torch.float64)) * first.level.sigma
    torch.testing.assert_close(first.x, expected.float(), rtol=1e-6, atol=1e-6)


def test_class_between_the_ends_is_the_mean_of_their_embeddings(client: TestClient) -> None:
    changed = copy.deepcopy(DIGITS)
    table = changed.net.get_parameter("condition.label.table.weight").data
    table[1] = 0.7 * table[1] + 0.3 * table[8]
    expected = inkwash.sample(changed, n=3, seed=3, label=1).values.numpy()
    assert apart(live(client, labels=[1], labels_to=[8], label_position=0.3), expected) <= 1


def test_unconditional_models_and_points_move_in_noise_alone(client: TestClient) -> None:
    response = client.post("/api/live", json={"model": "moons", "seeds": [0, 1], "seed_to": 7, "seed_position": 1})
    found = np.frombuffer(response.content, np.float32).reshape(2, 2)
    np.testing.assert_allclose(found, inkwash.sample("moons", n=2, seed=7).values.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"model": "../../etc/passwd"}, 404, "unknown-name", "model"),
        ({"seeds": []}, 422, "out-of-range", "seeds"),
        ({"seeds": [0] * MAX_LIVE_EVALUATIONS}, 422, "too-large", "seeds"),
        ({"seed_position": 1.1}, 422, "out-of-range", "seed_position"),
        ({"label_position": -0.1}, 422, "out-of-range", "label_position"),
        ({"labels_to": [10]}, 422, "out-of-range", "labels_to"),
        ({"guidance": 21}, 422, "out-of-range", "guidance"),
        ({"steps": 1}, 422, "unknown-field", "steps"),
    ],
)
def test_invalid_request_gets_code_and_field(
    client: TestClient, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    response = client.post("/api/live", json=GOOD | fields)
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (status, code, field)


def test_full_queue_refuses_and_a_failed_request_leaves_it(catalog: Catalog) -> None:
    app = server.create_app(catalog, queue=JobQueue(1, 0))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/api/live", json=GOOD).status_code == 503
    app = server.create_app(catalog, queue=JobQueue(1, 1))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/api/live", json=GOOD | {"labels_to": [10]}).status_code == 422
        assert client.post("/api/live", json=GOOD).status_code == 200
