"""Images so small that feature extractors are trained in a second, and experiments that train in one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inkwash.lab import EXPERIMENTS, Experiment, Results, Trained, Variant, Verdict

SMALL = (
    "network.base=4",
    "training.batch=16",
    "training.ema=16 images",
    "training.precision=float32",
    "sampling.preview=ddim:2",
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A file of 600 images without labels, 8 by 8, and a cache with their feature extractor."""
    from inkwash.evaluation import reference

    root = tmp_path_factory.mktemp("lab")
    rng = np.random.default_rng(0)
    images = np.zeros((600, 8, 8), dtype=np.uint8)
    for image, (row, column) in zip(images, rng.integers(1, 6, (600, 2)), strict=True):
        image[row - 1 : row + 2, column - 1 : column + 2] = rng.integers(100, 256, (3, 3))
    np.savez(root / "blobs.npz", images=images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INKWASH_CACHE", str(root / "cache"))
        reference.for_data(str(root / "blobs.npz"))
    return SimpleNamespace(data=str(root / "blobs.npz"), cache=root / "cache")


@pytest.fixture(autouse=True)
def separate_folder(tmp_path: Path, built: SimpleNamespace, without_plots: None) -> Iterator[None]:
    """Give every test its own folder and cache, with the feature extractor; restore EXPERIMENTS."""
    shutil.copytree(built.cache, tmp_path / "cache")
    before = dict(EXPERIMENTS)
    yield
    EXPERIMENTS.clear()
    EXPERIMENTS.update(before)


def second_is_better(results: Results) -> Verdict:
    first, second = results.variants[0], results.variants[-1]
    holds = second.value("fd.c") < first.value("fd.c")
    return Verdict.of((holds, f"FD {first.text('fd.c')} and {second.text('fd.c')}."))


@pytest.fixture
def small() -> Callable[..., Experiment]:
    """`small(field=value, ...)` is an experiment of two variants, each trained for four steps, with fields replaced."""

    def make(**changes: Any) -> Experiment:
        variants = tuple(
            Variant(kind, Trained("simple-unet", (f"schedule.kind={kind}", *SMALL), run=kind), "ddim:2")
            for kind in ("linear", "cosine")
        )
        fields: dict[str, Any] = {
            "name": "small",
            "objective": "Test the lab.",
            "hypothesis": "It runs.",
            "variants": variants,
            "verdict": second_is_better,
            "count": 200,
            "length": "64 images",
        }
        return Experiment(**(fields | changes))

    return make
