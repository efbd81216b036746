"""The endpoint of the view Denoise: the noisy image is that of sampling, and one output is read in three ways."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

import inkwash
from inkwash import data
from inkwash.core import Target
from inkwash.data import encode
from inkwash.errors import InkwashError
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.web import server
from inkwash.web.catalog import Catalog
from inkwash.web.queue import JobQueue

DIGITS = inkwash.load("digits")
DRAWING = data.load("digits").test_values[3]  # type: ignore[index]
GOOD: dict[str, Any] = {
    "model": "digits",
    "image": base64.b64encode(DRAWING.numpy().tobytes()).decode(),
    "noise": 0.4,
    "seed": 6,
    "label": 3,
}


def denoise(client: TestClient, **fields: Any) -> dict[str, Any]:
    response = client.post("/api/denoise", json=GOOD | fields)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    for name in {"x", "x0", "eps", "v", "exact"} & set(answer):
        values = np.frombuffer(base64.b64decode(answer[name]), np.float32).copy()
        answer[name] = torch.from_numpy(values).reshape(1, *DIGITS.spec.shape)
    return answer


@pytest.mark.parametrize("noise", [0.01, 0.4, 0.9])
def test_noisy_image_is_the_first_frame_of_sampling_from_the_drawing(client: TestClient, noise: float) -> None:
    request = SampleRequest(n=1, seed=6, label="3", steps=3, edit=Edit(DRAWING, None, noise))
    first = next(iter(resolve(request, DIGITS).frames()))
    answer = denoise(client, noise=noise, exact=False)
    torch.testing.assert_close(answer["x"], first.x)
    assert answer["level"]["sigma"] == pytest.approx(float(first.level.sigma))
    assert "exact" not in answer and "exact_of" not in answer


@pytest.mark.parametrize("noise", [0.05, 0.4, 1])
def test_readings_are_one_output(client: TestClient, noise: float) -> None:
    answer = denoise(client, noise=noise)
    level = DIGITS.schedule()(noise)
    torch.testing.assert_close(level.mix(answer["x0"], answer["eps"]), answer["x"], rtol=1e-4, atol=1e-4)
    expected = DIGITS.denoiser(guidance=1, clip=False)(answer["x"], level, torch.tensor([3]))
    torch.testing.assert_close(answer["x0"], expected, rtol=1e-4, atol=1e-4)
    v = Target("v").of(level, answer["x0"], answer["eps"])
    torch.testing.assert_close(answer["v"], v, rtol=1e-4, atol=1e-4)


def test_exact_denoiser_of_little_noise_returns_the_nearest_training_image_of_the_class(client: TestClient) -> None:
    answer = denoise(client, noise=0.02)
    train = data.load("digits")
    images = encode(train.values)[train.labels == 3]
    nearest = images[(images - answer["x"]).flatten(1).norm(dim=1).argmin()]
    torch.testing.assert_close(answer["exact"][0], nearest, rtol=1e-3, atol=1e-3)
    assert answer["exact_of"] == {"count": DIGITS.spec.count, "sampled": False}


def test_without_its_data_the_exact_denoiser_is_that_of_samples(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(*arguments: object) -> None:
        raise InkwashError("not here", code="missing-file")

    monkeypatch.setattr(data, "load_offline", missing)
    with TestClient(server.create_app(Catalog((), tmp_path)), base_url="http://localhost") as client:
        answer = denoise(client, noise=0.02)
    request = SampleRequest(n=50, label=tuple(range(10)), sampler="dpm++2m:10", guidance=1.0)
    (samples,) = resolve(request, DIGITS).batches(50)
    images = encode(samples.values)[samples.labels == 3]
    nearest = images[(images - answer["x"]).flatten(1).norm(dim=1).argmin()]
    torch.testing.assert_close(answer["exact"][0], nearest, rtol=1e-3, atol=1e-3)
    assert answer["exact_of"] == {"count": 50, "sampled": True}


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"model": "../../etc/passwd"}, 404, "unknown-name", "model"),
        ({"model": "moons"}, 422, "unsupported", "model"),
        ({"image": "!"}, 422, "invalid-value", "image"),
        ({"image": "AAAA"}, 422, "mismatch", "image"),
        ({"image": "A" * 100_001}, 422, "out-of-range", "image"),
        ({"noise": 0}, 422, "out-of-range", "noise"),
        ({"noise": 1.01}, 422, "out-of-range", "noise"),
        ({"noise": "0.5"}, 422, "invalid-value", "noise"),
        ({"seed": -1}, 422, "out-of-range", "seed"),
        ({"label": 10}, 422, "out-of-range", "label"),
        ({"model": "fast", "label": 3}, 422, "mismatch", "image"),
        ({"steps": 1}, 422, "unknown-field", "steps"),
    ],
)
def test_invalid_request_gets_code_and_field(
    client: TestClient, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    response = client.post("/api/denoise", json=GOOD | fields)
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (status, code, field)


def test_class_of_an_unconditional_model_has_no_effect(client: TestClient) -> None:
    image = base64.b64encode(bytes(28 * 28)).decode()
    response = client.post("/api/denoise", json=GOOD | {"model": "ddpm-bn", "image": image})
    assert (response.json()["code"], response.json()["field"]) == ("no-effect", "label")


def test_full_queue_refuses_and_a_failed_request_leaves_it(catalog: Catalog) -> None:
    app = server.create_app(catalog, queue=JobQueue(1, 0))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/api/denoise", json=GOOD).status_code == 503
    app = server.create_app(catalog, queue=JobQueue(1, 1))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/api/denoise", json=GOOD | {"label": 10}).status_code == 422
        assert client.post("/api/denoise", json=GOOD).status_code == 200
