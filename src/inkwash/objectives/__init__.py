"""Training objectives: per-example losses and their weights over noise levels."""

from inkwash.objectives.attribute_loss import AttributeLoss
from inkwash.objectives.denoising import Denoising, drop_attributes, drop_labels, stratify
from inkwash.objectives.weights import WEIGHTS, EDMWeight, MinSNR, SoftMinSNR, Unweighted, Weight

__all__ = [
    "WEIGHTS",
    "AttributeLoss",
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
