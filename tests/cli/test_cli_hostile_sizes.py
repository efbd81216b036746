"""Recipes and checkpoints with too large values: refused with file and field before memory is allocated."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from outcome import Inkwash, Runs
from safetensors.torch import save_file

from inkwash.io import checkpoints

MEMORY = 400 << 20
"""Bytes that a refusal may take more than what was there before, imports of libraries included."""
DEEP: list[Any] = []
for _ in range(200):
    DEEP = [DEEP]

RECIPE: dict[str, Any] = {
    "name": "mine",
    "data": {"name": "digits"},
    "network": {"kind": "class-unet", "widths": [8, 16], "dim": 8},
}
OF_RECIPES: dict[str, tuple[str, Any]] = {
    "a wide network": ("network.widths", [16384, 16384]),
    "a network of many levels": ("network.widths", [512] * 2000),
    "a long list": ("network.widths", [8] * 200_000),
    "a huge number": ("network.dim", 10**300),
    "a giant image": ("data.size", 10**6),
    "an image that memory cannot hold": ("data.size", 16_000),
    "a giant batch": ("training.batch", 10**9),
    "a giant table": ("schedule", {"kind": "linear", "T": 10**9}),
    "too many steps": ("sampling.sampler", "ddim:1000000000"),
    "deep nesting": ("network.widths", DEEP),
    "a long string": ("about", "x" * 10**6),
    "a long name": ("name", "x" * 10**6),
}
OF_HEADERS: dict[str, tuple[str, Any]] = {
    "a giant image": ("facts.shape", [1, 10**6, 10**6]),
    "many axes": ("facts.shape", [1] * 1000),
    "text for a number": ("facts.shape", ["a", 8, 8]),
    "a shape below 1": ("facts.shape", [1, 0, -8]),
    "a class too many": ("facts.proportions", [1.0] * 1000),
    "too many classes": ("facts.classes", ["a"] * 10**6),
    "a class of a long name": ("facts.classes", ["x" * 10**6] * 10),
    "a number for classes": ("facts.classes", 10),
    "too many examples": ("facts.count", 10**30),
    "zero standard deviation": ("facts.data_std", 0),
    "a hash that is a path": ("facts.sha256", "../../escaped"),
    "a field of another program": ("facts.other", 1),
    "a wide network": ("recipe.network.widths", [16384, 16384]),
    "a network of many levels": ("recipe.network.widths", [512] * 2000),
    "a giant table": ("recipe.schedule", {"kind": "linear", "T": 10**9}),
    "too many steps": ("progress.step", 10**30),
    "text for steps": ("progress.step", "many"),
    "list for progress": ("progress", []),
    "text for a recipe": ("recipe", "fast"),
    "deep nesting": ("recipe.network.widths", DEEP),
    "a long string": ("recipe.about", "x" * 10**6),
}


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Fail a test that allocates memory for what it refuses."""
    import torch._refs  # noqa: F401  # imported by the estimate for large images

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY >> 10


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `values` with the field at the dotted `path` set."""
    copy = json.loads(json.dumps(values))
    *sections, key = path.split(".")
    table = copy
    for section in sections:
        table = table.setdefault(section, {})
    table[key] = value
    return copy


def as_toml(values: dict[str, Any]) -> str:
    return "".join(f"{key} = {_inline(value)}\n" for key, value in values.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


@pytest.mark.parametrize("command", [["show"], ["train", "-q"]])
@pytest.mark.parametrize("case", OF_RECIPES)
def test_a_recipe_with_too_large_values_is_refused(
    case: str, command: list[str], inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch
) -> None:
    field, value = OF_RECIPES[case]
    monkeypatch.setattr("inkwash.hardware.memory.total_memory", lambda: 8 << 30)
    Path("mine.toml").write_text(as_toml(changed(RECIPE, field, value)))
    outcome = inkwash(*command, "mine.toml")
    assert outcome.code in (1, 2) and len(outcome.message) < 600
    assert not Path("runs").exists() and not Path("out").exists()


@pytest.mark.parametrize("command", [["show"], ["sample", "-n", "1"], ["evaluate", "-n", "30"]])
@pytest.mark.parametrize("case", OF_HEADERS)
def test_a_checkpoint_with_too_large_values_is_refused(
    case: str, command: list[str], runs: Runs, inkwash: Inkwash
) -> None:
    field, value = OF_HEADERS[case]
    found = checkpoints.load(runs.digits / "checkpoints" / "latest.safetensors")
    header = changed(found.header, field, value)
    checkpoints.save("given.safetensors", found._replace(header={key: header[key] for key in header if key != "seal"}))
    outcome = inkwash(*command, "given.safetensors")
    assert outcome.code in (1, 2) and len(outcome.message) < 900
    assert "given.safetensors" in outcome.message
    assert field.rpartition(".")[2] in outcome.message or "network" in outcome.message
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "metadata",
    ["[" * 10**6, json.dumps({"format": 1, "recipe": {"name": "x"}})[:-1] + ', "a": ' + "[" * 5000 + "]" * 5000 + "}"],
)
def test_a_header_that_is_too_deep_is_refused(metadata: str, runs: Runs, inkwash: Inkwash) -> None:
    found = checkpoints.load(runs.digits / "checkpoints" / "latest.safetensors")
    save_file(
        {name: value.contiguous() for name, value in found.tensors.items()}, "given.safetensors", {"inkwash": metadata}
    )
    for command in ("show", "sample"):
        outcome = inkwash(command, "given.safetensors")
        assert outcome.code == 1 and "given.safetensors" in outcome.message


def test_too_long_header_is_not_read(inkwash: Inkwash) -> None:
    with open("given.safetensors", "wb") as file:
        file.write((1 << 34).to_bytes(8, "little"))
        file.truncate(1 << 35)
    outcome = inkwash("sample", "given.safetensors")
    assert outcome.code == 1 and "given.safetensors" in outcome.message


@pytest.fixture
def damaged_run(runs: Runs) -> Callable[[str, str], Path]:
    """`damaged_run("metrics.jsonl", text)` is a run folder with this file."""

    def make(name: str, text: str) -> Path:
        shutil.copytree(runs.digits, "given")
        Path("given", name).write_text(text)
        return Path("given")

    return make


@pytest.mark.parametrize("name", ["metrics.jsonl", "environment.json", "floor.json", "quality.json", "recipe.toml"])
def test_deeply_nested_file_of_a_run_is_no_traceback(
    name: str, damaged_run: Callable[[str, str], Path], inkwash: Inkwash
) -> None:
    given = damaged_run(name, "name = " * (name == "recipe.toml") + "[" * 100_000)
    for command in (["show"], ["train", "--steps", "7", "-q"], ["sample", "-n", "1", "--steps", "1", "-q"]):
        outcome = inkwash(*command, given)
        assert outcome.code in (0, 1, 2) and (outcome.code == 0 or outcome.message)
