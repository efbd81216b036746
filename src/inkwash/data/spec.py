"""The properties of a data set that a model needs, stored with its weights."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from inkwash.data.dataset import Dataset
from inkwash.data.ink import Background, background_of
from inkwash.data.mnist_variants import PUBLISHED
from inkwash.errors import UsageError
from inkwash.io.names import sanitized_name
from inkwash.io.validation import validate, validated
from inkwash.text.printing import shortened

MAX_SIDE = 2**14
"""Pixels to a side of an image, its channels, and the coordinates of a point: larger numbers are mistakes."""

QUANTILES = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
"""The fractions at which the distribution of an attribute is stored; the first and the last are minimum and maximum."""


Quantiles = Annotated[tuple[float, ...], Field(min_length=len(QUANTILES), max_length=len(QUANTILES))]


@validated("facts.attributes")
class AttributeSpec:
    """The distribution over a training set of an attribute that a model is conditioned on."""

    name: str
    """Name in the table of attributes."""
    mean: Annotated[float, Field(allow_inf_nan=False)]
    std: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Standard deviation; 1 for an attribute that is the same in all images."""
    quantiles: Quantiles
    """Values at the fractions QUANTILES."""
    class_quantiles: tuple[Quantiles, ...] = ()
    """Those of the images of each class; none for data without labels, and in a model that was trained without them."""

    @property
    def range(self) -> tuple[float, float]:
        """The values between which 99.8 % of the images are, without rare outliers."""
        return self.quantiles[1], self.quantiles[-2]

    def quantile(self, fraction: float, label: int | None = None) -> float:
        """Return the value that the `fraction` in [0, 1] of the training images do not exceed, of class `label` if given.

        Between the stored fractions it is interpolated linearly.
        """
        return float(np.interp(fraction, QUANTILES, self.quantiles_of(label)))

    def quantiles_of(self, label: int | None = None) -> tuple[float, ...]:
        """Return the values at the fractions QUANTILES, of class `label` if it is given and its images were measured."""
        known = label is not None and label < len(self.class_quantiles)
        return self.class_quantiles[label or 0] if known else self.quantiles


LIGHT_ON_DARK = frozenset({*PUBLISHED, "digits"})
"""Data sets of light ink on a dark background, for files of 0.1.0, which do not store it."""


@validated("facts")
class DatasetSpec:
    """Name, hash, size, classes and scale of a training set. Raises `UsageError` for values that no data set has."""

    data: str
    """Name of the data set."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{0,64}$")]
    """Hash of the data in hexadecimal digits, "" when unknown."""
    count: Annotated[int, Field(ge=0, le=2**63 - 1)]
    """Number of training examples."""
    shape: tuple[Annotated[int, Field(ge=1, le=MAX_SIDE)], ...]
    """Shape of one example: [D] of a point, [C, H, W] of an image."""
    classes: tuple[str, ...]
    """Names of the classes; none for data without labels."""
    proportions: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    """Share of each class in the training set."""
    data_std: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Standard deviation by which inputs of the network are scaled: that of the data, or the one set in the recipe."""
    attributes: tuple[AttributeSpec, ...] = ()
    """Attributes that the model is conditioned on."""
    background: Background | None = None
    """Whether most images are light on dark or dark on light; None for neither, and where 0.1.0 did not store it."""

    def __post_init__(self) -> None:
        if len(self.shape) not in (1, 3):
            found = shortened(str(list(self.shape)))
            raise UsageError(
                f"field 'facts.shape' is {found}: it must be the [D] of a point or the [C, H, W] of an image",
                code="out-of-range",
                field="facts.shape",
            )
        if len(self.proportions) != len(self.classes):
            raise UsageError(
                f"field 'facts.proportions' has {len(self.proportions)} values for {len(self.classes)} classes: "
                "give one for each class",
                code="out-of-range",
                field="facts.proportions",
            )

    @classmethod
    def of(cls, data: Dataset, std: float | None = None) -> DatasetSpec:
        """Return the spec of a loaded data set; `std` replaces its measured standard deviation."""
        return cls(
            sanitized_name(data.name),
            data.sha256,
            len(data),
            tuple(data.shape),
            tuple(data.classes),
            tuple(data.proportions),
            data.data_std if std is None else std,
            background=background_of(data),
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DatasetSpec:
        """Return the spec in a checkpoint's header. Raises `UsageError` for values that no data set has."""
        if "background" not in values and values.get("data") in LIGHT_ON_DARK:
            values = values | {"background": "dark"}
        found = validate(cls, values, "facts")
        if found.data_std == 0:
            # Constant data can be shown with its warnings, but no model was trained on it.
            raise UsageError(
                "field 'facts.data_std' is 0: it must be above 0", code="out-of-range", field="facts.data_std"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain values, without attributes where there are none, as in files of 0.1.0."""
        values = asdict(self)
        return values if self.attributes else {name: value for name, value in values.items() if name != "attributes"}

    @property
    def is_points(self) -> bool:
        """Whether an example is a point rather than an image."""
        return len(self.shape) == 1

    def num_classes(self, conditional: bool) -> int:
        """Return the number of classes that a network is conditioned on, 0 for an unconditional one.

        Raises `UsageError` for a `conditional` network on data without labels.
        """
        if conditional and not self.classes:
            raise UsageError(
                f"{self.data} has no labels: set network.conditional=false, or give data with one folder per class",
                code="unsupported",
                field="network.conditional",
            )
        return len(self.classes) if conditional else 0
