"""A folder in which command lines can do no harm: with a user's files, limits, and a record of writes elsewhere."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import command
import numpy as np
from fuzz_strategies import RECIPE_FILE
from PIL import Image

import inkwash as package

SOURCE = Path(package.__file__).parents[1]
MEMORY = 8 << 30
CLOSED = "http://127.0.0.1:9"
"""A proxy that refuses connections: nothing is downloaded."""
SMALL = "digits --set network.widths=[8,16] --set training.batch=16 --set sampling.preview=ddim:1 --steps 2 -q --out"


class Sandbox:
    """The user's files in the folder `path`, restored after each request; `strayed` are paths written elsewhere."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
        self.looks = {file: _look(file) for file in self.before}
        self.others = {each for each in path.parent.rglob("*") if each not in self.before}
        self.written: bytes | None = None
        self.strayed: list[str] = []
        self.active = True
        sys.addaudithook(self._watch)

    def write(self, recipe: bytes | None) -> None:
        """Write the recipe file of a request, by itself and as that of a run without checkpoints."""
        self.written = recipe
        self.strayed.clear()
        for name in (RECIPE_FILE, "again/recipe.toml"):
            if recipe is not None:
                (self.path / name).parent.mkdir(exist_ok=True)
                (self.path / name).write_bytes(recipe)

    def restore(self, went_well: bool) -> list[str]:
        """Restore all files and return what should not have been written; a successful command may change its own."""
        os.chdir(self.path)
        found = [f"wrote {path}" for path in self.strayed]
        if self.written is not None and (self.path / RECIPE_FILE).read_bytes() != self.written:
            found.append(f"changed {RECIPE_FILE}")
        for file, content in self.before.items():
            if _look(file) == self.looks[file]:
                continue
            # a command may overwrite its own image and continue its own run
            own = file.name == "sampled.png" or "run" in file.relative_to(self.path).parts
            if not (own and went_well) and (not file.is_file() or file.read_bytes() != content):
                found.append(f"changed {file.relative_to(self.path)}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            self.looks[file] = _look(file)
        for path in sorted(self.path.parent.rglob("*"), reverse=True):
            if (
                path not in self.before
                and path not in self.others
                and "home" not in path.relative_to(self.path.parent).parts
            ):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        return found

    def _watch(self, event: str, given: tuple[Any, ...]) -> None:
        # an audit hook cannot be removed
        if not self.active:
            return
        if event == "open":
            path, _, how = given
            writes = how & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.symlink"):
            path, writes = given[1 if event in ("os.rename", "os.symlink") else 0], True
        else:
            return
        if writes and isinstance(path, str | bytes | os.PathLike):
            named = os.path.realpath(os.fsdecode(path))
            if not named.startswith((f"{self.path.parent}{os.sep}", "/dev/", "/proc/")):
                self.strayed.append(named)


def _look(file: Path) -> object:
    status = file.stat() if file.is_file() else None
    return status and (status.st_mtime_ns, status.st_size, status.st_ino)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """Enter the folder, with its own home folder, a limit of memory, and no internet."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve()
        here, home = root / "here", root / "home"
        for folder in (here, home):
            folder.mkdir()
        names: dict[str, object] = {
            "HOME": home,
            "TMPDIR": home,
            "INKWASH_CACHE": home,
            "MPLCONFIGDIR": home,
            "XDG_CACHE_HOME": home,
        }
        names |= {"HYPOTHESIS_STORAGE_DIRECTORY": home}
        names |= {"PYTHONPATH": SOURCE, "COLUMNS": 200, "OMP_NUM_THREADS": 1, "PYTHONDONTWRITEBYTECODE": 1}
        names |= {f"{kind}_proxy": CLOSED for kind in ("http", "https", "HTTP", "HTTPS")}
        given = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("INKWASH", "RANK", "TORCHELASTIC"))
        }
        limits = resource.getrlimit(resource.RLIMIT_AS)
        with patch.dict(os.environ, given | {name: str(value) for name, value in names.items()}, clear=True):
            tempfile.tempdir, sys.dont_write_bytecode = str(home), True
            os.chdir(here)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, limits[1]))
            try:
                furnish(here)
                made = Sandbox(here)
                yield made
            finally:
                made.active = False
                resource.setrlimit(resource.RLIMIT_AS, limits)
                os.chdir(before)
                tempfile.tempdir = None


def furnish(here: Path) -> None:
    """Write the files that command lines name: runs, images, data, and unrelated files."""
    assert command.run(["train", *SMALL.split(), "run"]) == 0
    assert command.run(["sample", "run", "-n", "2", "--sampler", "ddim:1", "-q", "-o", "sampled.png"]) == 0
    shutil.copytree(here / "run", here / "half")
    latest = here / "half/checkpoints/latest.safetensors"
    latest.write_bytes(latest.read_bytes()[: latest.stat().st_size // 2])
    for name, text in {
        "notes.txt": "text\n",
        "full/keep.txt": "text\n",
        "own.py": "VALUE = 1\n",
        "wrong.py": "1 / 0\n",
        "own.toml": "network = 'simple-unet'\n",
        "wrong.npz": "no archive\n",
        "full/x.png": "no picture\n",
    }.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (24, 8, 8), dtype=np.uint8)
    for k, picture in enumerate(pixels):
        folder = here / "pictures" / ("ant", "bee")[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{k}.png")
    Image.fromarray(pixels[0]).save(here / "out.png")
    Image.fromarray((pixels[0] > 128).astype(np.uint8) * 255).save(here / "mask.png")
    np.save(here / "own.npy", pixels)
    np.savez(here / "own.npz", images=draw.integers(0, 256, (16, 28, 28), dtype=np.uint8))
    np.savez(here / "big.npz", images=pixels.astype(np.float64) * 1e300)
    np.savez(here / "points.npz", points=draw.normal(size=(40, 2)).astype(np.float32))
    (here / "empty").mkdir()
    (here / "closed").mkdir()
    (here / "closed").chmod(0)
    (here / "loop").symlink_to(here / "loop")
