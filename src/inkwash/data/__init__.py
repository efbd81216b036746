"""Data sets: a name or a path becomes a `Dataset`, in memory, or mapped from its file where it is large."""

from inkwash.data.dataset import Dataset
from inkwash.data.pixels import decode, encode
from inkwash.data.registry import DATASETS, canonical_name, load, load_offline

__all__ = ["DATASETS", "Dataset", "canonical_name", "decode", "encode", "load", "load_offline"]
