"""Whole numbers on the command line: 2.5 is refused, where the parser by itself would round it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token


def _whole(type_: Any, tokens: Sequence[Token]) -> int:
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"'{tokens[0].value}' is no whole number") from None


Whole = Annotated[int, Parameter(converter=_whole)]
