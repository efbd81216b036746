"""Types of tensors by dtype and axes, which the tests check at run time (jaxtyping); calls are not checked otherwise."""

from __future__ import annotations

from jaxtyping import Float, Float32, Float64, Int64, UInt8
from torch import Tensor

Images = Float[Tensor, "batch *shape"]
"""Images [batch, channels, height, width] or points [batch, coordinates]; also noise, and a network's input or output."""

Labels = Int64[Tensor, " batch"] | Float32[Tensor, "batch embeddings"]
"""Class labels; a negative entry is the null label. Networks also take the weights of their class embeddings, null last."""

NULL_LABEL = -1
"""The label of an unconditional example."""

Seeds = Int64[Tensor, " batch"]
"""Seeds of examples, not negative."""

SampleValues = UInt8[Tensor, "batch channels height width"] | Float32[Tensor, "batch dim"]
"""Finished examples: images of uint8, or points."""

PerExample = Float[Tensor, " batch"]
"""One number for each example, such as a loss; float64 unless stated otherwise."""

Scalars = Float64[Tensor, "*axes"]
"""Values on the schedule's axis u, alphas, sigmas or log-SNRs: a scalar tensor or one value for each example."""
