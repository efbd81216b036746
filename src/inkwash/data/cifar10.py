"""CIFAR-10 in its binary form: one label byte and 3,072 pixel bytes per image (Krizhevsky, 2009)."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from inkwash.data.dataset import Dataset
from inkwash.data.downloads import Download, cached_download, fetch
from inkwash.data.label_checks import check_label_range, label_tensor
from inkwash.data.reader import Reader
from inkwash.data.reading import damaged_file, read_bytes
from inkwash.errors import InkwashError

NAME = "cifar-10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (3, 32, 32)
RECORD_BYTES = 1 + 3 * 32 * 32
TRAIN_COUNT = 50_000

ARCHIVE = "cifar-10-binary.tar.gz"
PUBLISHED_ARCHIVE = re.compile(r"cifar-10-(binary|python).*\.(tar\.gz|tgz|tar)", re.IGNORECASE)
FOLDER_IN_ARCHIVE = "cifar-10-batches-bin"
TRAIN_FILES = "data_batch_*.bin"
TEST_FILE = "test_batch.bin"
PICKLED = ("data_batch_1", "cifar-10-batches-py")

DOWNLOAD = Download(
    NAME,
    {ARCHIVE: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    (
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
)


def load() -> Dataset:
    """Return CIFAR-10 from the cache, or downloaded (170 MB).

    Raises `InkwashError` when it cannot be downloaded, and for damaged files.
    """
    return read(fetch(DOWNLOAD) / ARCHIVE)


def load_offline() -> Dataset | None:
    """Return CIFAR-10 if its files are in the cache, else None."""
    folder = cached_download(DOWNLOAD)
    return read(folder / ARCHIVE) if folder else None


def find(folder: Path, name: str) -> Dataset | None:
    """Return CIFAR-10 if all of its batches are in `folder` or in an archive there, None if they are not."""
    if not matches(folder):
        return None
    found = read(folder)
    return found if found.name == name else None


def matches(path: Path) -> bool:
    """Return whether `path` is a published archive, or a folder with batches, the archive, or pickles.

    `read` refuses the pickles.
    """
    if path.is_file():
        return PUBLISHED_ARCHIVE.fullmatch(path.name) is not None
    inside = (FOLDER_IN_ARCHIVE, ARCHIVE, TEST_FILE, *PICKLED)
    return any(path.glob(TRAIN_FILES)) or any((path / name).exists() for name in inside)


def read(path: Path) -> Dataset:
    """Return the data set of `data_batch_*.bin` and an optional `test_batch.bin`, in a folder or an archive.

    Its name is "cifar-10" with all 50,000 training images, else that of the path. Raises `InkwashError` for
    damaged, missing or pickled batches and for labels above 9.
    """
    batches = _from_archive(path) if path.is_file() else _from_folder(path)
    train = sorted(name for name in batches if PurePosixPath(name).match(TRAIN_FILES))
    if not train:
        raise InkwashError(
            f"{path} has no {TRAIN_FILES}: give {ARCHIVE}, the binary form of CIFAR-10, or its folder",
            code="missing-file",
        )
    parts = [_records(batches[name], path / name) for name in train]
    values, targets = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
    held_out = _records(batches[TEST_FILE], path / TEST_FILE) if TEST_FILE in batches else None
    return Dataset(
        name=NAME if len(values) == TRAIN_COUNT else path.resolve().name,
        values=values,
        labels=targets,
        classes=CLASSES,
        test_values=held_out[0] if held_out else None,
        test_labels=held_out[1] if held_out else None,
        note="CIFAR-10, A. Krizhevsky, V. Nair and G. Hinton 2009; no licence stated",
        symmetries=("horizontal",),
    )


def _from_folder(folder: Path) -> dict[str, bytes]:
    for place in (folder, folder / FOLDER_IN_ARCHIVE):
        found = sorted(place.glob(TRAIN_FILES)) + [test for test in [place / TEST_FILE] if test.exists()]
        if found:
            return {path.name: read_bytes(path) for path in found}
    if (folder / ARCHIVE).is_file():
        return _from_archive(folder / ARCHIVE)
    raise InkwashError(
        f"{folder} holds CIFAR-10 as pickles, which are never opened: download its binary form, {ARCHIVE}",
        code="wrong-file",
    )


def _from_archive(path: Path) -> dict[str, bytes]:
    """Return the batches by file name; nothing is unpacked to disk, so paths in the archive have no effect."""
    batches = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(read_bytes(path)), mode="r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                content = archive.extractfile(member) if name.endswith(".bin") else None
                if content is not None:
                    batches[name] = content.read()
    except (tarfile.TarError, EOFError) as error:
        raise damaged_file(f"{path} is a damaged archive ({error}): fetch it again") from error
    return batches


def _records(raw: bytes, path: Path) -> tuple[Tensor, Tensor]:
    """Return images uint8 `[N, 3, 32, 32]` and labels int64 `[N]` of one batch."""
    if not raw or len(raw) % RECORD_BYTES:
        raise damaged_file(
            f"{path} is truncated: {len(raw):,} bytes are not a multiple of {RECORD_BYTES:,}-byte records;"
            " fetch it again"
        )
    records = np.frombuffer(raw, dtype=np.uint8).reshape(-1, RECORD_BYTES)
    targets = label_tensor(records[:, 0], len(records), path)
    pixels = torch.from_numpy(records[:, 1:].copy()).reshape(-1, *SHAPE)
    return pixels, check_label_range(targets, len(CLASSES), path)


READER = Reader("CIFAR-10 in its binary form", matches, lambda path, options: read(path))
