"""Numbers as people read them: shares in percent, distances with the digits that matter, times in words."""

from __future__ import annotations

SHARES = {"accuracy", "worst", "unsure", "zero", "copies", "told_apart"}
"""Kinds of scores, their keys up to the first dot, that are shares of samples or pixels."""


def number(key: str, value: float) -> str:
    """Return the value of the score called `key` in few digits: 99.1%, 0.0380, 1.234, 12.3."""
    if key.split(".")[0] in SHARES:
        return f"{value:.1%}"
    digits = 4 if abs(value) < 0.1 else 3 if abs(value) < 10 else 1
    # a tiny negative distance is zero, and says so
    return f"{round(value, digits) + 0.0:.{digits}f}"


def span(seconds: float) -> str:
    """Return a time in words: 40 seconds, 1 second, 12 minutes, 2.5 hours."""
    if seconds < 90:
        return f"{seconds:.0f} seconds" if seconds >= 1.5 else "1 second"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
