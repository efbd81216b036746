"""Checksums of records and checkpoints, stored beside the values, so that one flipped bit is found when they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

KEY = "seal"
"""The key of a checksum in a record or header; files of inkwash 0.1.0 have it."""
DIGITS = 16


def with_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values`, which must be valid JSON, with their checksum."""
    return {**values, KEY: _record_checksum(values)}


def verified(values: Any) -> dict[str, Any]:
    """Return the values of a record that was read from JSON, without their checksum.

    Records without a checksum pass: the first versions wrote none. Raises `ValueError` for a value that is no mapping
    or does not match its checksum.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"a {type(values).__name__} is not a record")
    content = _without_checksum(values)
    if KEY in values and values[KEY] != _record_checksum(content):
        raise ValueError("it does not match its checksum")
    return content


def with_tensor_checksums(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return `header` with the checksums of itself and of `tensors`, which must be contiguous and on the CPU."""
    return {**header, KEY: {"header": _header_checksum(header), "tensors": tensor_checksum(tensors)}}


def checksum_mismatch(header: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> str | None:
    """Return which part of a checkpoint does not match its checksum, None if all parts do.

    `tensors` None checks the header only. Headers without a checksum pass: the first versions wrote none.
    """
    checksums = header.get(KEY)
    if checksums is None:
        return None
    if not isinstance(checksums, dict) or checksums.get("header") != _header_checksum(header):
        return "its header does not match its checksum"
    if tensors is not None and checksums.get("tensors") != tensor_checksum(tensors):
        return "its tensors do not match their checksum"
    return None


def _without_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != KEY}


def _record_checksum(values: Mapping[str, Any]) -> str:
    # Through JSON, because a tuple is read back as a list.
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:DIGITS]


def _header_checksum(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(_without_checksum(header), sort_keys=True).encode()).hexdigest()


def tensor_checksum(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256, in hex, of the names, shapes, dtypes and values of `tensors` on the CPU."""
    import torch

    total = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        total.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        total.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()
