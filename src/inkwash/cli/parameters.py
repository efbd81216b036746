"""Types of command line arguments: integers, which the parser would round from 2.5, and ranges of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token

from inkwash.errors import UsageError


def _whole(type_: Any, tokens: Sequence[Token]) -> int:
    try:
        found = int(tokens[0].value)
    except ValueError:
        raise ValueError(f"'{tokens[0].value}' is not a whole number") from None
    if found.bit_length() > BITS:
        raise ValueError(f"{found} has more than {BITS} bits")
    return found


BITS = 64
"""Bits of the largest integers: larger ones would overflow in computations with floating point numbers."""
Whole = Annotated[int, Parameter(converter=_whole)]


def seeds(text: str) -> tuple[int, int | None]:
    """Return both ends of an interpolation written "3..8", or one seed and None.

    Raises `UsageError` for anything else.
    """
    near, dots, far = text.partition("..")
    try:
        return int(near), int(far) if dots else None
    except ValueError:
        raise UsageError(
            f"--seed is '{text}': give a whole number, or two as in 3..8", code="invalid-value", field="seed"
        ) from None
