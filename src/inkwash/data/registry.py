"""The data sets by name, the file formats of paths, and `load`, which reads either."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from inkwash.data import (
    archive,
    array_file,
    array_folder,
    cifar10,
    image_folder,
    image_tree,
    inkwash_data,
    locate,
    mnist,
    points,
    python_data,
    table_folder,
    unread_forms,
)
from inkwash.data.array_pixels import ValueRange, require_range
from inkwash.data.dataset import Dataset
from inkwash.data.mnist_variants import PUBLISHED
from inkwash.data.points import TOY_DISTRIBUTIONS
from inkwash.data.reader import Reader, ReadOptions
from inkwash.data.reading import broken_link, require_data
from inkwash.errors import InkwashError, UsageError, first_line, wrong_file_error
from inkwash.text.progress import StageProgressCallback
from inkwash.text.synonyms import nearest, plain

DataSource = Any
"""What `load` reads: a name or a path, a `Dataset`, or another object that `python_data` lists."""

DIGITS = Path(__file__).with_name("digits.npz")


def digits() -> Dataset:
    """Return the 1,797 real 8 by 8 digits bundled with inkwash, uint8 `[N, 1, 8, 8]`, 297 of them in the test part."""
    note = "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak 1998, UCI; CC BY 4.0"
    return replace(array_file.read(DIGITS), note=note)


class PublishedSet(NamedTuple):
    """How a data set that can be downloaded is found in a folder, read from the cache, and downloaded."""

    find: Callable[[Path, str], Dataset | None]
    cached: Callable[[], Dataset | None]
    download: Callable[[], Dataset]


PUBLISHED_SETS: dict[str, PublishedSet] = {
    **{
        name: PublishedSet(mnist.find, partial(mnist.load_offline, name), partial(mnist.load, name))
        for name in PUBLISHED
    },
    cifar10.NAME: PublishedSet(cifar10.find, cifar10.load_offline, cifar10.load),
}


def published(name: str) -> Dataset:
    """Return the data set `name` of `PUBLISHED_SETS` from INKWASH_DATA, from the cache, or downloaded."""
    source = PUBLISHED_SETS[name]
    found = inkwash_data.find(name, source.find)
    if found is None:
        cached = source.cached()
        inkwash_data.warn_missing(name, "downloaded" if cached is None else "read from the cache")
        found = source.download() if cached is None else cached
    return found


DATASETS: dict[str, Callable[[], Dataset]] = {
    **{name: partial(published, name) for name in PUBLISHED_SETS},
    "digits": digits,
    **{name: partial(points.load, name) for name in TOY_DISTRIBUTIONS},
}

EXAMPLE_SHAPES: dict[str, tuple[tuple[int, ...], int]] = {
    **dict.fromkeys(PUBLISHED, ((1, 28, 28), 10)),
    cifar10.NAME: (cifar10.SHAPE, 10),
    "digits": ((1, 8, 8), 10),
    **{name: ((2,), len(distribution.classes)) for name, distribution in TOY_DISTRIBUTIONS.items()},
}
"""The shape of an example, [C, H, W] or [D], and the number of classes, known without loading the data set."""

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
"""A name of the Hugging Face Hub, as in ylecun/mnist."""

MAX_NESTED_ARCHIVES = 2
"""Archives within archives."""


def _read_archive(path: Path, options: ReadOptions) -> Dataset:
    if options.nesting >= MAX_NESTED_ARCHIVES:
        raise InkwashError(
            f"{path} is in archives within archives: unpack them, and give the folder", code="too-large", field="data"
        )
    with archive.unpacked(path, options.progress) as folder:
        found = _read(folder, replace(options, nesting=options.nesting + 1))
        return replace(found, name=archive.stem(path)) if found.name == folder.name else found


READERS: tuple[Reader, ...] = (
    mnist.READER,
    cifar10.READER,
    array_folder.FILE_READER,
    array_folder.FOLDER_READER,
    table_folder.READER,
    Reader("a zip or tar archive of any of these", archive.matches, _read_archive, True),
)
"""One reader for each form of data beside folders of images; the first that matches a path reads it."""


def canonical_name(name: str) -> str | None:
    """Return the key of `DATASETS` that equals `name` up to case, hyphens, underscores and spaces, None if there is none."""
    return name if name in DATASETS else next((known for known in DATASETS if plain(known) == plain(name)), None)


def load(
    spec: DataSource | None = None,
    size: int | None = None,
    progress: StageProgressCallback | None = None,
    value_range: ValueRange | None = None,
) -> Dataset:
    """Return the data set `spec`: a name in `DATASETS`, a path, or an object of `python_data`; by default INKWASH_DATA.

    `size` is the side in pixels to which images are resized; `progress(what, fraction)` is called while many image files are
    read; `value_range` gives the values of black and white in arrays and tables of numbers. A name has precedence over a
    folder of exactly that name: write `./mnist` for the folder. Raises `UsageError` for an unknown name or path, and for a
    range of images, `InkwashError` for damaged data.
    """
    require_range(value_range)
    if isinstance(spec, Dataset):
        return spec.resized(size)
    if spec is not None and not isinstance(spec, str | Path):
        return python_data.from_object(spec, value_range, size).resized(size)
    spec = spec or os.environ.get("INKWASH_DATA")
    if not spec:
        raise UsageError(
            "no data given: use --data NAME, --data PATH or the environment variable INKWASH_DATA=PATH;"
            f" the names are {', '.join(DATASETS)}",
            code="missing-field",
            field="data",
        )
    path, known = Path(spec).expanduser(), canonical_name(str(spec))
    if known is not None and (str(spec) in DATASETS or not path.exists()):
        if value_range is not None:
            raise _no_range(known)
        return DATASETS[known]().resized(size)
    return _read(path, ReadOptions(size, progress, value_range)).resized(size)


def load_offline(spec: str | Path, size: int | None = None, value_range: ValueRange | None = None) -> Dataset | None:
    """Return what `load` returns if that needs no download, else None. Raises as `load` does."""
    known, exists = canonical_name(str(spec)), Path(spec).expanduser().exists()
    if known in PUBLISHED_SETS and (str(spec) in DATASETS or not exists):
        source = PUBLISHED_SETS[known]
        found = inkwash_data.find(known, source.find) or source.cached()
        return None if found is None else found.resized(size)
    return load(spec, size, value_range=value_range) if known is not None or exists else None


def takes_range(spec: str | Path) -> bool:
    """Return whether `load` takes a range for `spec`: it is no name in `DATASETS`, and a path with arrays or a table."""
    path = Path(spec).expanduser()
    if not path.exists() or str(spec) in DATASETS:
        return canonical_name(str(spec)) is None
    return (
        locate.locate(path, READERS, image_folder.READER).reader if path.is_dir() else _file_reader(path)
    ).is_numeric


def is_readable(path: Path) -> bool:
    """Return whether a reader takes the file or folder at `path`."""
    if not path.is_dir():
        return any(reader.matches(path) for reader in READERS)
    locate.locate(path, READERS, image_folder.READER)
    return True


def _no_range(what: str) -> UsageError:
    return UsageError(
        f"--range has no effect on {what}, whose pixels are 0 to 255: leave it out", code="no-effect", field="range"
    )


def _read(path: Path, options: ReadOptions) -> Dataset:
    try:
        if not path.exists():
            raise broken_link(path) if path.is_symlink() else _missing(path)
        if not path.is_dir():
            return _apply(_file_reader(path), path, options)
        place = locate.locate(path, READERS, image_folder.READER)
        found = _apply(place.reader, place.path, options)
        # A data set that is named after its folder is named after the one that was given.
        return replace(found, name=path.resolve().name) if found.name == place.path.resolve().name else found
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        raise InkwashError(
            f"cannot read {where}: {first_line(error)}; check the path and its permissions", code="io", field="data"
        ) from error


def _apply(reader: Reader, path: Path, options: ReadOptions) -> Dataset:
    if options.value_range is not None and not reader.is_numeric:
        raise _no_range(f"{path} ({reader.name})")
    return reader.read(path, options)


def _missing(path: Path) -> UsageError:
    known = canonical_name(path.name) or nearest("data set", path.name, DATASETS)
    hint = f"check the path{f', or give the data set {known} by --data {known}' if known else ''}"
    if HUB_NAME.fullmatch(str(path)) and not path.parent.exists():
        folder = path.name
        hint += (
            f"; a data set of the Hub is downloaded first: hf download {path} --repo-type dataset --local-dir {folder}"
        )
    names = f"; the data sets by name are {', '.join(DATASETS)}" if path.name == str(path) else ""
    return UsageError(f"there is no file or folder '{path}': {hint}{names}", code="missing-file", field="data")


def _file_reader(path: Path) -> Reader:
    """Return the reader of the form that a file has. Raises `UsageError` for a file of another kind."""
    for reader in READERS:
        if reader.matches(path):
            return reader
    with path.open("rb") as file:
        require_data(file.read(512), path)
    if image_tree.is_image_name(path.name):
        raise UsageError(
            f"{path} is one image: give the folder with the images of the data set", code="wrong-file", field="data"
        )
    form = unread_forms.of(path)
    if form is not None:
        raise unread_forms.error(path, form)
    forms = "; ".join(reader.name for reader in (*READERS, image_folder.READER))
    raise wrong_file_error(path, "data set", forms, "data")
