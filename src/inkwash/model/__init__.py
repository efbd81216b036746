"""A trained model: a network with its recipe and the specification of its data set; load and build."""

from inkwash.model.building import build_net, check_forward, require_module
from inkwash.model.denoising_model import MIN_SOLVABLE_LOG_SNR, Model
from inkwash.model.label_inputs import check_labels
from inkwash.model.loading import bundled, find, load, require_as_bundled

__all__ = [
    "MIN_SOLVABLE_LOG_SNR",
    "Model",
    "build_net",
    "bundled",
    "check_forward",
    "check_labels",
    "find",
    "load",
    "require_as_bundled",
    "require_module",
]
