"""The data sets by name, the file formats of paths, and `load`, which reads either."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from inkwash.data import array_file, cifar10, image_folder, mnist, points
from inkwash.data.dataset import Dataset
from inkwash.data.mnist_variants import PUBLISHED
from inkwash.data.points import TOY_DISTRIBUTIONS
from inkwash.data.reader import Reader, ReadOptions
from inkwash.errors import InkwashError, UsageError, first_line, unknown_name, wrong_file_error
from inkwash.text.progress import StageProgressCallback

DIGITS = Path(__file__).with_name("digits.npz")


def digits() -> Dataset:
    """Return the 1,797 real 8 by 8 digits bundled with inkwash, uint8 `[N, 1, 8, 8]`, 297 of them in the test part."""
    note = "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak 1998, UCI; CC BY 4.0"
    return replace(array_file.read(DIGITS), note=note)


DATASETS: dict[str, Callable[[], Dataset]] = {
    **{name: partial(mnist.load, name) for name in PUBLISHED},
    cifar10.NAME: cifar10.load,
    "digits": digits,
    **{name: partial(points.load, name) for name in TOY_DISTRIBUTIONS},
}

OFFLINE_LOADERS: dict[str, Callable[[], Dataset | None]] = {
    **{name: partial(mnist.load_offline, name) for name in PUBLISHED},
    cifar10.NAME: cifar10.load_offline,
}
"""The data sets that `DATASETS` downloads: the set if its files are on this machine, else None."""

EXAMPLE_SHAPES: dict[str, tuple[tuple[int, ...], int]] = {
    **dict.fromkeys(PUBLISHED, ((1, 28, 28), 10)),
    cifar10.NAME: (cifar10.SHAPE, 10),
    "digits": ((1, 8, 8), 10),
    **{name: ((2,), len(distribution.classes)) for name, distribution in TOY_DISTRIBUTIONS.items()},
}
"""The shape of an example, [C, H, W] or [D], and the number of classes, known without loading the data set."""

READERS: tuple[Reader, ...] = (mnist.READER, cifar10.READER, array_file.READER, image_folder.READER)
"""One reader for each form of data; the first that matches a path reads it."""


def canonical_name(name: str) -> str | None:
    """Return the key of `DATASETS` that equals `name` up to case, None if there is none."""
    return next((known for known in (name, name.lower()) if known in DATASETS), None)


def load(
    spec: Dataset | str | Path | None = None, size: int | None = None, progress: StageProgressCallback | None = None
) -> Dataset:
    """Return the data set `spec`: a name in `DATASETS` or a path, by default the value of INKWASH_DATA.

    `size` is the side in pixels to which images are resized; `progress(what, fraction)` is called while many image files are
    read. A name has precedence over a folder of that name: write `./mnist` for the folder. Raises `UsageError` for an
    unknown name or path, `InkwashError` for damaged data.
    """
    if isinstance(spec, Dataset):
        return spec.resized(size)
    spec = spec or os.environ.get("INKWASH_DATA")
    if not spec:
        raise UsageError(
            "no data given: use --data NAME, --data PATH or the environment variable INKWASH_DATA=PATH;"
            f" the names are {', '.join(DATASETS)}",
            code="missing-field",
            field="data",
        )
    known = canonical_name(str(spec))
    dataset = DATASETS[known]() if known else _read(Path(spec).expanduser(), ReadOptions(size, progress))
    return dataset.resized(size)


def load_offline(spec: str | Path, size: int | None = None) -> Dataset | None:
    """Return what `load` returns if that needs no download, else None. Raises as `load` does."""
    if spec in OFFLINE_LOADERS:
        found = OFFLINE_LOADERS[str(spec)]()
        return None if found is None else found.resized(size)
    return load(spec, size) if spec in DATASETS or Path(spec).exists() else None


def _read(path: Path, options: ReadOptions) -> Dataset:
    try:
        if not path.exists():
            missing = f"no file or folder '{path}'; {unknown_name('data set', path.name, DATASETS)}"
            raise UsageError(missing, code="missing-file", field="data")
        return _reader(path).read(path, options)
    except OSError as error:
        raise InkwashError(
            f"cannot read {path}: {first_line(error)}; check the path and its permissions", code="io", field="data"
        ) from error


def _reader(path: Path) -> Reader:
    """Return the reader of the form that `path` has. Raises `UsageError` for a file of another kind."""
    for reader in READERS:
        if reader.matches(path):
            return reader
    raise wrong_file_error(path, "data set", "; ".join(reader.name for reader in READERS), "data")
