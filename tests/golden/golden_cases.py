"""The commands whose results are compared with stored ones, their input files, and how results are read.

Only the command line and the bundled data are used, so that the cases do not depend on the modules of inkwash.
"""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import command
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

import inkwash

FOLDER = Path(__file__).parent
IMAGES = FOLDER / "images.npz"
HASHES = FOLDER / "images.json"
EVALUATION = FOLDER / "evaluation.json"
RUNS = FOLDER / "runs_0_1_0"
COUNT = 8
SHORT_COUNT = 1
"""Images that the tests compare of a path with hundreds of evaluations; image i is the same in any batch."""

CONDITIONAL = ("cfg-cosine", "digits", "fast")
UNCONDITIONAL = ("attention-unet", "ddim-300", "ddpm-bn", "moons", "simple-unet")
SAMPLERS = ("default", "ddim:10", "dpm++2m:8", "heun:5", "ddpm:20")
LONG = {f"{name}/default" for name in ("attention-unet", "cfg-cosine", "ddim-300", "ddpm-bn", "simple-unet")}
"""Cases whose default is ancestral sampling over the whole schedule."""


@dataclass(frozen=True)
class Case:
    """A command `inkwash sample ...`, the suffix of the file that it writes, and the rows of captions in it.

    Captions may be reworded, and fonts differ: `top` and `bottom` rows of pixels are not compared.
    """

    words: tuple[str, ...]
    suffix: str = ".npz"
    top: int = 0
    bottom: int = 0

    def run(self, folder: Path, count: int = COUNT) -> NDArray[Any]:
        """Return what the command writes, run in `folder`, which holds `write_inputs`."""
        target = folder / f"result{self.suffix}"
        target.unlink(missing_ok=True)
        words = [str(folder / word) if word in INPUTS else word for word in self.words]
        if "-n" not in words:
            words += ["-n", str(count)]
        run(["sample", *words, "--precision", "float32", "--device", "cpu", "-q", "-o", str(target)])
        found = read(target)
        return found if self.suffix == ".npz" else found[:, self.top : found.shape[1] - self.bottom]


def _matrix() -> dict[str, Case]:
    found = {}
    for model in sorted(CONDITIONAL + UNCONDITIONAL):
        for sampler in SAMPLERS:
            chosen = () if sampler == "default" else ("--sampler", sampler)
            found[f"{model}/{sampler}"] = Case((model, *chosen))
            if model in CONDITIONAL and f"{model}/{sampler}" not in LONG:
                guided = (model, *chosen, "--label", "0-9", "--guidance", "2")
                found[f"{model}/{sampler}/guided"] = Case(guided)
    return found


EDIT = ("--from", "picture.png", "--noise", "0.5")
INPAINT = ("--from", "picture.png", "--mask", "mask.png")
QUICK = ("digits", "--sampler", "ddim:8")
CASES = _matrix() | {
    "edit/unconditional": Case(("ddim-300", *EDIT, "--sampler", "ddim:10")),
    "edit/guided": Case(("fast", *EDIT, "--label", "7", "--guidance", "2", "--sampler", "dpm++2m:8")),
    "inpaint": Case(("fast", *INPAINT, "--label", "3", "--sampler", "ddpm:10")),
    "interpolate/seed": Case(("fast", "--seed", "3..8", "--label", "5", "--sampler", "ddim:8")),
    "interpolate/label": Case(("fast", "--seed", "5", "--label", "3..8", "--sampler", "ddim:8")),
    "interpolate/both": Case((*QUICK, "--seed", "1..2", "--label", "0..9", "--guidance", "1.5")),
    "strip": Case((*QUICK, "--label", "4", "--strip", "-n", "2"), ".png", top=16),
    "film": Case((*QUICK, "--label", "2", "--film", "-n", "2", "--scale", "1"), ".png", top=20, bottom=6),
    "film/interpolate": Case((*QUICK, "--seed", "3", "--label", "3..8", "--film", "--scale", "1"), ".png"),
    "grid": Case((*QUICK, "--label", "0-9", "--columns", "4", "--scale", "2"), ".png"),
    "option/interval": Case((*QUICK, "--label", "0-9", "--guidance", "3", "--interval", "0.2", "0.8")),
    "option/eta": Case((*QUICK, "--eta", "0.6")),
    "option/temperature": Case(("digits", "--sampler", "ddpm:8", "--temperature", "0.7")),
    "option/clip": Case((*QUICK, "--clip")),
    "option/unlabelled": Case((*QUICK, "--label", "none")),
    "option/seed": Case((*QUICK, "--seed", "123456789012")),
    "option/karras": Case(("digits", "--sampler", "heun:6", "--schedule", "karras")),
    "option/log-linear": Case(("digits", "--sampler", "dpm++2m:8", "--schedule", "log-linear")),
    "sampler/euler": Case(("digits", "--sampler", "euler:6")),
    "sampler/dpm++2m-sde": Case(("digits", "--sampler", "dpm++2m-sde:8", "--eta", "1.5")),
    "sampler/dpm++3m": Case(("digits", "--sampler", "dpm++3m:9")),
    "sampler/consistency": Case(("digits", "--sampler", "consistency:4")),
}
INPUTS = ("picture.png", "mask.png", "labelled.npz", "unlabelled.npz", "small.npz")

EVALUATIONS: dict[str, tuple[str, ...]] = {
    "labelled": ("labelled.npz",),
    "unlabelled": ("unlabelled.npz",),
}
EVALUATIONS_WITH_MNIST: dict[str, tuple[str, ...]] = {
    "labelled, mnist": ("labelled.npz",),
}
"""These are called with --data, the folder of the real MNIST."""
SLOW_EVALUATIONS: dict[str, tuple[str, ...]] = {
    "small": ("small.npz", "--data", "digits", "--thorough"),
    "bits": ("digits", "-n", "100", "--sampler", "ddim:2", "--data", "digits", "--judges", "a", "--bits"),
}
"""These train feature extractors of the bundled digits first, about 20 seconds."""


def run(words: list[str]) -> str:
    """Return what the command prints on standard output. Raises `AssertionError` unless it ends with code 0."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command.run(words)
    assert code == 0, f"inkwash {' '.join(words)}: exit code {code}: {err.getvalue()}"
    return out.getvalue()


def read(path: Path) -> NDArray[Any]:
    """Return the images or points of an .npz, or the frames of an image without captions and progress line."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return arrays["points"] if "points" in arrays else arrays["images"]
    with Image.open(path) as image:
        return np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)])


def evaluate(words: tuple[str, ...], folder: Path, *more: str) -> dict[str, Any]:
    """Return every number that `inkwash evaluate ... --json` prints, under its path in the JSON."""
    given = [str(folder / word) if word in INPUTS else word for word in words]
    return dict(_figures(json.loads(run(["evaluate", *given, *more, "--device", "cpu", "--json"]))))


def _figures(value: Any, path: str = "") -> list[tuple[str, float]]:
    """Return the numbers in plain JSON `value`, each under its path."""
    if isinstance(value, dict):
        # Sampling times differ between machines.
        parts = [(key, each) for key, each in value.items() if key not in ("seconds_64", "facts")]
    elif isinstance(value, list):
        parts = [(str(index), each) for index, each in enumerate(value)]
    else:
        parts = []
    if isinstance(value, dict | list):
        return [pair for key, each in parts for pair in _figures(each, f"{path}/{key}")]
    return [(path, value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def write_inputs(folder: Path) -> None:
    """Write the files that the commands read, with the same pixels on every machine: integers only, no resizing."""
    picture, mask = np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.uint8)
    picture[5:8, 6:22] = 255
    for row in range(8, 25):
        column = 21 - (row - 8) // 2
        picture[row, column - 2 : column + 1] = (160, 255, 90)
    mask[14:, :] = 255
    Image.fromarray(picture).save(folder / "picture.png")
    Image.fromarray(mask).save(folder / "mask.png")

    small, labels = bundled_digits()
    np.savez(folder / "small.npz", images=small[:800], labels=labels[:800])
    large = np.pad(small[:800].repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    np.savez(folder / "labelled.npz", images=large, labels=labels[:800])
    place = np.arange(large[:300].size, dtype=np.uint64).reshape(300, 28, 28)
    # A multiplicative hash gives noise that does not depend on a generator's stream.
    noise = ((place * np.uint64(2654435761) % np.uint64(2**32)) >> np.uint64(27)).astype(np.uint8)
    shifted = np.roll(large[500:800], (1, -2), axis=(1, 2))
    np.savez(folder / "unlabelled.npz", images=np.maximum(shifted, noise))


def bundled_digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the bundled 8×8 digits for training, uint8 [1500, 8, 8], and their labels, read from the package's file."""
    (path,) = Path(inkwash.__file__).parent.rglob("digits*.npz")
    with np.load(path) as arrays:
        return arrays["images"], arrays["labels"].astype(np.int64)
