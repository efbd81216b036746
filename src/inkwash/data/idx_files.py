"""Find the IDX files of a data set in a folder, under all the names that people have them.

- with or without compression, `train-images-idx3-ubyte.gz` or `train-images.idx3-ubyte` (LeCun et al., 1998)
- with the prefix of a data set, `emnist-letters-train-images-idx3-ubyte.gz` or `qmnist-test-labels-idx2-int.gz`
- each in a folder of its own, as 7-Zip unpacks them, `train-images-idx3-ubyte/train-images.idx3-ubyte`
- in one folder per part, `train/` and `test/`, or `images/` and `labels/`
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from inkwash.data.idx import TEST, TRAIN
from inkwash.errors import InkwashError, UsageError
from inkwash.text.printing import quoted

NAME = re.compile(
    r"(?P<prefix>.*?)[-_.]?((?P<train>train(ing)?)|t10k|test(ing)?(10k|50k|60k)?)[-_.]?"
    r"((?P<images>images?)|labels?)"
    r"[-_.](idx[1-4]?([-_.](ubyte|byte|u?int(8|16|32)?))?|ubyte)(?P<packed>\.(gz|bz2|xz))?",
    re.IGNORECASE,
)

PART = re.compile(r"train(ing)?|test(ing)?|t10k|images|labels", re.IGNORECASE)
"""The name of a folder with some of the files of a data set."""


class Role(NamedTuple):
    """What an IDX file holds: images or labels of the training or the test part."""

    train: bool
    images: bool

    @property
    def name(self) -> str:
        """The file name of MNIST for it."""
        pair = TRAIN if self.train else TEST
        return pair.images if self.images else pair.labels


@dataclass
class IdxFiles:
    """The files of one data set: the `folder` they were found in, their `prefix` ("emnist-letters"), the file of each role."""

    folder: Path
    prefix: str
    files: dict[Role, Path] = field(default_factory=dict)

    def file(self, role: Role) -> Path:
        """Return the file of `role`. Raises `InkwashError` if there is none."""
        if role not in self.files:
            name = f"{self.prefix}-{role.name}" if self.prefix else role.name
            raise InkwashError(
                f"{self.folder} has no {name} (nor {name}.gz): add it, or choose another --data",
                code="missing-file",
                field="data",
            )
        return self.files[role]

    @property
    def has_test(self) -> bool:
        """Whether there is a file of the test part."""
        return any(not role.train for role in self.files)


def is_idx_name(name: str) -> bool:
    """Return whether a file or folder name is that of an IDX file."""
    return NAME.fullmatch(name) is not None


def matches(path: Path) -> bool:
    """Return whether `path` is an IDX file by its name, or a folder that holds some, each perhaps in its own folder."""
    if path.is_dir():
        return any(_candidates(path))
    return is_idx_name(path.name) and path.is_file()


def groups(folder: Path) -> list[IdxFiles]:
    """Return the data sets whose IDX files are in `folder`, by prefix.

    Of several copies of a file, one directly in `folder`, one that is compressed (as published), and one with the original
    name are preferred, in this order.
    """
    found: dict[str, IdxFiles] = {}
    ranks: dict[tuple[str, Role], tuple[bool, bool, bool]] = {}
    for path in _candidates(folder):
        parts = NAME.fullmatch(path.name)
        assert parts is not None
        prefix, role = parts["prefix"].lower(), Role(bool(parts["train"]), bool(parts["images"]))
        rank = (path.parent != folder, parts["packed"] is None, ".idx" in path.name)
        if rank < ranks.get((prefix, role), (True, True, True, True)):
            ranks[prefix, role] = rank
            found.setdefault(prefix, IdxFiles(folder, prefix)).files[role] = path
    return [found[prefix] for prefix in sorted(found)]


def of(path: Path) -> IdxFiles:
    """Return the files of the one data set in the folder `path`, or of the data set that the IDX file `path` belongs to.

    Raises `UsageError` for a folder with several data sets.
    """
    if not path.is_dir():
        folder = path.parent
        if is_idx_name(folder.name) or PART.fullmatch(folder.name):
            folder = folder.parent
        parts = NAME.fullmatch(path.name)
        assert parts is not None
        return next(each for each in groups(folder) if each.prefix == parts["prefix"].lower())
    found = groups(path)
    if len(found) > 1:
        names = ", ".join(each.prefix or path.name for each in found)
        example = quoted(next(iter(found[0].files.values())))
        raise UsageError(
            f"{path} has several data sets ({names}): give a file of one, such as --data {example}",
            code="conflict",
            field="data",
        )
    return found[0]


def _candidates(folder: Path) -> list[Path]:
    """Return the IDX files in `folder`, and those in its folders for single files or parts."""
    # Names are tested first, because a folder of a class may have many thousands of files.
    names = sorted(name for name in os.listdir(folder) if is_idx_name(name) or PART.fullmatch(name))
    own = [folder / name for name in names if (folder / name).is_dir()]
    places = [folder / name for name in names] + [path / name for path in own for name in sorted(os.listdir(path))]
    return [path for path in places if is_idx_name(path.name) and path.is_file()]
