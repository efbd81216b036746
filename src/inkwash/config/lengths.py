"""Lengths of training with their unit: steps, images, epochs or minutes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from inkwash.errors import UsageError
from inkwash.io.limits import MAX_STEPS

UNITS = ("steps", "images", "epochs", "minutes")
MAX_MILESTONES = 10**6
MILESTONES_FIELD = "training.milestones"


@dataclass(frozen=True)
class Length:
    """An `amount` > 0 of one of UNITS, written "5 epochs" or "1 epoch"."""

    amount: float
    unit: str

    def __str__(self) -> str:
        return f"{self.amount:.15g} {self.unit}" if self.amount != 1 else f"1 {self.unit[:-1]}"

    @classmethod
    def parse(cls, text: str, where: str = "length") -> Length:
        """Return the length in `text`. Raises `UsageError`, which begins with `where`, for other text."""
        match = re.fullmatch(r"\s*([0-9.]+(?:e\+?[0-9]+)?)\s*([a-z]+?)s?\s*", str(text))
        unit = f"{match[2]}s" if match else ""
        try:
            amount = float(match[1]) if match else 0.0
        except ValueError:
            amount = 0.0
        if unit not in UNITS or not 0 < amount < math.inf:
            message = f"{where} '{text}': write a number above 0 and a unit of {', '.join(UNITS)}, as in '5 epochs'"
            raise UsageError(message, code="invalid-value", field=where)
        return cls(amount, unit)

    def steps(self, batch: int, num_images: int, where: str = "training.length") -> int:
        """Return this length in steps of `batch` images from a training set of `num_images`, at least 1.

        Raises `UsageError` for minutes, which only a `TimeBudget` can turn into steps, and for more than MAX_STEPS.
        """
        if self.unit == "minutes":
            message = f"{where} '{self}' cannot be converted to steps before training: use steps, images or epochs here"
            raise UsageError(message, code="unsupported", field=where)
        per_unit = {"steps": 1.0, "images": 1 / batch, "epochs": num_images / batch}[self.unit]
        if self.amount * per_unit > MAX_STEPS:
            message = f"{where} '{self}' is more than {MAX_STEPS:,} steps, which are counted in 32 bits: give less"
            raise UsageError(message, code="too-large", field=where)
        return max(1, math.ceil(self.amount * per_unit - 1e-9))


@dataclass(frozen=True)
class Milestones:
    """The moments at which a run writes sample images and keeps a checkpoint.

    `texts` are lengths ("1000 steps", "3 epochs") or "every LENGTH"; without any they are log-spaced: 100, 300, 1000, ...
    """

    texts: tuple[str, ...] = ()

    def names(self, total: int, batch: int, num_images: int) -> dict[int, str]:
        """Return step -> name of its image, up to `total` steps; the last step is always included."""
        found: dict[int, str] = {}
        counted = 0
        for text in self.texts:
            length, count = _occurrences(text, total, batch, num_images)
            counted += count
            if counted > MAX_MILESTONES:
                raise UsageError(
                    f"training.milestones '{text}' has {count:,} milestones, each with an image and a checkpoint: "
                    f"choose at most {MAX_MILESTONES:,}",
                    code="too-large",
                    field=MILESTONES_FIELD,
                )
            for k in range(1, count + 1):
                moment = Length(length.amount * k, length.unit)
                found[moment.steps(batch, num_images, MILESTONES_FIELD)] = _image_name(moment)
        if not self.texts:
            found = {step: _image_name(Length(step, "steps")) for step in _log_spaced(total)}
        found.setdefault(total, _image_name(Length(total, "steps")))
        return {step: name for step, name in sorted(found.items()) if step <= total}

    def count(self, total: int, batch: int, num_images: int) -> int:
        """Return an upper bound of the number of milestones up to `total` steps, without listing them."""
        if not self.texts:
            return len(_log_spaced(total)) + 1
        return sum(_occurrences(text, total, batch, num_images)[1] for text in self.texts) + 1


def _occurrences(text: str, total: int, batch: int, num_images: int) -> tuple[Length, int]:
    """Return the length in the milestone `text`, and how often it occurs in `total` steps."""
    every, _, rest = text.partition("every ")
    length = Length.parse(rest if rest else text, MILESTONES_FIELD)
    steps = length.steps(batch, num_images, MILESTONES_FIELD)
    return length, math.ceil(total / steps) if rest and not every else 1


def _image_name(moment: Length) -> str:
    digits = {"epochs": 3, "steps": 7, "images": 9}.get(moment.unit, 0)
    return f"{moment.unit[:-1]}-{moment.amount:0{digits}.15g}"


def _log_spaced(total: int) -> list[int]:
    decades = [10**power for power in range(2, 10)]
    return [factor * decade for decade in decades for factor in (1, 3) if factor * decade < total]
