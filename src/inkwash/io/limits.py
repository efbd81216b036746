"""Bounds on the depth and length of plain values from outside (TOML, JSON), checked before they are processed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inkwash.errors import UsageError

MAX_DEPTH = 16
"""Tables within tables and lists within lists."""
MAX_CHARACTERS = 20_000
"""Characters of a string; the longest in recipes are paragraphs."""
MAX_ITEMS = 100_000
"""Items of a list or a table; the longest are the class names of data sets."""
MAX_RECIPE_BYTES = 1 << 20
"""Bytes of a recipe file."""
MAX_STEPS = 2**32 - 1
"""Training steps: the random numbers of each are addressed by a 32-bit counter (`core.rng`)."""


def parse_json(text: str | bytes) -> Any:
    """Return the values of the JSON `text`. Raises `ValueError` for invalid or too deeply nested JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("values within values, nested too deeply") from None


def require_bounded(values: Any, where: str = "", longest: int = MAX_CHARACTERS) -> None:
    """Raise `UsageError`, naming the field below `where`, for values that are nested too deeply or too long."""
    left = [(where, values, 0)]
    while left:
        path, value, depth = left.pop()
        if isinstance(value, str) and len(value) > longest:
            raise UsageError(
                f"field '{path}' has {len(value):,} characters: write at most {longest:,}", code="too-large", field=path
            )
        if not isinstance(value, Mapping | list | tuple):
            continue
        if depth > MAX_DEPTH:
            raise UsageError(
                f"field '{path[:100]}' is nested more than {MAX_DEPTH} levels deep: write it flat",
                code="too-large",
                field=path[:100],
            )
        if len(value) > MAX_ITEMS:
            raise UsageError(
                f"field '{path}' has {len(value):,} items: write at most {MAX_ITEMS:,}", code="too-large", field=path
            )
        if isinstance(value, Mapping):
            left += [(f"{path}.{key}"[not path :][:MAX_CHARACTERS], each, depth + 1) for key, each in value.items()]
        else:
            left += [(path, each, depth + 1) for each in value]


def read_recipe_file(path: Path) -> str:
    """Return the text of a recipe file. Raises `UsageError` for a file of more than MAX_RECIPE_BYTES bytes."""
    size = path.stat().st_size
    if size > MAX_RECIPE_BYTES:
        raise UsageError(
            f"{path} has {size:,} bytes, of at most {MAX_RECIPE_BYTES:,}: give a recipe in TOML", code="too-large"
        )
    return path.read_text(encoding="utf-8")
