"""Attributes of handwriting, measured on images: stroke thickness, slant, width, height and others, each with its unit."""

from inkwash.attributes.measured import (
    attribute_specs,
    measure_training_set,
    require_ink,
    standardize,
    standardized_attributes,
    standardized_training_set,
)
from inkwash.attributes.table import ATTRIBUTES, Attribute, measure

__all__ = [
    "ATTRIBUTES",
    "Attribute",
    "attribute_specs",
    "measure",
    "measure_training_set",
    "require_ink",
    "standardize",
    "standardized_attributes",
    "standardized_training_set",
]
