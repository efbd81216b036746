"""Data sets: a name or a path becomes a `Dataset`, in memory, or mapped from its file where it is large."""

from inkwash.data.dataset import Dataset
from inkwash.data.image_folder import Progress
from inkwash.data.pixels import decode, encode
from inkwash.data.sources import DATASETS, dataset_called, load, local

__all__ = ["DATASETS", "Dataset", "Progress", "dataset_called", "decode", "encode", "load", "local"]
