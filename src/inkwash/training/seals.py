"""A checkpoint's seal: hashes of its header and of its tensors, so that one flipped bit is damage and not another model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

NAME = "seal"


def sealed(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return `header` with the seal of itself and of `tensors`, which lie on the CPU without gaps."""
    return {**header, NAME: {"header": _of_header(header), "tensors": _of_tensors(tensors)}}


def broken(header: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> str | None:
    """Return what does not fit the seal, None where all does; `tensors` None leaves those unread.

    A header without a seal was written before there were any, and passes.
    """
    seal = header.get(NAME)
    if seal is None:
        return None
    if not isinstance(seal, dict) or seal.get("header") != _of_header(header):
        return "its header is not what was written"
    if tensors is not None and seal.get("tensors") != _of_tensors(tensors):
        return "its numbers are not what was written"
    return None


def _of_header(header: Mapping[str, Any]) -> str:
    told = {key: value for key, value in header.items() if key != NAME}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _of_tensors(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        found.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        found.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
