"""What the lab's tests share: pictures so small that judges are built in a second, and experiments that train in one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.cli import run
from inkwash.lab import EXPERIMENTS, Arm, Experiment, Results, Trained, Verdict, weigh

torch.set_num_threads(1)

SMALL = (
    "network.base=4",
    "training.batch=16",
    "training.ema=16 images",
    "training.precision=float32",
    "sampling.preview=ddim:2",
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A file of 600 pictures without labels, 8 by 8, and a cache that holds their judge."""
    from inkwash.evaluation import extractors

    root = tmp_path_factory.mktemp("lab")
    draw = np.random.default_rng(0)
    place = draw.integers(1, 6, (600, 2))
    images = np.zeros((600, 8, 8), dtype=np.uint8)
    for image, (row, column) in zip(images, place, strict=True):
        image[row - 1 : row + 2, column - 1 : column + 2] = draw.integers(100, 256, (3, 3))
    np.savez(root / "blobs.npz", images=images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INKWASH_CACHE", str(root / "cache"))
        extractors.for_data(str(root / "blobs.npz"))
    return SimpleNamespace(data=str(root / "blobs.npz"), cache=root / "cache")


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, built: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has a folder and a cache of its own, with the judge in it; what it adds to the table goes again."""
    shutil.copytree(built.cache, tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("INKWASH_DATA", raising=False)
    # the plots of a run are drawn, and tested, elsewhere; here they would take most of the time
    monkeypatch.setattr("inkwash.runs.card._draw_plots", lambda *given: None)
    known = dict(EXPERIMENTS)
    yield
    EXPERIMENTS.clear()
    EXPERIMENTS.update(known)


@pytest.fixture
def inkwash(capsys: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    """`inkwash("lab", ...)` calls the command in this process and returns its code and what it printed."""

    def call(*arguments: object) -> SimpleNamespace:
        capsys.readouterr()
        code = run([str(each) for each in arguments])
        told = capsys.readouterr()
        return SimpleNamespace(code=code, out=told.out, err=told.err)

    return call


@pytest.fixture
def refused(inkwash: Callable[..., SimpleNamespace]) -> Callable[..., str]:
    """`refused("lab", ...)` is the one line of a bad request, or of a failure with `code=1`."""

    def call(*arguments: object, code: int = 2) -> str:
        outcome = inkwash(*arguments)
        assert outcome.code == code, outcome
        assert len(outcome.err.strip().splitlines()) == 1, outcome.err
        assert not outcome.out
        return outcome.err

    return call


def lower(found: Results) -> Verdict:
    """The second arm is nearer than the first."""
    first, second = found.arms[0], found.arms[-1]
    return weigh((second.value("fd.c") < first.value("fd.c"), f"FD {first.told('fd.c')} and {second.told('fd.c')}."))


@pytest.fixture
def small() -> Callable[..., Experiment]:
    """`small(field=value, ...)` is an experiment of two arms, each trained for four steps; fields replace its own."""

    def make(**changes: Any) -> Experiment:
        arms = tuple(
            Arm(kind, Trained("simple-unet", (f"schedule.kind={kind}", *SMALL), run=kind), "ddim:2")
            for kind in ("linear", "cosine")
        )
        fields = {
            "name": "small",
            "objective": "See it run.",
            "hypothesis": "It runs.",
            "arms": arms,
            "verdict": lower,
            "count": 200,
            "length": "64 images",
        }
        return Experiment(**(fields | changes))

    return make
