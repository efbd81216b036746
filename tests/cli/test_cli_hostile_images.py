"""Images with hostile names or requests in their metadata: nothing is written, and errors are one line."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from outcome import Inkwash, Runs, is_text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inkwash.io.integrity import with_checksum


def image(path: str, spec: dict[str, Any]) -> None:
    chunks = PngInfo()
    chunks.add_text("inkwash", json.dumps(with_checksum(spec)))
    Image.new("L", (8, 8)).save(path, pnginfo=chunks)


def test_image_with_hostile_names_is_shown_and_reproduced_without_writing(
    name: str, place: SimpleNamespace, runs: Runs, inkwash: Inkwash
) -> None:
    assert inkwash("sample", runs.digits, "-n", "1", "--steps", "1", "-o", "mine.png", "-q").code == 0
    with Image.open("mine.png") as mine:
        spec = json.loads(mine.info["inkwash"])
    spec = {key: value for key, value in spec.items() if key != "seal"}
    for field in ("model", "label"):
        image("given.png", spec | {"model": name, "request": spec["request"] | {field: name}})
        for command in (["show", "given.png"], ["sample", "given.png"]):
            assert is_text(inkwash(*command))
    assert place.unchanged("given.png", "mine.png")


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        ("request", "n", 10**12),
        ("request", "n", "64"),
        ("request", "n", 1.5),
        ("request", "seed", -1),
        ("request", "label", "0-999999999"),
        ("request", "label", "1," * 10**7),
        ("request", "steps", 10**12),
        ("request", "eta", [[]]),
        ("request", "sampler", "ddim:999999999"),
        ("request", "schedule", {"kind": "linear", "T": 10**12}),
        ("picture", "scale", 10**9),
        ("picture", "columns", -1),
        ("picture", "kind", "all"),
    ],
)
def test_an_image_with_a_request_out_of_range_is_refused(
    table: str, field: str, value: Any, place: SimpleNamespace, runs: Runs, inkwash: Inkwash
) -> None:
    assert inkwash("sample", runs.digits, "-n", "1", "--steps", "1", "-o", "mine.png", "-q").code == 0
    with Image.open("mine.png") as mine:
        spec = json.loads(mine.info["inkwash"])
    tables = {name: spec[name] for name in ("request", "picture")}
    tables[table][field] = value
    image("given.png", {"model": "x", "weights": "x", "step": 1} | tables)
    outcome = inkwash("sample", "given.png")
    assert outcome.code in (1, 2) and is_text(outcome) and outcome.message
    assert len(outcome.message) < 1000
