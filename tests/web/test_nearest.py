"""The endpoint of the nearest training image: a copy is found as such, and distances are those of all pairs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.testclient import TestClient

from inkwash import data
from inkwash.errors import InkwashError
from inkwash.web import server
from inkwash.web.catalog import Catalog

DIGITS = data.load("digits")
TRAIN = DIGITS.values.flatten(1).double()


def body(pixels: torch.Tensor, **fields: Any) -> dict[str, Any]:
    return {"model": "digits", "image": base64.b64encode(pixels.numpy().tobytes()).decode()} | fields


def grey_levels(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the RMS difference of every pair of rows."""
    return torch.cdist(first, second) / TRAIN.shape[1] ** 0.5


def test_copy_of_a_training_image_is_its_own_nearest(client: TestClient) -> None:
    answer = client.post("/api/nearest", json=body(DIGITS.values[17])).json()
    assert base64.b64decode(answer["image"]) == DIGITS.values[17].numpy().tobytes()
    assert (answer["distance"], answer["count"]) == (0, len(TRAIN))


def test_nearest_image_and_distances_are_those_of_all_pairs(client: TestClient) -> None:
    assert DIGITS.test_values is not None and DIGITS.labels is not None
    query = DIGITS.test_values[5]
    answer = client.post("/api/nearest", json=body(query)).json()
    distances = grey_levels(query.flatten()[None].double(), TRAIN)[0]
    assert base64.b64decode(answer["image"]) == DIGITS.values[distances.argmin()].numpy().tobytes()
    assert answer["label"] == int(DIGITS.labels[distances.argmin()])
    assert answer["distance"] == pytest.approx(float(distances.min()), abs=0.01)
    # The median of a third of the images is near that of all.
    apart = grey_levels(TRAIN, TRAIN).fill_diagonal_(torch.inf).min(1).values
    assert answer["typical"] == pytest.approx(float(apart.median()), rel=0.05)


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"model": "moons"}, 422, "unsupported", "model"),
        ({"image": "AAAA"}, 422, "mismatch", "image"),
        ({"noise": 0.5}, 422, "unknown-field", "noise"),
    ],
)
def test_invalid_request_gets_code_and_field(
    client: TestClient, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    response = client.post("/api/nearest", json=body(DIGITS.values[0], **fields))
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (status, code, field)


def test_without_its_data_a_model_has_no_nearest_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(*arguments: object) -> None:
        raise InkwashError("not here", code="missing-file")

    monkeypatch.setattr(data, "load_offline", missing)
    with TestClient(server.create_app(Catalog((), tmp_path)), base_url="http://localhost") as client:
        response = client.post("/api/nearest", json=body(DIGITS.values[0]))
    found = response.status_code, response.json()["code"], response.json()["field"]
    assert found == (422, "missing-file", "model")
