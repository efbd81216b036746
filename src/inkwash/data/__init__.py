"""Data sets: a name or a path becomes a `Dataset`, in memory, or mapped from its file where it is large."""

from inkwash.data.dataset import Dataset
from inkwash.data.pixels import decode, encode
from inkwash.data.registry import (
    DATASETS,
    DataSource,
    canonical_name,
    is_readable,
    load,
    load_offline,
    takes_range,
)

__all__ = [
    "DATASETS",
    "DataSource",
    "Dataset",
    "canonical_name",
    "decode",
    "encode",
    "is_readable",
    "load",
    "load_offline",
    "takes_range",
]
