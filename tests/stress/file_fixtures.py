"""A small file of each kind that inkwash reads, with the function that reads it."""

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
from inkwash.evaluation.sample_cache import SampleCache
from inkwash.evaluation.setting import Setting
from inkwash.io import png_metadata
from inkwash.io.atomic import write_text
from inkwash.io.integrity import with_checksum
from inkwash.lab.folder import LabFolder, LabRequest
from inkwash.metrics import extractor_files, extractor_set
from inkwash.runs.folder import RunFolder
from inkwash.sampling.chunks import ChunkFolder
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.training.validation import LossByNoiseLevel

Contents = dict[str, Any]
FORMATS: dict[str, dict[str, Any]] = {
    "png": {},
    "jpg": {},
    "gif": {},
    "webp": {"lossless": True},
    "tiff": {},
    "bmp": {},
    "ppm": {},
}


@dataclass(frozen=True)
class ReadableFile:
    """A file of one kind, and `read`, which returns its content by name and raises `InkwashError`.

    `given` is the path that a user passes to `command`; both are None for files that only inkwash itself reads. A file
    with a `checksum` is read as it was written, in full or in part, or refused; another one that is damaged may be read
    as a data set with another `hash`.
    """

    kind: str
    file: Path
    read: Callable[[], Contents]
    given: Path | None = None
    command: tuple[str, ...] | None = None
    checksum: bool = False


def pixels(*shape: int) -> np.ndarray:
    """Return random images."""
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, dtype=np.uint8)


def of_data(given: Path) -> Contents:
    """Return the content of a data set; a run and its feature extractors store the hash."""
    found: Dataset = data.load(given)
    parts = {"values": found.values, "labels": found.labels, "test": found.test_values, "of test": found.test_labels}
    plain = {name: None if part is None else (part.shape, part.numpy().tobytes()) for name, part in parts.items()}
    return plain | {"classes": found.classes, "hash": (found.sha256, found.test_sha256)}


def data_file(kind: str, file: Path, given: Path | None = None) -> ReadableFile:
    """Return a file of the data set at `given`, by default the file itself."""
    return ReadableFile(kind, file, partial(of_data, given or file), given or file, ("show", str(given or file)))


def idx(place: Path) -> Iterator[ReadableFile]:
    """Yield the files of IDX data sets."""
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


def arrays(place: Path) -> Iterator[ReadableFile]:
    """Yield NumPy files."""
    images, labels = pixels(40, 6, 6), np.arange(40) % 10
    parts: dict[str, Any] = {"images": images, "labels": labels, "test_images": images[:10], "test_labels": labels[:10]}
    np.save(place / "images.npy", images)
    np.save(place / "points.npy", np.random.default_rng(0).normal(size=(60, 2)))
    np.savez(place / "stored.npz", **parts)
    np.savez_compressed(place / "deflated.npz", **parts)
    for name in ("images.npy", "points.npy", "stored.npz", "deflated.npz"):
        stem, _, ending = name.partition(".")
        yield data_file(f".{ending}, {stem}", place / name)


def cifar(place: Path) -> Iterator[ReadableFile]:
    """Yield files and archives of CIFAR-10."""
    folder = place / "cifar"
    folder.mkdir()
    for name, count in (("data_batch_1.bin", 4), ("test_batch.bin", 2)):
        records = [bytes([k]) + pixels(3, 32, 32 + k)[:, :, :32].tobytes() for k in range(count)]
        (folder / name).write_bytes(b"".join(records))
        yield data_file(f"CIFAR {name}", folder / name, folder)
    for ending, mode in ((".tar", "w"), (".tar.gz", "w:gz")):
        target = place / f"cifar-10-binary{ending}"
        with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
            for name in ("data_batch_1.bin", "test_batch.bin"):
                archive.add(folder / name, f"cifar-10-batches-bin/{name}")
        yield data_file(f"CIFAR {ending}", target)


def images(place: Path) -> Iterator[ReadableFile]:
    """Yield an image of each format, in a folder of such images."""
    for ending, options in FORMATS.items():
        folder = place / ending
        folder.mkdir()
        for k in range(4):
            Image.fromarray(pixels(12, 12 + k, 3)[:, :12]).save(folder / f"{k}.{ending}", **options)
        yield data_file(f"a folder of .{ending}", folder / f"1.{ending}", folder)


def recipes(place: Path) -> Iterator[ReadableFile]:
    """Yield a recipe file."""
    file = place / "own.toml"
    write_text(file, recipe.load("digits").to_toml())

    def read() -> Contents:
        found = recipe.load(file).to_dict()
        return {"recipe": found, "hash": json.dumps(found)}

    yield ReadableFile("a recipe", file, read, file, ("show", str(file), "--json"))


def samples(place: Path) -> Iterator[ReadableFile]:
    """Yield files that `inkwash sample` writes, and those of an interrupted call."""
    from command import run

    few = ["sample", "moons", "-n", "40", "--steps", "1", "--quiet", "-o"]
    for name in ("points.npz", "sampled.png"):
        assert run([*few, str(place / "samples" / name)]) == 0
    yield ReadableFile(
        "samples in .npz",
        place / "samples" / "points.npz",
        partial(of_data, place / "samples" / "points.npz"),
        place / "samples" / "points.npz",
        ("show", str(place / "samples" / "points.npz")),
        checksum=True,
    )
    picture = place / "samples" / "sampled.png"

    def again() -> Contents:
        reproduce(picture, None, "cpu", True)
        return png_metadata.read_metadata(picture) or {}

    yield ReadableFile("a sampled .png", picture, again, picture, ("sample", str(picture), "--quiet"), checksum=True)
    for ending in ("webp", "gif"):
        film = place / "samples" / f"film.{ending}"
        options: dict[str, Any] = png_metadata.embedded(ending.upper(), png_metadata.read_metadata(picture) or {})
        Image.fromarray(pixels(16, 16)).save(film, **options)
        yield ReadableFile(f"metadata in a .{ending}", film, partial(metadata_in, film), checksum=True)
    moons = models.load("moons")
    resolved = resolve(SampleRequest(model="moons", n=2500, steps=1), moons)
    chunks = ChunkFolder.open(resolved, place / "many.npz", 500, False)
    chunks.sample([0, 1, 2], 500, lambda done: None)
    begun = [values.tobytes() for values in chunks.values()]

    def joined() -> Contents:
        same = ChunkFolder.open(resolved, place / "many.npz", 500, True)
        return {str(index): values.tobytes() for index, values in enumerate(same.values())}

    assert list(joined().values()) == begun
    for name in ("000001.npz", "draw.json"):
        yield ReadableFile(f"part of samples, {name}", chunks.folder / name, joined, checksum=True)


def metadata_in(film: Path) -> Contents:
    """Return the metadata that is used; a changed bit in the name of the checksum leaves these as they were."""
    found = png_metadata.read_metadata(film)
    return {} if found is None else {name: found[name] for name in ("model", "weights", "request")}


def records(place: Path) -> Iterator[ReadableFile]:
    """Yield the files of run and lab folders, of the sample cache and of feature extractors."""
    run = RunFolder.create(place / "run")
    rows = [{"loss": 0.1 * k, "seconds": k} for k in range(1, 40)]
    with run.log() as log:
        for step, row in enumerate(rows):
            log.write("train", step, row)
    run.write_memorizing_loss({"codes": [0.1, 0.5], "losses": [0.125, 0.25]})
    measured = run_quality.QualityRow("model", "digits", 3, "ddim:2", 200, 2.0, 0.125, 4.5)
    rows_of_quality = [with_checksum(asdict(measured) | {"n": n}) for n in (200, 1000)]
    write_text(run.quality, json.dumps(rows_of_quality, indent=1) + "\n")

    yield ReadableFile(
        "metrics.jsonl",
        run.metrics,
        lambda: {row["step"]: (row["loss"], row["seconds"]) for row in run.rows()},
        checksum=True,
    )
    yield ReadableFile(
        "floor.json",
        run.memorizing_loss,
        lambda: vars(LossByNoiseLevel(**(run.read_memorizing_loss() or {}))),
        checksum=True,
    )
    yield ReadableFile(
        "quality.json", run.quality, lambda: {str(row.n): row for row in run_quality.read(run)}, checksum=True
    )

    lab = LabFolder(place / "lab")
    lab.write(LabRequest("schedules", 1000, None, "5 epochs", None, None))
    yield ReadableFile("request.json", lab.request, lambda: asdict(lab.resume(LabRequest("schedules"))), checksum=True)

    cache = SampleCache(Setting(models.load("moons"), SampleRequest(steps=1)))
    cache.samples(60)
    (chunk,) = cache.folder.glob("*.npz")
    yield ReadableFile(
        "sample cache", chunk, lambda: {"values": cache.samples(60).values.numpy().tobytes()}, checksum=True
    )

    folder = place / "judges"
    extractor_files.write(extractor_set.build(Dataset("blobs", torch.from_numpy(pixels(600, 1, 8, 8)))), folder)
    for file in sorted(folder.iterdir()):
        yield ReadableFile(f"feature extractors, {file.name}", file, partial(of_judges, folder), checksum=True)


def of_judges(folder: Path) -> Contents:
    """Return the content of a folder of feature extractors."""
    found = extractor_files.read(folder)
    judges = {
        name: [
            judge.scale,
            repr(judge.statistics),
            *(value.numpy().tobytes() for value in (judge.net.state_dict().values() if judge.net is not None else ())),
        ]
        for name, judge in found.extractors.items()
    }
    rows = [part.numpy().tobytes() for part in (found.train_features, found.test_features)]
    return {"about": found.spec, "figures": found.real_scores, "judges": judges, "rows": rows}


KINDS = {each.__name__: each for each in (idx, arrays, cifar, images, recipes, samples, records)}
"""Functions that write files of related kinds into a folder."""
