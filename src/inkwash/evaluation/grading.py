"""How a score stands beside that of real images: as real, close, or off. Calm marks, where verdicts are sentences."""

from __future__ import annotations

from typing import Literal

from inkwash.evaluation.formatting import SHARES
from inkwash.evaluation.score import Score

Standing = Literal["as real", "close", "off"]

AS_REAL, CLOSE = 1.1, 2.0
"""How many times the real images' distance from perfect is as real, and close."""
LEVEL, NEARBY = 0.02, 0.1
"""How far from the real images' value, as a share of it, is as real, and close, where near is good."""
STEP, STRIDE = 0.005, 0.02
"""Differences of shares that are as real, and close, whatever their ratio."""
PERFECT = {"two_sample": 0.5, "told_apart": 0.5}
"""What would be best of the scores of which low is good, where that is not 0."""


def standing(score: Score) -> Standing | None:
    """Return how `score` stands beside real images, None where it or theirs is missing.

    Where low or high is good, what counts is the distance from perfect over that of real images; where near is good,
    the difference. An interval that reaches the real images' value is as real.
    """
    value, real = score.comparable, score.real
    if value is None or real is None:
        return None
    apart = abs(value - real)
    if score.better == "near":
        rank = _rank(apart, LEVEL * abs(real), NEARBY * abs(real))
    else:
        perfect = 1.0 if score.better == "high" else PERFECT.get(score.key, 0.0)
        towards = 1 if perfect == 1 else -1
        short, usual = towards * (perfect - value), towards * (perfect - real)
        reached = score.low is not None and score.better == "low" and score.low <= real
        rank = 0 if reached or short <= usual else _rank(short, AS_REAL * usual, CLOSE * usual)
    if score.better == "high" or score.key.split(".")[0] in SHARES:
        rank = min(rank, _rank(apart, STEP, STRIDE))
    names: tuple[Standing, ...] = ("as real", "close", "off")
    return names[rank]


def _rank(distance: float, near: float, far: float) -> int:
    return 0 if distance <= near else 1 if distance <= far else 2
