"""TOML as plain values, with the bounds that the language has and Python's reader has not."""

from __future__ import annotations

import tomllib
from typing import Any


def parsed(text: str) -> dict[str, Any]:
    """Return the values of `text`. Raises `ValueError`, in a few words, for what is not TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("brackets within brackets, too deep to be followed") from None
    except ValueError:
        raise ValueError("a number of more digits than can be read") from None
    if _endless(values):
        raise ValueError("a number of more digits than can be read")
    return values


def _endless(value: Any) -> bool:
    """Return whether a whole number is in `value` that Python reads, in another base, and does not write."""
    if isinstance(value, dict | list):
        return any(_endless(each) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and value.bit_length() > 1024
