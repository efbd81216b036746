"""How a model with attributes follows them: agreement, ceiling, accuracy and FD under requests, and independence."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inkwash.attributes import ATTRIBUTES, measure
from inkwash.evaluation.attribute_requests import SWEEP, AttributeRequests, Requested
from inkwash.metrics.attribute_scores import Agreement, agreement, effects, shifted
from inkwash.text.progress import StageProgressCallback

SHIFTS = 1.0, 0.5
"""Pixels by which test images are moved and measured again: a whole one, which only cuts, and a half, which blurs."""
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class AttributeRow:
    """An attribute with its `unit`: agreement where all attributes are requested, where only this one is, and ceilings.

    `ceilings` are the agreements of test images with copies of themselves that are moved by `SHIFTS`.
    """

    name: str
    unit: str
    together: Agreement
    alone: Agreement
    ceilings: tuple[Agreement, ...]


@dataclass(frozen=True, eq=False)
class AttributeReport:
    """Agreements of all attributes over `count` samples, `alone_count` with one requested, and independence.

    Row i of `unspecified` and `held` is the mean change of each attribute, in standard deviations of the training set,
    when attribute i is swept from the 10 % to the 90 % quantile of the class, over `sweep_count` pairs of samples of the same
    noise and class: with the other attributes unspecified, or held at those of test images. `wanted` is the requested change.
    `samples` are those of all attributes together.
    """

    rows: tuple[AttributeRow, ...]
    unspecified: Matrix
    held: Matrix
    wanted: tuple[float, ...]
    count: int
    alone_count: int
    sweep_count: int
    samples: Tensor
    labels: Tensor | None

    @property
    def names(self) -> list[str]:
        """The attributes."""
        return [row.name for row in self.rows]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a header and a row for each attribute."""
        header = ["", "R²", "error", "bias", "R² alone", "error alone", *(f"R² real, {shift:g} px" for shift in SHIFTS)]
        return header, [
            [
                row.name + (f", {row.unit}" if row.unit else ""),
                _digits(row.together.r2),
                _digits(row.together.mae),
                _digits(row.together.bias),
                _digits(row.alone.r2),
                _digits(row.alone.mae),
                *(_digits(each.r2) for each in row.ceilings),
            ]
            for row in self.rows
        ]

    def independence_table(self, matrix: Matrix) -> tuple[list[str], list[list[str]]]:
        """Return a header and a row for each swept attribute: the change requested, and those of all attributes."""
        lines = zip(self.names, self.wanted, matrix, strict=True)
        return ["swept", "requested", *self.names], [
            [name, f"{wanted:+.2f}", *(f"{each:+.2f}" if math.isfinite(each) else "none" for each in line)]
            for name, wanted, line in lines
        ]

    def notes(self) -> list[str]:
        """Return how the numbers are defined and, where there are any, what could not be measured."""
        found = [
            f"requested are the class and the attributes of {self.count:,} test images, and each attribute alone of "
            f"{self.alone_count:,}; error is the mean absolute one; R² real is that of test images moved by so many pixels "
            "and measured again",
            f"swept from the {SWEEP[0]:.0%} to the {SWEEP[1]:.0%} quantile of the class, {self.sweep_count:,} pairs of "
            "samples of the same noise; changes are in standard deviations of the training set",
        ]
        equal = [row.name for row in self.rows if row.together.r2 is None and row.together.n]
        if equal:
            found.append(f"R² of {', '.join(equal)} is undefined: all requests are equal")
        missing = [f"{self.count - row.together.n:,} ({row.name})" for row in self.rows if row.together.n < self.count]
        if missing:
            found.append(f"samples without an attribute to measure, left out: {', '.join(missing)}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values for JSON, with None for those that are not finite."""

        def plain(matrix: Matrix) -> list[list[float | None]]:
            return [[each if math.isfinite(each) else None for each in line] for line in matrix]

        def of(each: Agreement) -> dict[str, float | None]:
            return each._asdict()

        return {
            "n": self.count,
            "n_alone": self.alone_count,
            "n_swept": self.sweep_count,
            "attributes": {
                row.name: {
                    "unit": row.unit,
                    "together": of(row.together),
                    "alone": of(row.alone),
                    "shifted": {f"{shift:g}": of(each) for shift, each in zip(SHIFTS, row.ceilings, strict=True)},
                }
                for row in self.rows
            },
            "independence": {
                "requested": list(self.wanted),
                "unspecified": plain(self.unspecified),
                "held": plain(self.held),
            },
        }


def report(requests: AttributeRequests, progress: StageProgressCallback | None = None) -> AttributeReport:
    """Sample all requests, or read them from the cache, measure the samples and return the report."""
    names, specs = requests.names, requests.setting.model.spec.attributes
    total, done = requests.total, 0

    def sampled(requested: Requested) -> Tensor:
        nonlocal done

        def sampling(number: float) -> None:
            if progress is not None:
                progress("sampling requested attributes", (done + number) / total)

        values = requested.cache.samples(requested.count, sampling).values
        done += requested.count
        return values

    together = sampled(requests.together())
    measured = measure(together, names)
    copies = [measure(shifted(requests.images, shift), names) for shift in SHIFTS]
    rows = []
    for k, (name, wanted) in enumerate(zip(names, requests.values.T, strict=True)):
        alone = measure(sampled(requests.alone(k)), [name])[:, 0]
        of_copies = tuple(agreement(wanted, each[:, k]) for each in copies)
        of_alone = agreement(wanted[: len(alone)], alone)
        rows.append(AttributeRow(name, ATTRIBUTES[name].unit, agreement(wanted, measured[:, k]), of_alone, of_copies))
    ends = [requests.sweep_ends(k).double() for k in range(len(names))]
    return AttributeReport(
        tuple(rows),
        sweep_effects(requests, (), sampled),
        sweep_effects(requests, names, sampled),
        tuple(float((end[:, 1] - end[:, 0]).mean()) / spec.std for end, spec in zip(ends, specs, strict=True)),
        len(requests),
        requests.alone_count,
        requests.sweep_count,
        together,
        requests.labels,
    )


def sweep_effects(requests: AttributeRequests, held: Collection[str], sampled: Callable[[Requested], Tensor]) -> Matrix:
    """Return the mean change of each attribute by a sweep of each, in standard deviations, with the others `held`."""
    std = torch.tensor([spec.std for spec in requests.setting.model.spec.attributes])
    found = []
    for k in range(len(requests.names)):
        low, high = (measure(sampled(requests.sweep(k, end, held)), requests.names) for end in range(len(SWEEP)))
        found.append(tuple(effects(low, high, std)))
    return tuple(found)


def _digits(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
