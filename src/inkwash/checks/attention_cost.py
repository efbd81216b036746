"""The cost of self-attention for the size of the images, estimated without running the network."""

from __future__ import annotations

from torch import nn

from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec
from inkwash.nets import summary

MAX_POSITIONS = 400
"""Number of positions above which the cost of self-attention is reported: 20 by 20."""


def check_attention_cost(net: nn.Module, recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Warn about self-attention over many positions, whose cost grows with the fourth power of the image's side."""
    try:
        found = summary.attentions(net, spec.shape)
    except Exception:
        return None  # A user's network may not support tracing without data, and still train.
    widest = max(found, key=lambda each: each.queries * each.keys, default=None)
    if widest is None or widest.queries * widest.keys <= MAX_POSITIONS**2:
        return None
    pairs = widest.queries * widest.keys * widest.heads
    batch = recipe.training.batch
    size = "×".join(map(str, spec.shape[1:]))
    off = ", --set network.attention=false" if recipe.network.options.get("attention") is True else ""
    return (
        f"'{widest.name}' attends over {widest.keys:,} positions of images of {size}, {pairs:,} pairs each, up to "
        f"{4 * pairs * batch / 2**20:,.0f} MiB for a batch of {batch}, sixteen times that at twice the side; "
        f"use smaller images (--size){off}, or attention at a lower resolution"
    )
