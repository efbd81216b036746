"""What a model must know of the data it was trained on, kept with its weights so that it describes itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from inkwash.data import Dataset
from inkwash.errors import UsageError


@dataclass(frozen=True)
class Facts:
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
    def of(cls, data: Dataset, std: float | None = None) -> Facts:
        """Return the facts of a loaded data set, whose standard deviation is taken for `std` where that is given."""
        return cls(
            data.name,
            data.sha256,
            len(data),
            tuple(data.shape),
            tuple(data.classes),
            tuple(data.proportions),
            data.data_std if std is None else std,
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Facts:
        """Return the facts that a checkpoint's header holds."""
        tuples = {key: tuple(values[key]) for key in ("shape", "classes", "proportions")}
        return cls(**(values | tuples))

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return asdict(self)

    @property
    def is_points(self) -> bool:
        """Whether an example is a point rather than an image."""
        return len(self.shape) == 1

    def heard(self, conditional: bool) -> int:
        """Return the number of classes that a network hears. Raises `UsageError` for a conditional one without labels."""
        if conditional and not self.classes:
            raise UsageError(
                f"{self.data} has no labels: set network.conditional=false, or give data with a class a folder"
            )
        return len(self.classes) if conditional else 0
