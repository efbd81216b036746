"""Fixture of the data tests: the assertion that a path is refused as a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inkwash.data import load
from inkwash.errors import InkwashError


@pytest.fixture
def assert_refused() -> Callable[..., None]:
    """`assert_refused(path, code, *values)`: loading raises an error of this code in one line that has the values."""

    def check(path: Path, code: str, *values: str) -> None:
        with pytest.raises(InkwashError) as error:
            load(path)
        message = str(error.value)
        assert error.value.code == code, message
        assert all(value in message for value in values) and "\n" not in message, message

    return check
