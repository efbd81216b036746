"""Arrays in requests and responses: their bytes in base64."""

from __future__ import annotations

import base64
import binascii

import torch
from torch import Tensor

from inkwash.errors import UsageError


def to_base64(values: Tensor) -> str:
    """Return the bytes of a tensor in base64: uint8 as it is, other types as float32."""
    stored = values if values.dtype == torch.uint8 else values.float()
    return base64.b64encode(stored.cpu().contiguous().numpy().tobytes()).decode("ascii")


def read_pixels(name: str, text: str, shape: tuple[int, ...]) -> Tensor:
    """Return the pixels in the field `name`, uint8 of `shape`. Raises `UsageError` for another number of bytes."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{name} is not base64", code="invalid-value", field=name) from None
    count = torch.Size(shape).numel()
    if len(decoded) != count:
        raise UsageError(f"{name} has {len(decoded)} bytes: this model requires {count}", code="mismatch", field=name)
    return torch.frombuffer(bytearray(decoded), dtype=torch.uint8).reshape(shape)
