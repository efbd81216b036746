"""Plain values from outside have bounds: depth, strings, lists, and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inkwash.errors import UsageError
from inkwash.io import limits


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    ["x" * (limits.MAX_CHARACTERS + 1), nested(limits.MAX_DEPTH + 1), nested(10**5), [0] * (limits.MAX_ITEMS + 1)],
)
def test_values_too_deep_or_too_long_are_refused_with_their_field(value: Any) -> None:
    with pytest.raises(UsageError) as error:
        limits.require_bounded({"a": {"b": value}})
    assert (error.value.code, error.value.field) == ("too-large", "a.b") and len(str(error.value)) < 300


def test_values_within_the_bounds_pass() -> None:
    limits.require_bounded(
        {"a": {"b": "x" * limits.MAX_CHARACTERS, "c": nested(limits.MAX_DEPTH - 2)}, "d": [1, 2.5, None]}
    )


def test_json_that_is_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        limits.parse_json("[" * 10**6)
    assert limits.parse_json('{"a": [1]}') == {"a": [1]}


def test_a_recipe_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "mine.toml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UsageError) as error:
        limits.read_recipe_file(tmp_path / "mine.toml")
    assert error.value.code == "too-large"
