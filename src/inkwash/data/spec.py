"""What a model must know of the data it was trained on, kept with its weights so that it describes itself."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.io.binding import bind, shown
from inkwash.io.names import cleaned_name

LARGEST = 2**14
"""Pixels to a side of an image, its channels, and the coordinates of a point: beyond, a number is a mistake."""


@dataclass(frozen=True)
class DatasetSpec:
    """The data set's name, hash and train count, the `shape` of one example, its classes and their proportions, its std.

    `data_std` is what inputs of the network are scaled by: that of the data, or what the recipe takes it for.
    """

    data: str
    sha256: str
    count: int
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    proportions: tuple[float, ...]
    data_std: float

    @classmethod
    def of(cls, data: Dataset, std: float | None = None) -> DatasetSpec:
        """Return the facts of a loaded data set, whose standard deviation is taken for `std` where that is given."""
        return cls(
            cleaned_name(data.name),
            data.sha256,
            len(data),
            tuple(data.shape),
            tuple(data.classes),
            tuple(data.proportions),
            data.data_std if std is None else std,
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DatasetSpec:
        """Return the facts that a checkpoint's header holds. Raises `UsageError` for what no data set can have."""
        found = cls(**bind(cls, values, "facts"))
        if len(found.shape) not in (1, 3) or not all(1 <= side <= LARGEST for side in found.shape):
            raise UsageError(
                f"field 'facts.shape' is {shown(found.shape)}: it must be 1 or 3 numbers in 1 to {LARGEST:,}"
            )
        if len(found.proportions) != len(found.classes) or not all(0 <= share <= 1 for share in found.proportions):
            raise UsageError("field 'facts.proportions': it must be one share in [0, 1] of each of facts.classes")
        if not 0 <= found.count < 2**63:
            raise UsageError(f"field 'facts.count' is {found.count}: it must be in [0, 2^63)")
        if not 0 < found.data_std < math.inf:
            raise UsageError(f"field 'facts.data_std' is {found.data_std}: a standard deviation is above 0")
        if not re.fullmatch(r"[0-9a-f]{0,64}", found.sha256):
            raise UsageError("field 'facts.sha256': it must be up to 64 hexadecimal digits")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return asdict(self)

    @property
    def is_points(self) -> bool:
        """Whether an example is a point rather than an image."""
        return len(self.shape) == 1

    def num_classes(self, conditional: bool) -> int:
        """Return the number of classes that a network hears. Raises `UsageError` for a conditional one without labels."""
        if conditional and not self.classes:
            raise UsageError(
                f"{self.data} has no labels: set network.conditional=false, or give data with a class a folder"
            )
        return len(self.classes) if conditional else 0
