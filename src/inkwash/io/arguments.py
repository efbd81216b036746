"""Arguments from Python: numbers of any library become those of Python; values of another type are refused in one line."""

from __future__ import annotations

import operator
from typing import Any, overload

from inkwash.errors import UsageError


def wrong_type(field: str, value: object, wanted: str) -> UsageError:
    """Return the error for the argument `field` with a `value` of another type than is `wanted`, a phrase."""
    given = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
    return UsageError(f"{field} is {given}: give {wanted}", code="invalid-value", field=field)


@overload
def integer(field: str, value: None) -> None: ...
@overload
def integer(field: str, value: Any) -> int: ...
def integer(field: str, value: Any) -> int | None:
    """Return an integer of Python, numpy or torch as int, and None as it is. Raises `UsageError` for another type."""
    if value is None:
        return None
    try:
        return operator.index(value)
    except (TypeError, ValueError):
        raise wrong_type(field, value, "an integer") from None


@overload
def number(field: str, value: None) -> None: ...
@overload
def number(field: str, value: Any) -> float: ...
def number(field: str, value: Any) -> float | None:
    """Return a number of Python, numpy or torch as int or float, and None as it is. Raises `UsageError` for another type."""
    if value is None or type(value) in (int, float):
        return value
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise wrong_type(field, value, "a number") from None
