"""Read TOML as plain values, with bounds that the reader of Python lacks."""

from __future__ import annotations

import tomllib
from typing import Any


def parse(text: str) -> dict[str, Any]:
    """Return the values of `text`. Raises `ValueError` for invalid TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("brackets are nested too deeply") from None
    except ValueError:
        raise ValueError("a number has too many digits") from None
    if _has_huge_integer(values):
        raise ValueError("a number has too many digits")
    return values


def _has_huge_integer(value: Any) -> bool:
    """Return whether `value` has an integer, given in another base, that Python does not convert to decimal."""
    if isinstance(value, dict | list):
        return any(_has_huge_integer(each) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and value.bit_length() > 1024
