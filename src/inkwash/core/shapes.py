"""Types of tensors by dtype and axes, which the tests check at run time (jaxtyping); calls are not checked otherwise."""

from __future__ import annotations

from jaxtyping import Float, Float64, Int64
from torch import Tensor

Images = Float[Tensor, "batch *shape"]
"""Images [batch, channels, height, width] or points [batch, coordinates]; also noise, and a network's input or output."""

Labels = Int64[Tensor, " batch"]
"""Class labels; a negative entry is the null label."""

PerExample = Float[Tensor, " batch"]
"""One number for each example, such as a loss; float64 unless stated otherwise."""

Scalars = Float64[Tensor, "*axes"]
"""Values on the schedule's axis u, alphas, sigmas or log-SNRs: a scalar tensor or one value for each example."""
