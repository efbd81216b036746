"""`Score` is one measured number with its reference value; `Evaluation` holds all scores of one set of samples."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from torch import Tensor

from inkwash.evaluation.attribute_report import AttributeReport
from inkwash.metrics.extractors import Extraction
from inkwash.text import html

Better = Literal["low", "high", "near"]

MIN_FD_COUNT = 200
"""Fewest images for FD: with fewer, the covariance of 64 features is too noisy to compare."""
MAX_COUNT = 10**7
"""Most images of one evaluation; the largest test sets have some ten thousand."""

PERCENTAGES = {"accuracy", "worst", "unsure", "zero", "copies", "c2st"}
"""Kinds of scores (the key up to its first dot) that are fractions of samples or pixels, shown in percent."""

GLOSSARY = {
    "fd": "Fréchet distance between the feature distributions of samples and real images, as Gaussians; 0 is equal",
    "spread": "feature variance ratio: total variance of the samples' features over that of the train set's",
    "kid": "kernel distance of the features, times 1000, unbiased: 0 in expectation for equal distributions",
    "precision": "fraction of samples within the manifold of real images",
    "recall": "fraction of real images within the manifold of the samples",
    "density": "how densely real images surround the samples, about 1 for real images",
    "coverage": "fraction of real images with a sample nearby",
    "two_sample": "accuracy of a 1-nearest-neighbour classifier: 0.5 is indistinguishable",
    "accuracy": "fraction of samples that the classifier assigns to the requested class",
    "worst": "the same for the class with the lowest accuracy",
    "unsure": "fraction of samples whose most likely class has a probability below 90 %",
    "entropy": "entropy of the predicted classes over its maximum: 1 for equal frequencies",
    "zero": "fraction of pixels that are exactly 0; below the real value where the background is grey",
    "nearest": "median distance to the nearest train image; pixels in [0, 1]",
    "copies": "fraction of samples nearer to a train image than the nearest 1 % of real test images",
    "bits": "upper bound of the negative log-likelihood of the test images, in bits per dimension",
    "c2st": "accuracy of a network trained to distinguish samples from real images (C2ST); 0.5 is chance",
    "r2": "coefficient of determination of an attribute, requested and measured: 1 is exact, 0 as the mean of all requests",
    "tstr": "test error of a classifier trained on samples (TSTR) over that of one trained on real images",
}
"""The meaning of each kind of score, by the key up to its first dot."""


_HEADINGS = ("", "value", "95 %", "N=∞", "real train", "real test", "ratio to real")


def kind_of(key: str) -> str:
    """Return the kind of a score, its key up to the first dot: "fd" of "fd.a.test"."""
    return key.split(".")[0]


def format_score(key: str, value: float | None) -> str:
    """Return the value of the score `key` in few digits: 99.1%, 0.0380, 1.234, 12.3; None is the empty string."""
    if value is None:
        return ""
    if kind_of(key) in PERCENTAGES:
        return f"{value:.1%}"
    digits = 4 if abs(value) < 0.1 else 3 if abs(value) < 10 else 1
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(value, digits) + 0.0:.{digits}f}"


@dataclass(frozen=True)
class Score:
    """One measured number; `value` is None where it could not be measured, and `note` gives the reason.

    `words` is its title. `real` is the value of real test images, `floor` the FD of as many real training
    images, `low` and `high` a 95 % interval, `infinite` the value extrapolated to infinitely many images, `matched`
    the value at as many images as `real` has, where those are fewer. `better` is the good direction; "near" means as
    close to `real` as possible. `standard_error` and `real_standard_error` are those of measures that scatter around 0
    for real images.
    """

    key: str
    words: str
    value: float | None
    real: float | None = None
    better: Better = "low"
    floor: float | None = None
    low: float | None = None
    high: float | None = None
    infinite: float | None = None
    matched: float | None = None
    note: str = ""
    standard_error: float | None = None
    real_standard_error: float | None = None

    @property
    def kind(self) -> str:
        """The key up to its first dot."""
        return kind_of(self.key)

    @property
    def comparable(self) -> float | None:
        """The value at the number of images that `real` was measured at."""
        return self.value if self.matched is None else self.matched

    @property
    def ratio(self) -> float | None:
        """The comparable value over that of real images, None where either is missing or zero."""
        return self.comparable / self.real if self.comparable is not None and self.real else None


@dataclass(frozen=True, eq=False)
class EvaluatedSamples:
    """The samples behind the scores: values, requested labels, the primary extractor's output, nearest train images.

    `nearest` holds distances and indices into the training set, both [N]. `fd_per_class` maps a class to its FD,
    `accuracy_per_class` is empty or has one number per class (NaN for classes never requested).
    """

    values: Tensor
    labels: Tensor | None
    extraction: Extraction
    classes: tuple[str, ...]
    proportions: tuple[float, ...]
    nearest: tuple[Tensor, Tensor] | None = None
    fd_per_class: dict[int, float] = field(default_factory=dict)
    accuracy_per_class: tuple[float, ...] = ()

    @property
    def is_points(self) -> bool:
        """Whether the samples are points in the plane, not images."""
        return self.values.is_floating_point()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All scores of `count` samples called `name` against the data set `data`, with notes on how they were computed.

    `attributes` is how they are followed, of a model that is conditioned on attributes.
    """

    name: str
    count: int
    data: str
    scores: tuple[Score, ...]
    samples: EvaluatedSamples
    notes: tuple[str, ...] = ()
    attributes: AttributeReport | None = None

    def __repr__(self) -> str:
        return f"Evaluation({self.name!r}, {self.count:,} against {self.data}, {len(self.measured)} scores)"

    def _repr_html_(self) -> str:
        header, rows = self.table()
        return html.table(f"{self.name}: {self.count:,} against {self.data}", rows, header, " ".join(self.notes))

    @property
    def measured(self) -> list[Score]:
        """The scores that have a value."""
        return [score for score in self.scores if score.value is not None]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a header and a row for each measured score, without columns that are empty for all."""
        rows = [_cells(score) for score in self.measured]
        columns = [k for k in range(len(_HEADINGS)) if k == 0 or any(cells[k] for cells in rows)]
        return [_HEADINGS[k] for k in columns], [[cells[k] for k in columns] for cells in rows]

    def __getitem__(self, key: str) -> Score:
        """Return the score called `key`. Raises `KeyError` where there is none."""
        found = self.find(key)
        if found is None:
            raise KeyError(key)
        return found

    def find(self, key: str) -> Score | None:
        """Return the score called `key`, None where there is none."""
        return next((score for score in self.scores if score.key == key), None)

    def __contains__(self, key: str) -> bool:
        """Whether the score `key` has a value."""
        return any(score.key == key and score.value is not None for score in self.scores)

    def to_dict(self) -> dict[str, Any]:
        """Return all scores as plain values for JSON."""
        scores = {score.key: {k: v for k, v in asdict(score).items() if k != "key"} for score in self.scores}
        per_class = {self.samples.classes[k]: {"fd": value} for k, value in self.samples.fd_per_class.items()}
        for k, accuracy in enumerate(self.samples.accuracy_per_class):
            if not math.isnan(accuracy):
                per_class.setdefault(self.samples.classes[k], {})["accuracy"] = accuracy
        return {
            "name": self.name,
            "n": self.count,
            "data": self.data,
            "scores": scores,
            "classes": per_class,
            "notes": list(self.notes),
        } | ({} if self.attributes is None else {"attributes": self.attributes.to_dict()})


def _cells(score: Score) -> list[str]:
    value, low, high, infinite, floor, real = (
        format_score(score.key, each)
        for each in (score.value, score.low, score.high, score.infinite, score.floor, score.real)
    )
    interval = f"{low} … {high}" if low and high else ""
    ratio = score.ratio if score.better == "low" and score.kind in ("fd", "nearest") else None
    return [score.words, value, interval, infinite, floor, real, f"{ratio:.2f}" if ratio else ""]
