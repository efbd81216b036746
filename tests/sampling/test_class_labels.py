"""Numbers and class names: one rule for text, Python values, metadata and commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from raised import code_and_field

import inkwash
from inkwash.cli.reproduce import reproduce
from inkwash.io import checkpoints
from inkwash.io.png_metadata import read_metadata
from inkwash.model import Model
from inkwash.sampling.class_labels import format_labels, from_python, names_are_numbers, parse_labels, split_range
from inkwash.sampling.labels import from_0_1_0, requested_labels, with_names
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.viz.samples import RenderOptions
from inkwash.viz.writers import write_folder, write_image

Classes = tuple[str, ...]
DIGITS: Classes = tuple("0123456789")
ONE_TO_TEN: Classes = tuple(map(str, range(1, 11)))
MIXED: Classes = ("cat", "3-5", "a,b", "none", "a..b", "-1", '"', '"cat"', " x ", "", "dog, cat", "müßig", "二")
TABLES = (DIGITS, ONE_TO_TEN, ("1", "7"), ("10", "9"), ("01", "02", "10"), ("a,b", "3-5"), ("none",), MIXED)

NAMES = st.text(st.sampled_from('ab01,-." nоe二'), max_size=6) | st.sampled_from(MIXED) | st.integers(0, 30).map(str)
CLASSES = st.sampled_from(TABLES) | st.lists(NAMES, min_size=1, max_size=12, unique=True).map(tuple)


def labels_of(count: int, max_size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(-1, count - 1), min_size=1, max_size=max_size)


@given(st.data(), CLASSES)
def test_labels_equal_those_read_from_their_text_and_from_metadata(data: st.DataObject, classes: Classes) -> None:
    labels = data.draw(labels_of(len(classes), 12))
    text = format_labels(labels, classes)
    assert split_range(text, classes) == (text, None) and parse_labels(text, classes) == labels
    for label in (text, tuple(labels)):
        stored = json.dumps(with_names(SampleRequest(model="x", label=label), classes).to_dict())
        read = from_0_1_0(SampleRequest.from_dict(json.loads(stored)), classes)
        assert requested_labels(read, classes) == (labels, None)


@given(st.data(), CLASSES)
def test_both_ends_of_an_interpolation_equal_those_read_from_text_and_metadata(
    data: st.DataObject, classes: Classes
) -> None:
    start, end = data.draw(labels_of(len(classes), 1)), data.draw(labels_of(len(classes), 1))
    request = SampleRequest(model="x", label=format_labels(start, classes, end))
    assert requested_labels(request, classes) == (start, end)
    stored = json.dumps(with_names(request, classes).to_dict())
    assert requested_labels(from_0_1_0(SampleRequest.from_dict(json.loads(stored)), classes), classes) == (start, end)


@given(st.integers(0, 9), st.integers(0, 9))
def test_numbers_and_ranges_of_ten_digits_are_indices_as_in_0_1_0(first: int, last: int) -> None:
    low, high = sorted((first, last))
    assert parse_labels(f"{low}-{high},{first}", DIGITS) == [*range(low, high + 1), first]
    assert format_labels(range(low, high + 1), DIGITS) == ",".join(map(str, range(low, high + 1)))


@pytest.mark.parametrize(
    ("classes", "text", "names"),
    [
        (ONE_TO_TEN, "3-5", ["3", "4", "5"]),
        (ONE_TO_TEN, "10", ["10"]),
        (("1", "7"), "1-7", ["1", "7"]),
        (("10", "9"), "9-10", ["9", "10"]),
        (("01", "02", "10"), "1-2", ["01", "02"]),
        (("cat", "dog", "owl"), "1-2", ["dog", "owl"]),
        (("cat", "3"), "0,3", ["cat", "3"]),
        (("a,b", "3-5"), '3-5,"a,b"', ["3-5", "a,b"]),
    ],
)
def test_a_number_is_a_name_where_all_names_are_numbers(classes: Classes, text: str, names: list[str]) -> None:
    assert [classes[label] for label in parse_labels(text, classes)] == names
    assert names_are_numbers(classes) == all(name.isdecimal() for name in classes)


@pytest.mark.parametrize(
    ("classes", "label", "code"),
    [
        (("1", "7"), "0", "out-of-range"),
        (("1", "7"), 0, "out-of-range"),
        (("1", "7"), "1-6", "out-of-range"),
        (ONE_TO_TEN, 0, "out-of-range"),
        (("3", "03"), 3, None),
        (("03", "003"), 3, "conflict"),
        (("a", "b"), "b-a", "unknown-name"),
        (DIGITS, "9-0", "invalid-value"),
        (DIGITS, 3.0, "invalid-value"),
        (DIGITS, True, "invalid-value"),
        (DIGITS, [[1, 2]], "invalid-value"),
        (DIGITS, {"label": 3}, "invalid-value"),
        (DIGITS, ["0-3"], "unknown-name"),
        (DIGITS, np.array([0.5]), "invalid-value"),
        (DIGITS, ["owl"], "unknown-name"),
    ],
)
def test_a_label_that_is_no_class_is_refused(classes: Classes, label: Any, code: str | None) -> None:
    def resolve() -> None:
        requested_labels(SampleRequest(label=from_python(label, classes)), classes)

    if code is None:
        resolve()
    else:
        assert code_and_field(resolve) == (code, "label")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (7, ["7"]),
        (-1, [None]),
        (np.int64(7), ["7"]),
        (np.uint8(1), ["1"]),
        (torch.tensor(7), ["7"]),
        (torch.tensor([7, 1]), ["7", "1"]),
        (np.array([1, 7]), ["1", "7"]),
        ([1, np.int32(7), "7", torch.tensor(1)], ["1", "7", "7", "1"]),
        (("7", "1"), ["7", "1"]),
        (np.array(["7"]), ["7"]),
        (range(7, 8), ["7"]),
        (["none"], [None]),
    ],
)
def test_python_labels_of_any_type_are_names_of_numbered_classes(value: Any, names: list[str | None]) -> None:
    classes = ("1", "7")
    found = requested_labels(SampleRequest(label=from_python(value, classes)), classes)[0]
    assert found is not None and [None if label < 0 else classes[label] for label in found] == names


def test_a_number_in_the_metadata_of_0_1_0_is_an_index() -> None:
    for text, expected in (("0", [0]), ("1", [0]), ("0-1", [0, 1]), ("none", [-1]), ("7,0", [1, 0])):
        request = SampleRequest.from_dict({"model": "x", "label": text})
        assert requested_labels(from_0_1_0(request, ("1", "7")), ("1", "7"))[0] == expected
    request = SampleRequest.from_dict({"model": "x", "label": "3..8"})
    assert requested_labels(from_0_1_0(request, ONE_TO_TEN), ONE_TO_TEN) == ([2], [7])


def test_metadata_of_a_renamed_class_are_refused() -> None:
    request = replace(SampleRequest(model="x"), label=("owl",))
    assert code_and_field(lambda: requested_labels(request, ("cat", "dog"))) == ("unknown-name", "label")


@pytest.mark.parametrize("classes", [("1", "7"), ONE_TO_TEN, ("a,b", "3-5"), ("none",), MIXED])
def test_every_class_gives_the_same_images_from_its_text_its_name_and_its_file(
    classes: Classes, untrained: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = replace(untrained().spec, classes=classes, proportions=(1 / len(classes),) * len(classes))
    model = untrained(spec=spec)
    checkpoints.save("model.safetensors", model.checkpoint())
    loaded = inkwash.load("model.safetensors")
    for label, name in enumerate(classes[:4]):
        run = resolve(SampleRequest(model="model.safetensors", n=2, label=(label,), sampler="ddim:2"), loaded)
        direct = next(run.batches()).values
        text = format_labels([label], classes)
        for value in (text, [name], np.array([name])):
            assert torch.equal(inkwash.sample(loaded, 2, value, sampler="ddim:2").values, direct)
        write_folder(run, RenderOptions(), tmp_path / f"singles-{label}", 2, lambda done: None)
        write_image(run, RenderOptions(), tmp_path / f"grid-{label}.png", 2, lambda done: None)
        for path in (*(tmp_path / f"singles-{label}").iterdir(), tmp_path / f"grid-{label}.png"):
            assert reproduce(path, None, "cpu", quiet=True) == 0
        single = next((tmp_path / f"singles-{label}").iterdir())
        assert (read_metadata(single) or {})["label"] == name
