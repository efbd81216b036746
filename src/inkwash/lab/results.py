"""The results of an experiment as plain values: verdicts, figures and cards are computed from nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from inkwash.errors import UsageError, unknown_name
from inkwash.evaluation.scores import Score, format_score
from inkwash.io.integrity import verified
from inkwash.io.limits import parse_json

PROPORTIONS = {"accuracy", "worst", "unsure", "precision", "recall", "coverage", "same_class", "commonest"}
"""Kinds of scores (the key up to its first dot) that are proportions of samples, with a binomial interval."""
COUNTS = {"steps", "images", "parameters", "evaluations"}
"""Scores that are integers."""


def format_value(key: str, value: float | None) -> str:
    """Return the value of the score `key` in few digits; None is the empty string."""
    if value is None:
        return ""
    return f"{value:,.0f}" if key in COUNTS else format_score(key, value)


@dataclass(frozen=True)
class Series:
    """Values along a path, such as one for each sampling step, under a `key`; `words` is its axis label."""

    key: str
    words: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class PictureFile:
    """A picture that a measure wrote: its path within the experiment's folder, and a caption."""

    file: str
    words: str


@dataclass(frozen=True)
class Result:
    """What was measured of the variant `name` on `count` samples.

    `about` describes model and sampling in words; `identity` is a hash of everything that the result depends on.
    """

    name: str
    count: int
    scores: tuple[Score, ...]
    series: tuple[Series, ...] = ()
    remarks: tuple[str, ...] = ()
    shown: tuple[PictureFile, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    identity: str = ""

    def __contains__(self, key: str) -> bool:
        """Whether the score `key` has a value."""
        return self.find(key) is not None

    def __getitem__(self, key: str) -> Score:
        """Return the score called `key`. Raises `UsageError`, with the reason if known, where it has no value."""
        found = self.find(key)
        if found is not None:
            return found
        for score in self.scores:
            if score.key == key:
                raise UsageError(f"{self.name} has no {key}: {score.note}", code="unsupported", field="score")
        raise unknown_name(f"score of {self.name}", key, [score.key for score in self.scores], field="score")

    def find(self, key: str) -> Score | None:
        """Return the score called `key`, None where it has no value."""
        return next((score for score in self.scores if score.key == key and score.value is not None), None)

    def value(self, key: str) -> float:
        """Return the value of a score. Raises as `[]` does."""
        found = self[key].value
        assert found is not None
        return found

    def real(self, key: str) -> float:
        """Return the score of real images. Raises `UsageError` where it is unknown."""
        found = self[key].real
        if found is None:
            raise UsageError(f"the {key} of real images is unknown", code="unsupported", field="score")
        return found

    def text(self, key: str) -> str:
        """Return the value of a score in few digits."""
        return format_value(key, self.value(key))

    def values(self, key: str) -> tuple[float, ...] | None:
        """Return the values of a series, None where there is none."""
        return next((series.values for series in self.series if series.key == key), None)

    def margin(self, key: str) -> float:
        """Return half of the 95 % interval of a score: as measured, binomial for a proportion, otherwise 0."""
        score = self[key]
        if score.low is not None and score.high is not None:
            return (score.high - score.low) / 2
        if key.split(".")[0] not in PROPORTIONS:
            return 0.0
        # Agresti and Coull (1998): two added successes and failures give proportions of 0 and 1 an interval
        fraction = (self.value(key) * self.count + 2) / (self.count + 4)
        return 1.96 * math.sqrt(fraction * (1 - fraction) / (self.count + 4))

    def significantly_below(self, other: Result, key: str) -> bool:
        """Return whether a score is significantly lower than that of `other`, given both margins."""
        return self.value(key) < other.value(key) - math.hypot(self.margin(key), other.margin(key))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON, with None for numbers that are not finite."""
        return _finite(asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Return the result that `to_dict` wrote, in this version or 0.1.0."""
        parts = {
            "scores": tuple(Score(**each) for each in values["scores"]),
            "series": tuple(Series(each["key"], each["words"], tuple(each["values"])) for each in values["series"]),
            "remarks": tuple(values["remarks"]),
            "shown": tuple(PictureFile(**each) for each in values["shown"]),
        }
        return cls(**{**values, **parts})


@dataclass(frozen=True)
class Results:
    """The results of all variants in their order, measured against the images of `data`."""

    data: str
    variants: tuple[Result, ...]

    def __getitem__(self, name: str) -> Result:
        """Return the result of the variant called `name`. Raises `UsageError` where there is none."""
        for each in self.variants:
            if each.name == name:
                return each
        raise unknown_name("variant", name, [each.name for each in self.variants])

    def scores(self) -> dict[str, list[Score | None]]:
        """Return key -> the score of each variant, None where it has none; keys without any value are left out."""
        keys = dict.fromkeys(score.key for each in self.variants for score in each.scores if score.value is not None)
        return {key: [each.find(key) for each in self.variants] for key in keys}

    @classmethod
    def read(cls, path: Path) -> Results:
        """Return the results in a results.json. Raises `OSError`, or `ValueError` or its like for a damaged file."""
        record = verified(parse_json(path.read_text(encoding="utf-8")))
        return cls(record["data"], tuple(Result.from_dict(each) for each in record["arms"]))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
