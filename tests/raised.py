"""The error of a call, for tests of its code and its field."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inkwash.errors import ErrorCode, InkwashError


def raised(call: Callable[[], object]) -> InkwashError:
    """Return the error that `call` raises, whose message is one line."""
    with pytest.raises(InkwashError) as error:
        call()
    assert "\n" not in str(error.value)
    return error.value


def code_and_field(call: Callable[[], object]) -> tuple[ErrorCode | None, str | None]:
    """Return the code and the field of the error that `call` raises."""
    error = raised(call)
    return error.code, error.field
