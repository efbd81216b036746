"""Files of other programs are not overwritten, and an unwritable path is reported before work starts."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcome import CopyRun, Inkwash, Runs, UsageErrorOf
from PIL import Image

from inkwash.sampling.run import SamplingRun

ONE = ["-n", "1", "--sampler", "ddim:1"]


def write_foreign(path: Path) -> bytes:
    """Write a file without metadata of inkwash and return its bytes."""
    if path.suffix == ".npz":
        np.savez(path, images=np.zeros((2, 2)))
    elif path.suffix:
        Image.new("L", (3, 3)).save(path)
    else:
        path.write_text("mine")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("x.png", []),
        ("x.npz", []),
        ("x", []),
        ("x.png", ["--strip"]),
        ("x.png", ["--film"]),
        ("x.webp", ["--film"]),
        ("x.gif", ["--film"]),
    ],
)
def test_a_foreign_file_is_not_overwritten(
    name: str, flags: list[str], runs: Runs, usage_error: UsageErrorOf, tmp_path: Path
) -> None:
    before = write_foreign(tmp_path / name)
    assert usage_error("sample", runs.plain, *ONE, *flags, "-o", name) == ("exists", "out")
    assert (tmp_path / name).read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "flags"), [("x.png", []), ("x.npz", []), ("x.png", ["--strip"]), ("x.gif", ["--film"])]
)
def test_files_of_inkwash_are_overwritten(name: str, flags: list[str], runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *ONE, *flags, "-o", name).code == 0
    before = Path(name).read_bytes()
    assert inkwash("sample", runs.plain, *ONE, *flags, "--seed", "3", "-o", name).code == 0
    assert Path(name).read_bytes() != before


def test_a_folder_that_is_not_empty_is_refused(runs: Runs, usage_error: UsageErrorOf) -> None:
    Path("mine").mkdir()
    Path("mine/letter.txt").write_text("dear")
    assert usage_error("sample", runs.plain, *ONE, "-o", "mine") == ("exists", "out")
    assert usage_error("train", "digits", "--steps", "1", "--out", "mine") == ("exists", "out")
    assert [file.name for file in Path("mine").iterdir()] == ["letter.txt"]


def test_new_run_does_not_overwrite_a_run(runs: Runs, copied: CopyRun, usage_error: UsageErrorOf) -> None:
    run = copied(runs.digits)
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    assert usage_error("train", "digits", "--steps", "1", "--out", run) == ("exists", "out")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    "command",
    [
        ["sample", "MODEL", *ONE, "-o", "file/x.png"],
        ["sample", "MODEL", *ONE, "-o", "file/below/x.npz"],
        ["sample", "MODEL", *ONE, "-o", "file/singles"],
        ["sample", "MODEL", *ONE, "--film", "-o", "file/x.webp"],
        ["train", "digits", "--steps", "1", "--out", "file"],
        ["train", "digits", "--steps", "1", "--out", "file/below"],
        ["show", "moons", "-o", "file"],
        ["show", "digits", "-o", "file/below"],
    ],
    ids=" ".join,
)
def test_path_below_a_file_cannot_be_written(command: list[str], runs: Runs, inkwash: Inkwash, tmp_path: Path) -> None:
    Path("file").write_text("mine")
    outcome = inkwash(*[runs.plain if word == "MODEL" else word for word in command])
    assert outcome.code in (1, 2)
    assert "file" in outcome.message
    assert Path("file").read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("name", "images"),
    [("moons", ["moons-network.png", "moons-schedule.png"]), ("spirals", ["spirals-data.png"])],
)
def test_show_does_not_overwrite_a_foreign_file(name: str, images: list[str], inkwash: Inkwash) -> None:
    Path("out").mkdir()
    before = {image: write_foreign(Path("out") / image) for image in images}
    outcome = inkwash("show", name)
    assert {image: (Path("out") / image).read_bytes() for image in images} == before
    assert outcome.code == 2 and outcome.kind == ("exists", "out")


@pytest.mark.parametrize(
    ("name", "flags"), [("x.png", []), ("x.npz", []), ("x.gif", ["--film"]), ("x.png", ["--strip"])]
)
def test_an_interruption_leaves_no_partial_file(
    name: str,
    flags: list[str],
    runs: Runs,
    inkwash: Inkwash,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def interrupted(source: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
        def first(*arguments: Any) -> Iterator[Any]:
            yield next(iter(source(*arguments)))
            raise KeyboardInterrupt

        return first

    monkeypatch.setattr(SamplingRun, "batches", interrupted(SamplingRun.batches))
    monkeypatch.setattr(SamplingRun, "frames", interrupted(SamplingRun.frames))
    outcome = inkwash("sample", runs.plain, "-n", "6", "--batch", "2", "--sampler", "ddim:2", *flags, "-o", name)
    assert outcome.code == 130
    assert outcome.message == "interrupted"
    assert not list(tmp_path.iterdir())


def test_a_full_disk_keeps_the_previous_file(runs: Runs, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inkwash("sample", runs.plain, *ONE, "-o", "x.png").code == 0
    before = Path("x.png").read_bytes()

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    outcome = inkwash("sample", runs.plain, *ONE, "--seed", "1", "-o", "x.png")
    assert outcome.code == 1 and outcome.kind == ("io", None) and "x.png" in outcome.message
    assert Path("x.png").read_bytes() == before
    assert [file.name for file in Path().iterdir()] == ["x.png"]
