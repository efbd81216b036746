"""The metadata of an image become parameters of the view Sample, whose request gives the same images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import inkwash
from inkwash.io.png_metadata import read_metadata
from inkwash.web.schemas import SampleBody


def request_of(path: Path, source: str, **arguments: Any) -> tuple[Any, Any]:
    """Return samples and the request in the metadata of their image."""
    samples = inkwash.sample(source, steps=1, progress=False, **arguments)
    samples.save(path)
    metadata = read_metadata(path)
    assert metadata is not None
    return samples.values, metadata["request"]


def body_of(parameters: dict[str, Any]) -> SampleBody:
    """Return the request that the page makes of its parameters."""
    classes = inkwash.load(parameters["model"]).spec.classes
    first, count = parameters["seed"], parameters["n"]
    fields: dict[str, Any] = {
        name: parameters[name] for name in ("sampler", "steps", "guidance", "prompt") if name in parameters
    }
    if "labels" in parameters:
        keys = [unquote(key) for key in parameters["labels"].split(",")]
        fields["labels"] = [-1 if key == "-1" else classes.index(key) for key in keys]
    pairs = [each.split(":") for each in parameters.get("attributes", "").split(",") if each]
    fields["attributes"] = {name: [float(value)] for name, value in pairs}
    return SampleBody(model=parameters["model"], seeds=list(range(first, first + count)), **fields)


@pytest.mark.parametrize(
    ("source", "arguments", "expected"),
    [
        (
            "words",
            {"prompt": "2026 in a light hand", "attributes": {"slant": -10}},
            {"prompt": "2026 in a light hand", "attributes": "slant:-10.0"},
        ),
        ("words", {"n": 3, "prompt": "bold", "label": "7", "seed": 5}, {"prompt": "bold", "labels": "7"}),
        ("words", {"n": 3, "attributes": {"thickness": 3.5}}, {"attributes": "thickness:3.5"}),
        ("words", {"n": 4, "label": "3,1"}, {"prompt": "3; 1"}),
        ("words", {"n": 2, "label": "3", "attributes": {"slant": [-10, 10]}}, {"prompt": "3 slant -10; 3 slant 10"}),
        ("words-one-step", {"n": 4, "prompt": "a thin 3 and a 5", "guidance": 1.5}, {"prompt": "a thin 3 and a 5"}),
        ("fast", {"n": 4, "label": "1,8", "sampler": "ddim"}, {"labels": "1,8"}),
        ("fast", {"n": 2, "label": "none"}, {"labels": "-1"}),
    ],
)
def test_parameters_give_the_samples_of_the_image(
    client: TestClient, tmp_path: Path, source: str, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    values, request = request_of(tmp_path / "a.png", source, **arguments)
    response = client.post("/api/parameters", json={"request": request})
    assert response.status_code == 200, response.text
    found = response.json()
    assert {name: found.get(name) for name in ("prompt", "attributes", "labels")} == {
        "prompt": None,
        "attributes": None,
        "labels": None,
    } | expected
    run = body_of(found).resolve(inkwash.load(source))
    assert (next(run.batches(len(run))).values == values).all()


def test_numbers_are_kept_where_words_have_changed_their_meaning(client: TestClient, tmp_path: Path) -> None:
    _, request = request_of(tmp_path / "a.png", "words", prompt="a bold 7")
    request["attributes"] = {"thickness": [4.5]}
    found = client.post("/api/parameters", json={"request": request}).json()
    assert found["prompt"] == "7 thickness 4.5" and "attributes" not in found


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"model": "runs/nothing"}, "unknown-name", "model"),
        ({"model": None}, "wrong-file", None),
        ({"seed_to": 3}, "unsupported", "seed_to"),
        ({"precision": "bfloat16"}, "unsupported", "precision"),
        ({"interval": [0.1, 0.5], "guidance": 2.0}, "unsupported", "interval"),
        ({"label": ["3", "1"]}, "unsupported", "label"),
        ({"label": ["x"]}, "unknown-name", "label"),
        ({"n": 10_000_000}, "too-large", "n"),
        ({"seed": -1}, "out-of-range", "seed"),
        ({"fields": 1}, "unknown-field", "request.fields"),
    ],
)
def test_what_the_view_has_no_control_for_is_refused(
    client: TestClient, tmp_path: Path, changes: dict[str, Any], code: str, field: str | None
) -> None:
    _, request = request_of(tmp_path / "a.png", "fast", n=2, label="3")
    response = client.post("/api/parameters", json={"request": request | changes})
    assert (response.json()["code"], response.json()["field"]) == (code, field)
    assert response.status_code == (404 if field == "model" else 422)


VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=3)
NAMES = ["n", "label", "label_to", "seed", "sampler", "steps", "guidance", "prompt", "attributes", "edit", "schedule"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), VALUES | st.dictionaries(st.text(max_size=5), VALUES, max_size=2)))
def test_no_metadata_cause_a_server_error(client: TestClient, request_: dict[str, Any]) -> None:
    body = json.dumps({"request": {"model": "words"} | request_})
    assert client.post("/api/parameters", content=body).status_code < 500
