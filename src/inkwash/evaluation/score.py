"""A score, and all of them: figures with what real images get beside them, and what they were computed from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from torch import Tensor

from inkwash.metrics.extractors import Reading

Better = Literal["low", "high", "near"]

FEWEST = 200
"""Images below which 64 features have no covariance worth comparing."""

GLOSSARY = {
    "fd": "Frechet distance: means and covariances of what a judge sees, compared; 0 is equal",
    "spread": "total variance of what a judge sees, 1 as the train set",
    "kid": "kernel distance, times 1000, unbiased: 0 is equal, and below is as good",
    "precision": "share of samples that lie among real examples",
    "recall": "share of real examples that lie among samples",
    "density": "how closely real examples surround samples, 1 as real ones",
    "coverage": "share of real examples that have a sample beside them",
    "two_sample": "how often a nearest neighbour is of its own kind, samples or real: 0.5 is not to be told apart",
    "accuracy": "share of samples in which a judge sees the class asked for",
    "worst": "the same for the class that fares worst",
    "unsure": "share of samples whose likeliest class a judge gives under 90 %",
    "entropy": "how evenly samples fall on the classes, 1 is all alike",
    "zero": "share of pixels that are black to the last bit; a grey ground shows here first",
    "nearest": "distance to the nearest train example, median; pixels count from 0 to 1",
    "copies": "share of samples nearer to a train example than the nearest 1 % of real ones",
    "bits": "upper bound of the bits that the model spends on a value of a test image",
    "told_apart": "how often a network that learnt it tells samples from real images; 0.5 is chance",
    "taught": "error on real images of a network that learnt from samples, over its twin's that learnt from real ones",
}
"""What each kind of score means, by the key up to its first dot."""


@dataclass(frozen=True)
class Score:
    """One figure: `value`, None where it was left out and `note` says why; `real` is that of real images.

    `floor` is what sampling alone leaves at this number of images, `low` and `high` a 95 % interval, `infinite` the
    value at infinitely many images, `matched` that at as many as there are real ones, where those are fewer. `better`
    tells which way is good; "near" is as near to `real` as can be.
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

    @property
    def comparable(self) -> float | None:
        """The value that stands beside `real`: at the same number of images."""
        return self.value if self.matched is None else self.matched

    @property
    def ratio(self) -> float | None:
        """The comparable value over that of real images, None where either is missing or zero."""
        return self.comparable / self.real if self.comparable is not None and self.real else None


@dataclass(frozen=True, eq=False)
class Seen:
    """What the scores were computed from: values, asked labels, the first judge's reading, and neighbours in the train set.

    `per_class` is the distance of each class to its own real images, `each` the accuracy of each class.
    """

    values: Tensor
    asked: Tensor | None
    reading: Reading
    classes: tuple[str, ...]
    proportions: tuple[float, ...]
    nearest: tuple[Tensor, Tensor] | None = None
    per_class: dict[int, float] = field(default_factory=dict)
    each: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All scores of `count` examples called `name` against the data set `data`, and what has to be said of them."""

    name: str
    count: int
    data: str
    scores: tuple[Score, ...]
    seen: Seen
    notes: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> Score:
        """Return the score called `key`."""
        return next(score for score in self.scores if score.key == key)

    def find(self, key: str) -> Score | None:
        """Return the score called `key`, None where it is not among them."""
        return next((score for score in self.scores if score.key == key), None)

    def __contains__(self, key: str) -> bool:
        return any(score.key == key and score.value is not None for score in self.scores)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        figures = {score.key: {k: v for k, v in asdict(score).items() if k != "key"} for score in self.scores}
        per_class = {self.seen.classes[k]: {"fd": value} for k, value in self.seen.per_class.items()}
        for k, share in enumerate(self.seen.each):
            if not math.isnan(share):
                per_class.setdefault(self.seen.classes[k], {})["accuracy"] = share
        return {
            "name": self.name,
            "n": self.count,
            "data": self.data,
            "scores": figures,
            "classes": per_class,
            "notes": list(self.notes),
        }
