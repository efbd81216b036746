"""Training objectives: per-example losses and their weights over noise levels."""

from inkwash.objectives.denoising import Denoising, drop_attributes, drop_labels, stratify
from inkwash.objectives.weights import WEIGHTS, EDMWeight, MinSNR, SoftMinSNR, Unweighted, Weight

__all__ = [
    "WEIGHTS",
    "Denoising",
    "EDMWeight",
    "MinSNR",
    "SoftMinSNR",
    "Unweighted",
    "Weight",
    "drop_attributes",
    "drop_labels",
    "stratify",
]
