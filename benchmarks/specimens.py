"""One small file of every kind that inkwash reads back, with what reads it: for benchmarks/damage.py and the tests."""

from __future__ import annotations

import gzip
import json
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from inkwash import data
from inkwash import model as models
from inkwash.cli.reproduce import reproduce
from inkwash.config import recipe
from inkwash.data import Dataset
from inkwash.evaluation import run_quality
from inkwash.evaluation.sample_cache import Setting
from inkwash.io import png_metadata
from inkwash.io.atomic import write_text
from inkwash.io.integrity import with_checksum
from inkwash.lab.folder import LabFolder, LabRequest
from inkwash.metrics import extractor_files, extractor_set
from inkwash.runs.folder import RunFolder
from inkwash.sampling.chunks import ChunkFolder
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.training.validation import Profile

Contents = dict[str, Any]
FORMATS = {"png": {}, "jpg": {}, "gif": {}, "webp": {"lossless": True}, "tiff": {}, "bmp": {}, "ppm": {}}


@dataclass(frozen=True)
class Specimen:
    """A file of one kind, and `read`, which returns what it holds by names and raises `InkwashError`.

    `given` is what a user hands to `command`, both None where only inkwash itself reads such files. Of its `own` files
    nothing may ever be read but what was written, all or some of it; of others anything that has another `hash`.
    """

    kind: str
    file: Path
    read: Callable[[], Contents]
    given: Path | None = None
    command: tuple[str, ...] | None = None
    own: bool = False


def all_of(place: Path) -> Iterator[Specimen]:
    """Make one of each kind in the folder `place`."""
    place.mkdir(exist_ok=True)
    yield from idx(place)
    yield from arrays(place)
    yield from cifar(place)
    yield from pictures(place)
    yield from texts(place)
    yield from drawn(place)
    yield from records(place)


def pixels(*shape: int) -> np.ndarray:
    """Return pictures that differ, with shades, so that every format has something to keep."""
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def of_data(given: Path) -> Contents:
    """Return what a data set holds; its hash is what a run remembers of it, and its judges."""
    found: Dataset = data.load(given)
    parts = {"values": found.values, "labels": found.labels, "test": found.test_values, "of test": found.test_labels}
    plain = {name: None if part is None else (part.shape, part.numpy().tobytes()) for name, part in parts.items()}
    return plain | {"classes": found.classes, "hash": (found.sha256, found.test_sha256)}


def data_file(kind: str, file: Path, given: Path | None = None) -> Specimen:
    return Specimen(kind, file, partial(of_data, given or file), given or file, ("show", str(given or file)))


def idx(place: Path) -> Iterator[Specimen]:
    parts = {
        "train-images-idx3-ubyte": pixels(40, 6, 6),
        "train-labels-idx1-ubyte": np.arange(40, dtype=np.uint8) % 10,
        "t10k-images-idx3-ubyte": pixels(10, 6, 6),
        "t10k-labels-idx1-ubyte": np.arange(10, dtype=np.uint8),
    }
    for ending in ("", ".gz"):
        folder = place / f"idx{ending}"
        folder.mkdir()
        for name, part in parts.items():
            raw = bytes([0, 0, 8, part.ndim]) + struct.pack(f">{part.ndim}I", *part.shape) + part.tobytes()
            (folder / (name + ending)).write_bytes(gzip.compress(raw) if ending else raw)
        for name in parts:
            what = f"{'test ' if name.startswith('t10k') else ''}{name.split('-')[1]}"
            yield data_file(f"IDX {what}{', gzip' if ending else ''}", folder / (name + ending), folder)


def arrays(place: Path) -> Iterator[Specimen]:
    images, labels = pixels(40, 6, 6), np.arange(40) % 10
    parts = {"images": images, "labels": labels, "test_images": images[:10], "test_labels": labels[:10]}
    np.save(place / "images.npy", images)
    np.save(place / "points.npy", np.random.default_rng(0).normal(size=(60, 2)))
    np.savez(place / "stored.npz", **parts)
    np.savez_compressed(place / "deflated.npz", **parts)
    for name in ("images.npy", "points.npy", "stored.npz", "deflated.npz"):
        stem, _, ending = name.partition(".")
        yield data_file(f".{ending}, {stem}", place / name)


def cifar(place: Path) -> Iterator[Specimen]:
    folder = place / "cifar"
    folder.mkdir()
    for name, count in (("data_batch_1.bin", 4), ("test_batch.bin", 2)):
        records = [bytes([k]) + pixels(3, 32, 32 + k)[:, :, :32].tobytes() for k in range(count)]
        (folder / name).write_bytes(b"".join(records))
        yield data_file(f"CIFAR {name}", folder / name, folder)
    for ending, mode in ((".tar", "w"), (".tar.gz", "w:gz")):
        target = place / f"cifar-10-binary{ending}"
        with tarfile.open(target, mode) as archive:
            for name in ("data_batch_1.bin", "test_batch.bin"):
                archive.add(folder / name, f"cifar-10-batches-bin/{name}")
        yield data_file(f"CIFAR {ending}", target)


def pictures(place: Path) -> Iterator[Specimen]:
    for ending, options in FORMATS.items():
        folder = place / ending
        folder.mkdir()
        for k in range(4):
            Image.fromarray(pixels(12, 12 + k, 3)[:, :12]).save(folder / f"{k}.{ending}", **options)
        yield data_file(f"a folder of .{ending}", folder / f"1.{ending}", folder)


def texts(place: Path) -> Iterator[Specimen]:
    file = place / "mine.toml"
    write_text(file, recipe.load("digits").to_toml())

    def read() -> Contents:
        # a recipe is what its file says, and the run keeps all of it
        found = recipe.load(file).to_dict()
        return {"recipe": found, "hash": json.dumps(found)}

    yield Specimen("a recipe", file, read, file, ("show", str(file), "--json"))


def drawn(place: Path) -> Iterator[Specimen]:
    from inkwash.cli import run

    few = ["sample", "moons", "-n", "40", "--steps", "1", "--quiet", "-o"]
    for name in ("points.npz", "drawn.png"):
        assert run([*few, str(place / "drawn" / name)]) == 0
    yield Specimen(
        "drawn into .npz",
        place / "drawn" / "points.npz",
        partial(of_data, place / "drawn" / "points.npz"),
        place / "drawn" / "points.npz",
        ("show", str(place / "drawn" / "points.npz")),
        own=True,
    )
    picture = place / "drawn" / "drawn.png"

    def again() -> Contents:
        reproduce(picture, None, "cpu", True)
        return png_metadata.read_metadata(picture) or {}

    yield Specimen("a drawn .png", picture, again, picture, ("sample", str(picture), "--quiet"), own=True)
    for ending in ("webp", "gif"):
        film = place / "drawn" / f"film.{ending}"
        Image.fromarray(pixels(16, 16)).save(
            film, **png_metadata.embedded(ending.upper(), png_metadata.read_metadata(picture) or {})
        )
        yield Specimen(f"facts in a .{ending}", film, partial(facts_in, film), own=True)
    moons = models.load("moons")
    run = resolve(SampleRequest(model="moons", n=2500, steps=1), moons)
    parts = ChunkFolder.open(run, place / "many.npz", 500, False)
    parts.sample([0, 1, 2], 500, lambda done: None)
    begun = [values.tobytes() for values in parts.values()]

    def put_together() -> Contents:
        same = ChunkFolder.open(run, place / "many.npz", 500, True)
        return dict(enumerate(values.tobytes() for values in same.values()))

    assert put_together() == dict(enumerate(begun))
    for name in ("000001.npz", "draw.json"):
        yield Specimen(f"parts of a draw, {name}", parts.folder / name, put_together, own=True)


def facts_in(film: Path) -> Contents:
    # a bit of the seal's own name leaves facts of which all that anyone reads is as it was
    found = png_metadata.read_metadata(film)
    return {} if found is None else {name: found[name] for name in ("model", "weights", "request")}


def records(place: Path) -> Iterator[Specimen]:
    run = RunFolder.create(place / "run")
    rows = [{"loss": 0.1 * k, "seconds": k} for k in range(1, 40)]
    with run.log() as log:
        for step, row in enumerate(rows):
            log.write("train", step, row)
    run.write_memorizing_loss({"codes": [0.1, 0.5], "losses": [0.125, 0.25]})
    measured = run_quality.Measured("mine", "digits", 3, "ddim:2", 200, 2.0, 0.125, 4.5)
    told = [with_checksum(asdict(measured) | {"n": n}) for n in (200, 1000)]
    write_text(run.quality, json.dumps(told, indent=1) + "\n")

    yield Specimen(
        "metrics.jsonl",
        run.metrics,
        lambda: {row["step"]: (row["loss"], row["seconds"]) for row in run.rows()},
        own=True,
    )
    yield Specimen("floor.json", run.memorizing_loss, lambda: vars(Profile(**(run.read_memorizing_loss() or {}))), own=True)
    yield Specimen("quality.json", run.quality, lambda: {row.n: row for row in run_quality.of(run)}, own=True)

    lab = LabFolder(place / "lab")
    asked = LabRequest("schedules", 1000, None, "5 epochs", None, None)
    lab.write(asked)
    yield Specimen("request.json", lab.request, lambda: asdict(lab.resume(LabRequest("schedules"))), own=True)

    setting = Setting(models.load("moons"), SampleRequest(steps=1))
    setting.samples(60)
    (chunk,) = setting.folder.glob("*.npz")
    yield Specimen("kept samples", chunk, lambda: {"values": setting.samples(60).values.numpy().tobytes()}, own=True)

    folder = place / "judges"
    extractor_files.write(extractor_set.build(Dataset("blobs", torch.from_numpy(pixels(600, 1, 8, 8)))), folder)
    for file in sorted(folder.iterdir()):
        yield Specimen(f"judges, {file.name}", file, partial(of_judges, folder), own=True)


def of_judges(folder: Path) -> Contents:
    found = extractor_files.read(folder)
    judges = {
        name: [
            judge.scale,
            repr(judge.reference),
            *(value.numpy().tobytes() for value in (judge.net.state_dict().values() if judge.net is not None else ())),
        ]
        for name, judge in found.judges.items()
    }
    rows = [part.numpy().tobytes() for part in (found.train_rows, found.test_rows)]
    return {"about": found.about, "figures": found.figures, "judges": judges, "rows": rows}
