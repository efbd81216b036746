"""What was measured, as plain values: scores and series of every arm. Verdicts, figures and cards are made of it alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from inkwash.errors import UsageError, unknown_name
from inkwash.evaluation.formatting import number
from inkwash.evaluation.score import Score

SHARES = {"accuracy", "worst", "unsure", "precision", "recall", "coverage", "same_class", "commonest"}
"""Kinds of scores, their keys up to the first dot, that count images: chance alone moves them as it does coins."""


@dataclass(frozen=True)
class Series:
    """A figure for every step of a path or the like: `values` under a `key`, and what they are in words."""

    key: str
    words: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Shown:
    """A picture that a measure left in the experiment's folder: its file there, and what it shows."""

    file: str
    words: str


@dataclass(frozen=True)
class Result:
    """What was measured of the arm `name` on `count` images; `about` says in words which model drew them and how."""

    name: str
    count: int
    scores: tuple[Score, ...]
    series: tuple[Series, ...] = ()
    remarks: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return self.find(key) is not None

    def __getitem__(self, key: str) -> Score:
        """Return the score called `key`. Raises `UsageError` when it was not measured, saying why where that is known."""
        found = self.find(key)
        if found is not None:
            return found
        for score in self.scores:
            if score.key == key:
                raise UsageError(f"{self.name} has no {key}: {score.note}")
        raise unknown_name(f"score of {self.name}", key, [score.key for score in self.scores])

    def find(self, key: str) -> Score | None:
        """Return the score called `key`, None where it was not measured."""
        return next((score for score in self.scores if score.key == key and score.value is not None), None)

    def value(self, key: str) -> float:
        """Return the value of a score. Raises as `[]` does."""
        found = self[key].value
        assert found is not None
        return found

    def real(self, key: str) -> float:
        """Return what real images score. Raises `UsageError` when that is not known."""
        found = self[key].real
        if found is None:
            raise UsageError(f"what real images score in {key} is not known")
        return found

    def told(self, key: str) -> str:
        """Return the value of a score as people read it."""
        return number(key, self.value(key))

    def line(self, key: str) -> tuple[float, ...] | None:
        """Return the values of a series, None where there is none."""
        return next((series.values for series in self.series if series.key == key), None)

    def uncertainty(self, key: str) -> float:
        """Return half of the 95 % interval of a score: the one measured, a share's own by its count, else 0."""
        score = self[key]
        if score.low is not None and score.high is not None:
            return (score.high - score.low) / 2
        if key.split(".")[0] not in SHARES:
            return 0.0
        # two added on either side keep the interval of a share of 0 or 1 open (Agresti and Coull 1998)
        share = (self.value(key) * self.count + 2) / (self.count + 4)
        return 1.96 * math.sqrt(share * (1 - share) / (self.count + 4))

    def below(self, other: Result, key: str) -> bool:
        """Return whether a score is lower than in `other` by more than both intervals leave to chance."""
        chance = math.hypot(self.uncertainty(key), other.uncertainty(key))
        return self.value(key) < other.value(key) - chance

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold; what is not finite is None."""
        return _plain(asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Return the result that `to_dict` wrote."""
        return cls(
            values["name"],
            values["count"],
            tuple(Score(**score) for score in values["scores"]),
            tuple(Series(each["key"], each["words"], tuple(each["values"])) for each in values["series"]),
            tuple(values["remarks"]),
            tuple(Shown(**each) for each in values["shown"]),
            values["about"],
        )


@dataclass(frozen=True)
class Results:
    """The results of all arms, in their order, judged by the images of `data`."""

    data: str
    arms: tuple[Result, ...]

    def __getitem__(self, name: str) -> Result:
        """Return the result of the arm called `name`. Raises `UsageError` when there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise unknown_name("arm", name, [arm.name for arm in self.arms])

    def scores(self) -> dict[str, list[Score | None]]:
        """Return key -> the score of each arm, None where an arm lacks it; keys that no arm has a value of are left out."""
        keys = dict.fromkeys(score.key for arm in self.arms for score in arm.scores if score.value is not None)
        return {key: [arm.find(key) for arm in self.arms] for key in keys}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
