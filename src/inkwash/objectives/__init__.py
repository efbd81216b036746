"""What training minimises: per-example losses, and the weights of levels within them."""

from inkwash.objectives.denoising import Denoising, drop_labels, stratify
from inkwash.objectives.weights import EDM, WEIGHTS, MinSNR, SoftMinSNR, Unweighted, Weight

__all__ = [
    "EDM",
    "WEIGHTS",
    "Denoising",
    "MinSNR",
    "SoftMinSNR",
    "Unweighted",
    "Weight",
    "drop_labels",
    "stratify",
]
