"""Run folders that inkwash 0.1.0 wrote, one for each kind of network: how they were made, and samples of them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from golden_cases import FOLDER, read, run
from numpy.typing import NDArray
from PIL import Image

RUNS = FOLDER / "runs_0_1_0"
SAMPLES = FOLDER / "runs_0_1_0.npz"
STEPS = 4
ALL_CHECKPOINTS = "simple-unet"
"""The run that keeps the checkpoints of the best validation loss and of its milestone."""

_NETWORKS: dict[str, tuple[str, ...]] = {
    "batchnorm-unet": ("base=2", "dim=4"),
    "class-unet": ("widths=[8,8]", "dim=8"),
    "strided-unet": ("base=8", "dim=4"),
    "simple-unet": ("base=4",),
    "attention-unet": ("base=2", "dim=4"),
    "ddpm-unet": ("widths=[4,8]", "blocks=1", "groups=4"),
    "folded-unet": ("widths=[8,16]", "blocks=1", "dim=8"),
    "mlp": ("width=16", "depth=1", "dim=8"),
}
_RECIPES = {
    "batchnorm-unet": "ddpm-bn",
    "class-unet": "digits",
    "strided-unet": "ddim-300",
    "simple-unet": "simple-unet",
    "attention-unet": "attention-unet",
    "ddpm-unet": "cifar10",
    "folded-unet": "fast",
    "mlp": "moons",
}
COMMON = (
    "training.batch=8",
    "training.precision=float32",
    "optimizer.lr=1e-2",
    "sampling.preview=ddim:2",
    "sampling.sampler=ddim:4",
)
"""The learning rate is high, so that a few steps change the weights clearly."""
NAMES = tuple(_NETWORKS)


def make_runs() -> None:
    """Train every run of `RUNS` again, by the command line."""
    shutil.rmtree(RUNS, ignore_errors=True)
    # By relative paths, because cards and recipes contain the paths, and no path of one machine may be committed.
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        colours = Path("colours")
        write_colours(colours)
        for network in NAMES:
            changes = (*COMMON, *(f"network.{change}" for change in _NETWORKS[network]))
            words = ["train", _RECIPES[network], "--out", f"runs/{network}", "--steps", str(STEPS), "-q"]
            words += ["--device", "cpu", *(word for change in changes for word in ("--set", change))]
            run(words + _data(network, colours))
        shutil.copytree("runs", RUNS)
    # Plots are not compared, and the other checkpoints of so short a run are copies, which one folder keeps.
    for path in [*RUNS.rglob("*.png"), *RUNS.rglob("best.safetensors"), *RUNS.rglob("step-*.safetensors")]:
        if path.suffix == ".png" or ALL_CHECKPOINTS not in path.parts:
            path.unlink()


def write_colours(folder: Path) -> None:
    """Write 24 colour images of 8×8 pixels in two folders, which are two classes."""
    for index in range(24):
        place = np.indices((8, 8)).sum(0) * (3 + index) + 11 * index
        pixels = np.stack([place, 2 * place, 255 - place], axis=-1).astype(np.uint8)
        target = folder / ("even", "odd")[index % 2] / f"{index:02d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(target)


def _data(network: str, colours: Path) -> list[str]:
    """Return the flags for the data of a run, in training and resuming."""
    if network == "mlp":
        return []
    return ["--data", str(colours)] if network == "ddpm-unet" else ["--data", "digits"]


def resume(source: Path, steps: int, colours: Path) -> None:
    """Resume the run folder `source`, named after its network, up to `steps`."""
    run(["train", str(source), "--steps", str(steps), "-q", "--device", "cpu", *_data(source.name, colours)])


def sample(source: Path, target: Path) -> NDArray[Any]:
    """Return four samples of the run folder `source`, written to `target`."""
    run(["sample", str(source), "-n", "4", "--precision", "float32", "--device", "cpu", "-q", "-o", str(target)])
    return read(target)


def sample_runs() -> dict[str, NDArray[Any]]:
    """Return the samples of every run, before and after two more steps."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_colours(folder / "colours")
        for network in NAMES:
            found[network] = sample(RUNS / network, folder / f"{network}.npz")
            copied = Path(shutil.copytree(RUNS / network, folder / network))
            resume(copied, STEPS + 2, folder / "colours")
            found[f"{network}/resumed"] = sample(copied, folder / f"{network}-resumed.npz")
    return found
