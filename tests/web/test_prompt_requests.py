"""Prompts and attributes in requests: what the page is told of them, what they mean, and the samples that they give."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import inkwash
from inkwash.data.spec import QUANTILES
from inkwash.sampling.prompts.requests import with_prompt
from inkwash.sampling.request import SampleRequest
from inkwash.web.schemas import LiveBody

MODEL = "words-one-step"
WORDS = inkwash.load(MODEL)
THICKNESS, SLANT = WORDS.spec.attributes[:2]


def meaning(client: TestClient, prompt: str, **fields: Any) -> dict[str, Any]:
    response = client.post("/api/prompt", json={"model": MODEL, "prompt": prompt} | fields)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_models_have_their_attributes_with_units_and_quantiles(client: TestClient) -> None:
    found = {each["name"]: each["attributes"] for each in client.get("/api/models").json()}
    assert found["fast"] == [] and found["moons"] == []
    assert [each["name"] for each in found["words"]] == [spec.name for spec in WORDS.spec.attributes]
    first, second = found[MODEL][:2]
    assert (first["name"], first["unit"], second["name"], second["unit"]) == ("thickness", "pixels", "slant", "degrees")
    assert first["quantiles"] == list(THICKNESS.quantiles) and len(first["quantiles"]) == len(QUANTILES)
    assert first["range"] == [first["quantiles"][1], first["quantiles"][-2]]


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a bold, slanted seven", "7, thickness 85%, slant 85%"),
        ("2026 in a light hand", "; ".join(f"{digit}, thickness 15%" for digit in "2026")),
        ("an upright digit", "any digit, slant 0 degrees"),
        ("a bold 3 and a 5", "3, thickness 85%; 5"),
    ],
)
def test_prompt_means_what_it_means_on_the_command_line(client: TestClient, prompt: str, text: str) -> None:
    found = meaning(client, prompt)
    expected = with_prompt(SampleRequest(), prompt, WORDS)
    assert found["text"] == text
    assert found["labels"] == (None if expected.label is None else list(expected.label))
    assert found["attributes"] == json.loads(json.dumps(dict(expected.attributes or {})))


def test_meaning_leaves_out_what_is_set_beside_the_prompt(client: TestClient) -> None:
    found = meaning(client, "a bold digit", attributes={"slant": [5.0]}, labels=[3])
    assert list(found["attributes"]) == ["thickness"] and found["labels"] is None


def test_classes_alone_are_a_prompt_for_models_without_attributes(client: TestClient) -> None:
    assert meaning(client, "two sevens", model="fast") == {"text": "7; 7", "labels": [7, 7], "attributes": {}}


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"prompt": "a bolt seven"}, "unknown-name", "prompt"),
        ({"prompt": "a thin bold seven"}, "conflict", "prompt"),
        ({"prompt": "bold 7", "attributes": {"thickness": [3]}}, "conflict", "attributes"),
        ({"prompt": "7", "labels": [7]}, "conflict", "labels"),
        ({"prompt": "7 thickness 90"}, "out-of-range", "attributes"),
        ({"prompt": "7", "attributes": {"slant": [500]}}, "out-of-range", "attributes"),
        ({"prompt": "7", "attributes": {"slope": [1]}}, "unknown-name", "attribute"),
        ({"prompt": "bold", "labels": [10]}, "out-of-range", "labels"),
        ({"prompt": ""}, "invalid-value", "prompt"),
        ({"prompt": "bold 7", "model": "fast"}, "unsupported", "prompt"),
        ({"prompt": "7", "model": "moons"}, "no-effect", "prompt"),
        ({"prompt": "999 slanted sevens, 2 eights"}, "too-large", "prompt"),
    ],
)
def test_refused_prompt_gets_code_and_field(client: TestClient, fields: dict[str, Any], code: str, field: str) -> None:
    problem = client.post("/api/prompt", json={"model": MODEL} | fields).json()["problem"]
    assert (problem["code"], problem["field"]) == (code, field)
    # A request for samples is refused for the same reason.
    response = client.post("/api/live", json={"model": MODEL, "seeds": [0]} | fields)
    assert response.status_code == 422 and response.json() == problem


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"prompt": "7" * 1001}, 422, "out-of-range", "prompt"),
        ({"prompt": "7", "steps": 3}, 422, "unknown-field", "steps"),
        ({"prompt": "7", "attributes": {"slant": []}}, 422, "out-of-range", "attributes.slant"),
        ({"prompt": "7", "model": "nothing"}, 404, "unknown-name", "model"),
        ({}, 422, "missing-field", "prompt"),
    ],
)
def test_invalid_request_gets_a_status(
    client: TestClient, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    response = client.post("/api/prompt", json={"model": MODEL} | fields)
    assert (response.status_code, response.json()["code"], response.json()["field"]) == (status, code, field)


def test_unknown_word_is_answered_with_the_nearest_one(client: TestClient) -> None:
    error = client.post("/api/prompt", json={"model": MODEL, "prompt": "a slanded seven"}).json()["problem"]["error"]
    assert "'slanded'" in error and "'slanted'" in error


@pytest.mark.parametrize("path", ["/api/prompt", "/api/live", "/api/sample"])
def test_prompt_reads_no_file(client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def read(*arguments: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr("inkwash.sampling.prompts.values.picture_values", read)
    body = {"model": MODEL, "prompt": "a nine like /etc/hostname"} | ({} if path == "/api/prompt" else {"seeds": [0]})
    answer = client.post(path, json=body).json()
    error = answer.get("problem", answer)
    assert (error["code"], error["field"]) == ("unsupported", "prompt")


def last_images(events: list[tuple[str, dict[str, Any]]]) -> np.ndarray:
    (_, last), _ = events[-2:]
    return np.frombuffer(base64.b64decode(last["x"]), np.uint8).reshape(-1, 1, 28, 28)


def test_samples_of_a_prompt_are_those_of_python(sample: Callable[..., Any]) -> None:
    fields = {"prompt": "2026 in a light hand", "attributes": {"slant": [-10.0, None]}}
    events = sample(model="words", seeds=[5, 6, 7, 8, 9], **fields)
    expected = inkwash.sample(
        "words", n=5, seed=5, steps=2, prompt="2026 in a light hand", attributes={"slant": [-10, None]}
    )
    assert events[0][1]["labels"] == [2, 0, 2, 6, 2]
    assert np.array_equal(last_images(events), expected.values.numpy())


def test_extrapolation_is_allowed_on_request(sample: Callable[..., Any]) -> None:
    beyond = SLANT.range[1] + 5
    events = sample(model="words", labels=[1], attributes={"slant": [beyond]}, extrapolate=True)
    expected = inkwash.sample("words", n=1, label=1, steps=2, attributes={"slant": beyond}, extrapolate=True)
    assert np.array_equal(last_images(events), expected.values.numpy())


def live(client: TestClient, **fields: Any) -> np.ndarray:
    response = client.post("/api/live", json={"model": MODEL, "seeds": [3, 4, 5]} | fields)
    assert response.status_code == 200, response.text
    return np.frombuffer(response.content, np.uint8).reshape(3, 1, 28, 28)


def test_live_images_follow_the_attribute_and_keep_the_noise(client: TestClient) -> None:
    for value in (2.0, 6.0):
        expected = inkwash.sample(MODEL, n=3, seed=3, label=7, attributes={"thickness": value}).values.numpy()
        assert np.array_equal(live(client, labels=[7], attributes={"thickness": [value]}), expected)
    fields: dict[str, Any] = {"model": MODEL, "seeds": [3, 4], "labels": [7]}
    first, second = (
        next(iter(LiveBody(**fields, attributes={"thickness": [value]}).resolve(WORDS).frames()))
        for value in (2.0, 6.0)
    )
    assert (first.x == second.x).all() and (first.denoised != second.denoised).any()


def test_prompt_and_morph_to_another_class_of_a_live_request(client: TestClient) -> None:
    start = inkwash.sample(MODEL, n=3, seed=3, prompt="a bold seven").values.numpy()
    assert np.array_equal(live(client, prompt="a bold seven", labels_to=[1]), start)
    thickness = with_prompt(SampleRequest(), "a bold seven", WORDS).attributes
    end = inkwash.sample(MODEL, n=3, seed=3, label=1, attributes=thickness).values.numpy()
    found = live(client, prompt="a bold seven", labels_to=[1], label_position=1)
    assert np.abs(found.astype(int) - end.astype(int)).max() <= 1
