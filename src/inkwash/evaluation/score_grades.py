"""The grade of a score beside that of real images: as real, close or off."""

from __future__ import annotations

import math
from typing import Literal

from inkwash.evaluation.scores import PERCENTAGES, Score

Grade = Literal["as real", "close", "off"]
GRADES: tuple[Grade, ...] = ("as real", "close", "off")

RATIO_LIMITS = 1.1, 2.0
"""Largest ratio of distances from the optimum, samples over real images, for "as real" and "close"."""
NEAR_LIMITS = 0.02, 0.1
"""Largest relative difference from real images, where near is good."""
PERCENTAGE_LIMITS = 0.005, 0.02
"""Largest absolute difference of percentages, whatever their ratio."""
STANDARD_ERROR_LIMITS = 2.0, 4.0
"""Largest difference in standard errors, for measures that are 0 for real images but for chance."""
OPTIMUM = {"two_sample": 0.5, "c2st": 0.5}
"""The best value of scores for which low is good, where it is not 0."""


def grade(score: Score) -> Grade | None:
    """Return the grade of `score` beside real images, None where either value is missing.

    Where low or high is good, the ratio of distances from the optimum counts; where near is good, the difference. An
    interval that includes the value of real images is "as real". Where the value of real images is 0 within its
    standard error, no ratio to it is meaningful, and the difference in standard errors counts.
    """
    value, real = score.comparable, score.real
    if value is None or real is None:
        return None
    difference = abs(value - real)
    if score.standard_error and score.real_standard_error and abs(real) <= 2 * score.real_standard_error:
        z_score = (value - real) / math.hypot(score.standard_error, score.real_standard_error)
        level = _level(z_score, *STANDARD_ERROR_LIMITS)
    elif score.better == "near":
        level = _level(difference, *(limit * abs(real) for limit in NEAR_LIMITS))
    else:
        optimum = 1.0 if score.better == "high" else OPTIMUM.get(score.key, 0.0)
        sign = 1 if optimum == 1 else -1
        distance, real_distance = sign * (optimum - value), sign * (optimum - real)
        includes_real = score.low is not None and score.better == "low" and score.low <= real
        if includes_real or distance <= real_distance:
            level = 0
        else:
            level = _level(distance, *(limit * real_distance for limit in RATIO_LIMITS))
    if score.better == "high" or score.kind in PERCENTAGES:
        level = min(level, _level(difference, *PERCENTAGE_LIMITS))
    return GRADES[level]


def _level(difference: float, as_real: float, close: float) -> int:
    return 0 if difference <= as_real else 1 if difference <= close else 2
