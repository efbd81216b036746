"""Whole numbers on the command line, and ways between two: 2.5 is refused, where the parser by itself would round it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"'{text}' is no whole number") from None


def _whole(type_: Any, tokens: Sequence[Token]) -> int:
    return _number(tokens[0].value)


def _seeds(type_: Any, tokens: Sequence[Token]) -> tuple[int, int | None]:
    near, dots, far = tokens[0].value.partition("..")
    return _number(near), _number(far) if dots else None


Whole = Annotated[int, Parameter(converter=_whole)]
Seeds = Annotated[
    tuple[int, int | None], Parameter(converter=_seeds, n_tokens=1, show_default=lambda seeds: str(seeds[0]))
]
"""A seed, or two with dots between."""
