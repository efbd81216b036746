"""Shared by all tests: hypothesis profiles, an empty folder and environment, the command, a tiny recipe with its data."""

from __future__ import annotations

import gc
import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import shape_checks  # installs the checks before inkwash is imported
import torch
from command import Inkwash, Outcome, UsageErrorOf, call
from hypothesis import settings

from inkwash import data, model
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset, mnist
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.runs import card

# A collection traverses all objects of torch, and nothing is garbage while modules are imported.
gc.disable()

# The order of sums depends on the number of threads, and these networks are too small to gain from several.
torch.set_num_threads(1)

settings.register_profile("dev", derandomize=True, deadline=None, max_examples=40)
settings.register_profile("long", deadline=None, max_examples=10_000)
settings.load_profile("dev")

MNIST = os.environ.get("INKWASH_DATA")

TINY = """
name = "tiny"
target = "v"
network = { kind = "class-unet", conditional = true, widths = [8, 16], dim = 16 }
schedule = "cosine"
data = { name = "digits" }
optimizer = { kind = "adamw", lr = 3e-3, decay = "cosine" }
training = { length = "6 steps", batch = 8, label_dropout = 0.1, ema = "4 steps", checkpoint_every = "3 steps", \
precision = "float32" }
sampling = { sampler = "ddim:2", preview = "ddim:2" }
experiment = { type = "baseline", objective = "Test a run.", hypothesis = "It runs.", next = "Nothing." }
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag of the stress tests; their fuzzing has --hypothesis-profile=long."""
    parser.addoption("--long", action="store_true", help="run the stress tests in their long form")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the browser."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def pytest_collection_finish() -> None:
    """End the pause of garbage collections below, and exclude the objects of all imported modules from them."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Check the shapes in the first calls of each function again, before the fixtures of the test."""
    shape_checks.renew()


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the stress tests run in their long form."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test in its own folder with an empty cache, a wide terminal and none of the user's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("INKWASH_DATA", "INKWASH_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the plots of run folders, which take longer than a few steps of training."""
    monkeypatch.setattr(card, "_draw_plots", lambda *_: None)


@pytest.fixture
def inkwash(capsys: pytest.CaptureFixture[str]) -> Inkwash:
    """`inkwash("sample", run, "-n", 4)` calls the command in this process."""

    def invoke(*arguments: object) -> Outcome:
        capsys.readouterr()
        code, error = call([str(each) for each in arguments])
        return Outcome(code, *capsys.readouterr(), error)

    return invoke


@pytest.fixture
def usage_error(inkwash: Inkwash) -> UsageErrorOf:
    """`usage_error("sample", ...)` is (code, field) of the usage error that the command ends with, after one line."""

    def invoke(*arguments: object) -> tuple[str | None, str | None]:
        outcome = inkwash(*arguments)
        assert outcome.code == 2 and isinstance(outcome.error, UsageError), outcome
        assert outcome.message and len(outcome.err.splitlines()) == 1 and not outcome.out, outcome
        return outcome.kind

    return invoke


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder of the real MNIST, which INKWASH_DATA names; skips where it does not."""
    if not MNIST or not mnist.matches(Path(MNIST)):
        pytest.skip("INKWASH_DATA does not name a folder with MNIST's four IDX files")
    return Path(MNIST)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Recipe]:
    """`tiny("field=value", ...)` is a recipe of six steps on the bundled digits, changed as `--set` does."""
    return lambda *changes: Recipe.from_dict(tomllib.loads(TINY)).with_changes(changes)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """200 of the bundled digits."""
    loaded = data.load("digits")
    assert loaded.labels is not None
    return replace(loaded, values=loaded.values[:200], labels=loaded.labels[:200])


@pytest.fixture
def untrained(tiny: Callable[..., Recipe], digits: Dataset) -> Callable[..., Model]:
    """`untrained("field=value", ...)` is an untrained model; its zero-initialized layers are random unless `zero_output`."""

    def build(*changes: str, zero_output: bool = False, spec: DatasetSpec | None = None) -> Model:
        recipe, spec = tiny(*changes), spec or DatasetSpec.of(digits)
        net = model.build_net(recipe, spec).eval().requires_grad_(False)
        generator = torch.Generator().manual_seed(3)
        for weight in net.parameters():
            if not zero_output and not weight.any():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        return Model("untrained", recipe, spec, net, 0, "none")

    return build
