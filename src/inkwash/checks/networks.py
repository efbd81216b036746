"""What a network will cost on images of this size, without running it."""

from __future__ import annotations

from torch import nn

from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec
from inkwash.nets import summary

WIDE = 400
"""Places of a map above which attention over all of them is a cost to know: 20 by 20."""


def wide_attention(net: nn.Module, recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Attention compares all places in pairs: twice the side is sixteen times the work and the scores to hold."""
    try:
        found = summary.attentions(net, spec.shape)
    except Exception:
        return None  # a network of one's own that cannot be looked at without numbers may train very well
    widest = max(found, key=lambda each: each.queries * each.keys, default=None)
    if widest is None or widest.queries * widest.keys <= WIDE**2:
        return None
    pairs = widest.queries * widest.keys * widest.heads
    batch = recipe.training.batch
    size = "×".join(map(str, spec.shape[1:]))
    off = ", --set network.attention=false" if recipe.network.options.get("attention") is True else ""
    return (
        f"'{widest.name}' attends over {widest.keys:,} places of images of {size}, {pairs:,} pairs each, up to "
        f"{4 * pairs * batch / 2**20:,.0f} MiB for a batch of {batch}, sixteen times that at twice the side; "
        f"take smaller images (--size){off}, or attend at a coarser map"
    )
