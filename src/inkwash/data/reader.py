"""The type of the rows of `registry.READERS`: one reader for each form of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from inkwash.data.dataset import Dataset
from inkwash.text.progress import StageProgressCallback


@dataclass(frozen=True)
class ReadOptions:
    """What a reader may need beside the path.

    `size` is the side in pixels to which images are resized (`load` resizes what a reader does not), and
    `progress(what, fraction)` is called while many images are read. `value_range` gives the values of black and white.
    `nesting` is the number of archives that the path is in.
    """

    size: int | None = None
    progress: StageProgressCallback | None = None
    value_range: tuple[float, float] | None = None
    nesting: int = 0


class Reader(NamedTuple):
    """A form of data: its name in messages, the test of a path (file or folder) for it, and the function that reads it.

    `is_numeric` forms hold numbers of any range, so that `ReadOptions.value_range` applies to them.
    """

    name: str
    matches: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], Dataset]
    is_numeric: bool = False
