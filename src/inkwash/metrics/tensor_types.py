"""Types of the tensors that metrics take, checked at run time by the tests only (jaxtyping)."""

from __future__ import annotations

from jaxtyping import Float, Float64, Int, Int64, Shaped, UInt8
from torch import Tensor

Features = Float[Tensor, "N D"]
"""One row per image."""
Probabilities = Float[Tensor, "N K"]
"""Class probabilities; each row sums to 1."""
ClassIndices = Int[Tensor, " N"]
"""Class indices from 0."""
Pixels = UInt8[Tensor, "N C H W"]
"""Pixels, 0 to 255."""
Examples = Shaped[Tensor, "N *shape"]
"""Pixels uint8 [N, C, H, W], points float [N, D], or images float32 [N, C, H, W] in [-1, 1]."""
PerImage = Float64[Tensor, " N"]
Indices = Int64[Tensor, " N"]
