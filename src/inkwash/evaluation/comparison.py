"""Several models and samplers on the same seeds: what each costs, what each scores, and the cheapest that will do."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from inkwash.evaluation.score import FEWEST, Evaluation, Score

WITHIN = 0.05
KEY = "fd.a"


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of the (cost, value) that no other beats in both, cheapest first; low is good."""
    found: list[int] = []
    for place in sorted(range(len(points)), key=lambda k: points[k]):
        if not found or points[place][1] < points[found[-1]][1]:
            found.append(place)
    return found


@dataclass(frozen=True, eq=False)
class Entry:
    """One setting: the model's name, its sampler in words, network evaluations an image, seconds for 64, and its scores.

    What a file of images cost is None. `pictures` are the values of the first seeds, the same in every entry. The
    intervals of the scores are over seeds, since each image has one of its own.
    """

    model: str
    sampler: str
    parameters: int | None
    evaluations: float | None
    seconds: float | None
    evaluation: Evaluation
    pictures: Tensor

    @property
    def name(self) -> str:
        """Model and sampler."""
        return f"{self.model} {self.sampler}".strip()


@dataclass(frozen=True, eq=False)
class Comparison:
    """Entries in the order asked for; `key` is the score that they are compared by, low is good."""

    entries: tuple[Entry, ...]
    key: str = KEY

    def __getitem__(self, place: int) -> Evaluation:
        """Return the scores of the entry at `place`."""
        return self.entries[place].evaluation

    def score(self, entry: Entry) -> Score:
        """Return the score of `entry` that all are compared by."""
        return entry.evaluation[self.key]

    @property
    def keys(self) -> list[str]:
        """The keys of the scores that any entry has a value of, in the order of the table."""
        scores = (score for entry in self.entries for score in entry.evaluation.scores)
        return list(dict.fromkeys(score.key for score in scores if score.value is not None))

    @property
    def measured(self) -> list[Entry]:
        """The entries that have the key score, at the largest number of images: FD at another N is another measure."""
        scored = [entry for entry in self.entries if self.key in entry.evaluation]
        most = max((entry.evaluation.count for entry in scored), default=0)
        return [entry for entry in scored if entry.evaluation.count == most]

    @property
    def front(self) -> list[Entry]:
        """The entries that no other beats in both cost and score, cheapest first (Pareto); files have no cost."""
        priced = [entry for entry in self.measured if entry.seconds is not None]
        return [priced[k] for k in pareto([(entry.seconds or 0.0, self._value(entry)) for entry in priced])]

    @property
    def sentence(self) -> str:
        """The cheapest setting that is as good as the best, as far as can be told at this number of images."""
        if not self.measured:
            most = max((entry.evaluation.count for entry in self.entries), default=0)
            return (
                f"No ranking: {self.key} needs at least {FEWEST} images of each, not {most:,}; use -n {FEWEST} or more."
            )
        best = min(self.measured, key=self._value)
        words, count = self.score(best).words, best.evaluation.count
        priced = [entry for entry in self.measured if entry.seconds is not None]
        good = [entry for entry in priced if entry is best or self._close(entry, best) or self._overlap(entry, best)]
        cheap = min(good, key=lambda entry: (entry.seconds, self._value(entry)), default=best)
        if cheap is best:
            return (
                f"{best.name} is best, {words} {self._figure(best)} at {count:,} images, and nothing cheaper is as good"
                f"{_cost(best, ': ')}."
            )
        tail = f"{best.name} has {self._figure(best)}{_cost(best, ' in ')}; {count:,} images each."
        figures = f"{words} {self._figure(cheap)}{_cost(cheap, ' in ')}"
        if self._overlap(cheap, best):
            return (
                f"{cheap.name} is the cheapest that is not distinguishable from the best: {figures}; {tail} "
                "Their 95 % intervals overlap; more images (-n) narrow them."
            )
        return f"{cheap.name} is the cheapest within {WITHIN:.0%} of the best: {figures}; {tail}"

    @property
    def unranked(self) -> str:
        """The entries that are not ranked among the others, and why; empty where all are, or none."""
        apart = [entry for entry in self.entries if entry not in self.measured]
        if not self.measured or not apart:
            return ""
        count = self.measured[0].evaluation.count
        told = ", ".join(f"{entry.name} ({entry.evaluation.count:,} images)" for entry in apart)
        return f"Not ranked: {told}; {self.key} compares only at one number of images, here {count:,}."

    def rows(self) -> list[dict[str, Any]]:
        """Return a plain row an entry: cost, then the value of every score by its key."""
        return [
            {
                "model": entry.model,
                "sampler": entry.sampler,
                "n": entry.evaluation.count,
                "parameters": entry.parameters,
                "evaluations": entry.evaluations,
                "seconds_64": entry.seconds,
            }
            | {score.key: score.value for score in entry.evaluation.scores}
            | {f"{score.key}.real": score.real for score in entry.evaluation.scores}
            for entry in self.entries
        ]

    def to_csv(self) -> str:
        """Return `rows` as CSV with a header; a score that was left out is empty."""
        rows = self.rows()
        names = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def _close(self, entry: Entry, best: Entry) -> bool:
        return self._value(entry) <= (1 + WITHIN) * self._value(best)

    def _overlap(self, entry: Entry, best: Entry) -> bool:
        """Whether the 95 % intervals of two entries have a value in common; False where one has none."""
        low, high = self.score(entry).low, self.score(best).high
        return low is not None and high is not None and low <= high

    def _figure(self, entry: Entry) -> str:
        score = self.score(entry)
        interval = "" if score.low is None or score.high is None else f" (95 %: {score.low:.3f} to {score.high:.3f})"
        return f"{self._value(entry):.3f}{interval}"

    def _value(self, entry: Entry) -> float:
        value = self.score(entry).value
        assert value is not None
        return value


def _cost(entry: Entry, before: str) -> str:
    if entry.seconds is None:
        return ""
    return f"{before}{entry.seconds:.2f} s for 64 images ({entry.evaluations:g} evaluations)"
