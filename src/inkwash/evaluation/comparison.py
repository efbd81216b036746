"""Several evaluations side by side: cost, scores, the Pareto front, and the cheapest setting as good as the best."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from inkwash.evaluation.scores import MIN_FD_COUNT, Evaluation, Score, format_score
from inkwash.text import html
from inkwash.text.printing import shortened

TOLERANCE = 0.05
"""Settings within this relative distance of the best score count as good as the best."""


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the (cost, value) that no other point dominates, cheapest first; lower is better."""
    front: list[int] = []
    for index in sorted(range(len(points)), key=lambda k: points[k]):
        if not front or points[index][1] < points[front[-1]][1]:
            front.append(index)
    return front


@dataclass(frozen=True, eq=False)
class ComparisonEntry:
    """One setting: model, sampler, number of parameters, cost and scores; the cost of a file of images is None.

    `evaluations` are network evaluations per sample, `seconds` are for 64 samples, `images` the samples of the first
    seeds, the same seeds in every entry.
    """

    model: str
    sampler: str
    parameters: int | None
    evaluations: float | None
    seconds: float | None
    evaluation: Evaluation
    images: Tensor = field(repr=False)

    @property
    def name(self) -> str:
        """Model and sampler."""
        return f"{self.model} {self.sampler}".strip()

    @property
    def count(self) -> int:
        """The number of samples measured."""
        return self.evaluation.count


@dataclass(frozen=True, eq=False)
class Comparison:
    """Entries in the order given, ranked by the score `key`; lower is better."""

    entries: tuple[ComparisonEntry, ...]
    key: str = "fd.a"

    def __repr__(self) -> str:
        return f"Comparison({shortened(', '.join(repr(entry.name) for entry in self.entries))})"

    def _repr_html_(self) -> str:
        header, rows = self.table(self.entries)
        return html.table("comparison", rows, header, f"{self.conclusion} {self.unranked_note}".strip())

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Evaluation]:
        return (entry.evaluation for entry in self.entries)

    def __getitem__(self, index: int) -> Evaluation:
        """Return the scores of the entry at `index`."""
        return self.entries[index].evaluation

    def score(self, entry: ComparisonEntry) -> Score:
        """Return the score of `entry` that entries are ranked by."""
        return entry.evaluation[self.key]

    @property
    def keys(self) -> list[str]:
        """The keys of all scores that any entry has a value of, in the order of the table."""
        scores = (score for entry in self.entries for score in entry.evaluation.scores)
        return list(dict.fromkeys(score.key for score in scores if score.value is not None))

    @property
    def ranked(self) -> list[ComparisonEntry]:
        """The entries that have the ranking score, at the largest number of samples: FD depends on that number."""
        scored = [entry for entry in self.entries if self.key in entry.evaluation]
        most = max((entry.count for entry in scored), default=0)
        return [entry for entry in scored if entry.count == most]

    @property
    def front(self) -> list[ComparisonEntry]:
        """The ranked entries on the Pareto front of seconds and score, cheapest first; files have no cost."""
        priced = [entry for entry in self.ranked if entry.seconds is not None]
        return [priced[k] for k in pareto_front([(entry.seconds or 0.0, self._value(entry)) for entry in priced])]

    @property
    def conclusion(self) -> str:
        """The cheapest setting that is as good as the best, within the accuracy of this number of samples."""
        if not self.ranked:
            most = max((entry.count for entry in self.entries), default=0)
            return (
                f"No ranking: {self.key} needs at least {MIN_FD_COUNT} images per setting, there are {most:,}; "
                f"use -n {MIN_FD_COUNT} or more."
            )
        best = min(self.ranked, key=self._value)
        title, count = self.score(best).words, best.count
        priced = [entry for entry in self.ranked if entry.seconds is not None]
        good = [entry for entry in priced if entry is best or self._is_close(entry, best) or self._overlap(entry, best)]
        cheapest = min(good, key=lambda entry: (entry.seconds, self._value(entry)), default=best)
        if cheapest is best:
            return (
                f"{best.name} is best, {title} {self._figure(best)} at {count:,} images, and nothing cheaper is as "
                f"good{_cost(best, ': ')}."
            )
        figures = (
            f"{title} {self._figure(cheapest)}{_cost(cheapest, ' in ')}; "
            f"{best.name} has {self._figure(best)}{_cost(best, ' in ')}; {count:,} images each."
        )
        if self._overlap(cheapest, best):
            return (
                f"{cheapest.name} is the cheapest that is not distinguishable from the best: {figures} "
                "Their 95 % intervals overlap; more images (-n) narrow them."
            )
        return f"{cheapest.name} is the cheapest within {TOLERANCE:.0%} of the best: {figures}"

    @property
    def unranked_note(self) -> str:
        """A sentence that names the entries left out of the ranking; empty where all are ranked, or none."""
        ranked = self.ranked
        others = [entry for entry in self.entries if entry not in ranked]
        if not ranked or not others:
            return ""
        names = ", ".join(f"{entry.name} ({entry.count:,} images)" for entry in others)
        return f"Not ranked: {names}; {self.key} is comparable only at the same number of images, here {ranked[0].count:,}."

    def table(self, entries: Sequence[ComparisonEntry]) -> tuple[list[str], list[list[str]]]:
        """Return a header and rows for `entries`: cost and scores, with those of the real test set in the last column."""
        header = ["", *(entry.name for entry in entries), "real test set"]
        rows = [
            ["images", *(f"{entry.count:,}" for entry in entries), ""],
            ["network evaluations", *(_optional(entry.evaluations, "g") for entry in entries), ""],
            ["seconds for 64 images", *(_optional(entry.seconds, ".2f") for entry in entries), ""],
        ]
        for key in self.keys:
            scores = [entry.evaluation.find(key) for entry in entries]
            title = next(s.words for entry in self.entries if (s := entry.evaluation.find(key)) is not None)
            real = next((s.real for s in scores if s is not None and s.real is not None), None)
            cells = ["" if s is None else format_score(key, s.value) for s in scores]
            rows.append([title, *cells, format_score(key, real)])
        return header, rows

    def rows(self) -> list[dict[str, Any]]:
        """Return a plain row for each entry: cost, then the value of every score and that of real images."""
        return [
            {
                "model": entry.model,
                "sampler": entry.sampler,
                "n": entry.count,
                "parameters": entry.parameters,
                "evaluations": entry.evaluations,
                "seconds_64": entry.seconds,
            }
            | {score.key: score.value for score in entry.evaluation.scores}
            | {f"{score.key}.real": score.real for score in entry.evaluation.scores}
            for entry in self.entries
        ]

    def to_csv(self) -> str:
        """Return `rows` as CSV with a header; missing values are empty."""
        rows = self.rows()
        names = list(dict.fromkeys(key for row in rows for key in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def _is_close(self, entry: ComparisonEntry, best: ComparisonEntry) -> bool:
        return self._value(entry) <= (1 + TOLERANCE) * self._value(best)

    def _overlap(self, entry: ComparisonEntry, best: ComparisonEntry) -> bool:
        """Return whether the 95 % intervals of both entries overlap; False where one has none."""
        low, high = self.score(entry).low, self.score(best).high
        return low is not None and high is not None and low <= high

    def _figure(self, entry: ComparisonEntry) -> str:
        score = self.score(entry)
        interval = "" if score.low is None or score.high is None else f" (95 %: {score.low:.3f} to {score.high:.3f})"
        return f"{self._value(entry):.3f}{interval}"

    def _value(self, entry: ComparisonEntry) -> float:
        value = self.score(entry).value
        assert value is not None
        return value


def _optional(value: float | None, form: str) -> str:
    """Return a cost as text, empty for a file, whose cost is unknown."""
    return "" if value is None else f"{value:{form}}"


def _cost(entry: ComparisonEntry, prefix: str) -> str:
    if entry.seconds is None:
        return ""
    return f"{prefix}{entry.seconds:.2f} s for 64 images ({entry.evaluations:g} evaluations)"
