"""Whole numbers on the command line: 2.5 is refused, where the parser by itself would round it; and ways between two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token

from inkwash.errors import UsageError


def _whole(type_: Any, tokens: Sequence[Token]) -> int:
    try:
        found = int(tokens[0].value)
    except ValueError:
        raise ValueError(f"'{tokens[0].value}' is no whole number") from None
    if found.bit_length() > BITS:
        raise ValueError(f"{found} has more than {BITS} bits")
    return found


BITS = 64
"""Of the largest whole numbers that are read: others no floating point number could stand for."""
Whole = Annotated[int, Parameter(converter=_whole)]


def seeds(text: str) -> tuple[int, int | None]:
    """Return the two ends of seeds written "3..8", or one seed and None. Raises `UsageError` for anything else."""
    near, dots, far = text.partition("..")
    try:
        return int(near), int(far) if dots else None
    except ValueError:
        raise UsageError(f"--seed '{text}' is no whole number, nor two with dots between as in 3..8") from None
