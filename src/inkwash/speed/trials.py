"""Pieces of work in turn, A B C A B C: on a shared machine only what alternates within one run can be compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from inkwash.errors import UsageError

Clock = Callable[[], float]
Turns = Mapping[str, tuple[float, ...]]
"""Of every piece, by its name, the seconds of one call in each turn."""

LONG_ENOUGH = 0.5
"""Seconds that a piece fills in a turn: shorter ones time the moment and not the machine."""


@dataclass(frozen=True)
class Piece:
    """A piece of work by its `name`: `work` is called `times` in a turn, `expected` seconds each."""

    name: str
    work: Callable[[], object]
    times: int = 1
    expected: float = 0.0


@dataclass(frozen=True)
class Spread:
    """The median of several trials, and their quartiles `low` and `high`: half of the trials lie between them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of at least one value, quartiles interpolated linearly (Hyndman & Fan 1996, type 7)."""
        found = sorted(values)
        if len(found) == 1:
            return cls(found[0], found[0], found[0])
        low, median, high = statistics.quantiles(found, n=4, method="inclusive")
        return cls(median, low, high)


def in_turn(
    pieces: Sequence[Piece],
    trials: int,
    clock: Clock = time.perf_counter,
    done: Callable[[], object] | None = None,
) -> dict[str, tuple[float, ...]]:
    """Return the seconds of one call of every piece in each of `trials` turns; a turn before them is thrown away.

    `done()` is called after every piece, so (`trials` + 1) times for each. Raises `UsageError` for `trials` below 1.
    """
    if trials < 1:
        raise UsageError(f"--trials is {trials}: it must be at least 1")
    if len({piece.name for piece in pieces}) < len(pieces):
        raise ValueError("two pieces of work have one name")
    seconds: dict[str, list[float]] = {piece.name: [] for piece in pieces}
    for turn in range(trials + 1):
        for piece in pieces:
            begun = clock()
            for _ in range(piece.times):
                piece.work()
            _settle()
            spent = (clock() - begun) / piece.times
            if turn:
                seconds[piece.name].append(spent)
            if done is not None:
                done()
    return {name: tuple(values) for name, values in seconds.items()}


def lasting(name: str, work: Callable[[], object], seconds: float = LONG_ENOUGH) -> Piece:
    """Return the piece that calls `work` as often as fills about `seconds`, at least once."""
    expected = once(work)
    return Piece(name, work, max(1, round(seconds / expected)), expected)


def once(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """Return the seconds of a call of `work`: the second one, because the first pays for what later ones find ready."""
    work()
    _settle()
    begun = clock()
    work()
    _settle()
    return max(clock() - begun, 1e-9)


def _settle() -> None:
    # an accelerator answers before it has computed
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
