"""What is read of any layout is what was written, or it is refused with a code: never a subset without a word."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np
from hypothesis import event, given, note
from hypothesis import strategies as st
from layout_strategies import CONTAINERS, Written, folders, idx_files, number_of, trees
from torch import Tensor

from inkwash.data import Dataset, load
from inkwash.errors import ErrorCode, InkwashError

COUNT = re.compile(r"(?:^|; )(\d+) files? w|\((\d+) images?\) was not read")
"""The numbers of files and images in the warning about those that were not read."""


@contextmanager
def stored(files: Mapping[str, bytes], container: str | None) -> Iterator[Path]:
    """Write `files` into a folder, or into an archive named `container`, and return its path."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / (container or "set")
        for name, content in files.items() if container is None else ():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        if container is not None:
            path.write_bytes(CONTAINERS[container](files))
        yield path


def numbers_of(values: Tensor | None, labels: Tensor | None, classes: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the numbers of the images by class, "" without classes."""
    found: dict[str, list[int]] = {name: [] for name in classes or ("",)}
    for k in range(0 if values is None else len(values)):
        assert values is not None
        found["" if labels is None else classes[int(labels[k])]].append(number_of(np.asarray(values[k, 0])))
    return {name: sorted(numbers) for name, numbers in found.items()}


def parts_of(data: Dataset) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    train = numbers_of(data.values, data.labels, data.classes)
    return train, numbers_of(data.test_values, data.test_labels, data.classes)


@given(st.one_of(folders(), idx_files()), st.sampled_from([None, *CONTAINERS]))
def test_what_is_written_in_a_documented_layout_is_read(written: Written, container: str | None) -> None:
    note(f"{container}: {sorted(written.files)}")
    with stored(written.files, container) as path:
        data = load(path)
        train, test = parts_of(data)
    assert data.classes == written.classes
    assert train == written.train and test == (written.test or {name: [] for name in train})
    assert (data.test_values is None) == (written.test is None)
    read = sum(map(len, (*train.values(), *test.values())))
    if not any("idx" in name for name in written.files):
        assert read + unread(data) == len(written.files)


@given(trees(), st.sampled_from([None, None, *CONTAINERS]))
def test_every_file_of_any_tree_is_read_or_counted(files: dict[str, bytes], container: str | None) -> None:
    note(f"{container}: {sorted(files)}")
    try:
        with stored(files, container) as path:
            data = load(path)
            train, test = parts_of(data)
    except InkwashError as error:
        event(error.code)
        assert error.code in get_args(ErrorCode) and error.code != "internal" and "\n" not in str(error)
        return
    event("read")
    names = {int(re.sub(r"\D", "", Path(name).stem)): name for name in files}
    for part in (train, test):
        for label, numbers in part.items():
            # ImageFolder's rule: the class of an image is the name of a folder that it is in
            assert all(not label or label in Path(names[number]).parent.parts for number in numbers)
    read = [number for part in (train, test) for numbers in part.values() for number in numbers]
    assert len(read) == len(set(read))
    # hidden files of other kinds do not count
    hidden = [
        name for name in files if Path(name).name.startswith(".") and Path(name).suffix[1:] not in ("png", "bmp", "tif")
    ]
    note(data.warning)
    assert len(read) + unread(data) == len(files) - len(hidden)


def unread(data: Dataset) -> int:
    """Return the number of files that the data set's warning counts."""
    return sum(int(files or images) for files, images in COUNT.findall(data.warning))
