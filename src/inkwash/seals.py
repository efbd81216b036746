"""A seal: a sum of what is written, kept beside it, so that one flipped bit of it is damage and not another value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

NAME = "seal"
DIGITS = 16


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values`, which JSON can hold, with the seal of them."""
    return {**values, NAME: _sum(values)}


def opened(values: Any) -> dict[str, Any]:
    """Return the values of a record that was read from JSON, without their seal.

    Raises `ValueError` for what is no record, or not what was written. One without a seal was written before there were
    any, and passes.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"a {type(values).__name__} is no record")
    told = {key: value for key, value in values.items() if key != NAME}
    if NAME in values and values[NAME] != _sum(told):
        raise ValueError("it is not what was written")
    return told


def _sum(values: Mapping[str, Any]) -> str:
    # as JSON has them: a tuple comes back as a list
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:DIGITS]
