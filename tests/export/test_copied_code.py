"""The command and the Python that the page copies reproduce its request."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import inkwash
from inkwash.sampling.class_labels import parse_interpolation
from inkwash.web.schemas import SampleBody

Run = Callable[..., Any]
PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()
CODE = f"""
import {{ reproduce }} from "{PAGE}/parts/reproduce.js";
console.log(JSON.stringify(reproduce(given.model, given.request)));
"""
DIGITS = [str(k) for k in range(10)]


def reproduced(javascript: Run, classes: list[str] = DIGITS, source: str | None = "digits", **request: Any) -> Any:
    """Return the command and the Python of a request with one image of seed 0 unless given."""
    given = {"seeds": [0], "labels": None} | request
    return javascript(CODE, {"model": {"source": source, "classes": classes}, "request": given})


@pytest.mark.parametrize(
    ("request_", "command", "python"),
    [
        ({"seeds": [3, 4]}, "-n 2 --seed 3", "n=2, seed=3"),
        ({"labels": [7], "steps": 5}, "-n 1 --seed 0 --label 7 --steps 5", 'n=1, seed=0, label="7", steps=5'),
        ({"seeds": [0, 1], "labels": [1, -1]}, "-n 2 --seed 0 --label 1,none", 'n=2, seed=0, label=["1", -1]'),
        ({"seeds": [3, 3], "seed_to": 8}, "-n 2 --seed 3..8", "n=2, seed=(3, 8)"),
        (
            {"seeds": [3, 3], "labels": [1], "label_to": 2},
            "-n 2 --seed 3 --label 1..2",
            'n=2, seed=3, label="1..2"',
        ),
        (
            {"sampler": "dpm++2m", "guidance": 1.25, "temperature": 1},
            "-n 1 --seed 0 --sampler dpm++2m --guidance 1.25",
            'n=1, seed=0, sampler="dpm++2m", guidance=1.25',
        ),
        (
            {"prompt": "a bold 7", "attributes": {"slant": [-10], "width": [5, 7.5]}, "extrapolate": True},
            "-n 1 --seed 0 --prompt 'a bold 7' --set-attribute slant=-10 --set-attribute width=5,7.5 --extrapolate",
            'n=1, seed=0, prompt="a bold 7", attributes={"slant": -10, "width": [5, 7.5]}, extrapolate=True',
        ),
        (
            {"labels": [7], "attributes": {"slant": [-10]}, "edit": {"image": "", "noise": 1, "encode": True}},
            "-n 1 --seed 0 --label 7 --set-attribute slant=-10 --from drawing.png --encode",
            'n=1, seed=0, label="7", attributes={"slant": -10}, image="drawing.png", encode=True',
        ),
        ({"prompt": None, "attributes": {}, "extrapolate": False}, "-n 1 --seed 0", "n=1, seed=0"),
    ],
)
def test_request_as_command_and_python(javascript: Run, request_: Any, command: str, python: str) -> None:
    found = reproduced(javascript, **request_)
    assert found["command"] == f"inkwash sample digits {command}"
    assert f'inkwash.sample("digits", {python})' in found["python"]


@pytest.mark.parametrize(
    "fields",
    [
        {"seeds": [1, 1], "label_to": 8},
        {"seeds": [1, 1], "labels": [-1], "label_to": -1},
        {"seeds": [3, 3]},
        {"seeds": [3, 4], "seed_to": 8},
        {"seeds": [3, 9]},
        {"edit": {"noise": 0.5}},
        {"source": None},
    ],
)
def test_request_without_equivalent_has_no_code(javascript: Run, fields: dict[str, Any]) -> None:
    assert reproduced(javascript, **fields) == {"command": None, "python": None}


@pytest.mark.parametrize(
    ("classes", "labels", "end"),
    [
        (["3", "7"], [1, 0], None),
        (["a,b", "3-5"], [1, 0], None),
        (['say "hi"', "it's"], [0, 1], None),
        (["none", "other"], [0, 1], None),
        (["a..b", "c"], [0], 1),
    ],
)
def test_classes_of_the_command_are_parsed_as_they_were_given(
    javascript: Run, classes: list[str], labels: list[int], end: int | None
) -> None:
    seeds = [0, 0] if end is not None else [0, 1]
    command = reproduced(javascript, classes, "x", seeds=seeds, labels=labels, label_to=end)["command"]
    words = shlex.split(command)
    text = words[words.index("--label") + 1]
    assert parse_interpolation(text, tuple(classes)) == (labels, None if end is None else [end])


def test_python_draws_the_samples_of_the_request(javascript: Run, tmp_path: Path) -> None:
    request: dict[str, Any] = {"seeds": [4, 5, 6], "labels": [2, -1], "sampler": "ddim", "steps": 3, "eta": 0.5}
    code = reproduced(javascript, **request)["python"].replace('"samples.png"', json.dumps(str(tmp_path / "a.png")))
    found: dict[str, Any] = {}
    exec(code, found)
    expected = inkwash.sample("digits", n=3, seed=4, label=[2, -1], sampler="ddim", steps=3, eta=0.5)
    assert (found["samples"].values == expected.values).all() and (tmp_path / "a.png").is_file()


def test_copied_prompt_and_attributes_give_the_samples_of_the_page(javascript: Run, tmp_path: Path) -> None:
    prompt, attributes = 'a "7" in a light hand, 3\'s', {"slant": [-10.5]}
    request: dict[str, Any] = {"seeds": [4, 5], "prompt": prompt, "attributes": attributes, "steps": 1}
    found = reproduced(javascript, source="words", **request)
    words = shlex.split(found["command"])
    assert words[words.index("--prompt") + 1] == prompt
    assert words[words.index("--set-attribute") + 1] == "slant=-10.5"
    code = found["python"].replace('"samples.png"', json.dumps(str(tmp_path / "a.png")))
    ran: dict[str, Any] = {}
    exec(code, ran)
    body = SampleBody(model="words", **request).resolve(inkwash.load("words"))
    assert (ran["samples"].values == next(body.batches(2)).values).all()
