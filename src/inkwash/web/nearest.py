"""The training image that is nearest to an image, beside the distance that training images have from each other."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from inkwash.core import EmpiricalDenoiser
from inkwash.data import decode, encode
from inkwash.data.spec import DatasetSpec
from inkwash.errors import renamed_fields
from inkwash.metrics.nearest_neighbours import nearest_neighbour
from inkwash.web.catalog import Catalog
from inkwash.web.lru_cache import LRUCache
from inkwash.web.pixels import to_base64
from inkwash.web.schemas import ImageBody

COMPARED = 500
"""Training images whose nearest other one is searched."""
GREY_LEVELS = 127.5
"""Grey levels of a difference of 1 between pixels in [-1, 1]."""

_typical: LRUCache[str, float] = LRUCache(4)


def respond(catalog: Catalog, body: ImageBody) -> dict[str, Any]:
    """Return the nearest training image (uint8 [C, H, W] in base64), its label, and the RMS difference in grey levels.

    "typical" is the median of this difference between "compared" training images and their nearest other one, and
    "count" the number of all. Raises `UsageError` for an image of another size, a model of points, and where the
    training set is not on this machine.
    """
    query = encode(body.pixels(catalog.model(body.model)))[None]
    with renamed_fields(exact="model"):
        exact = catalog.exact(body.model)
    images = exact.images.flatten(1)
    distance, index = nearest_neighbour(query.flatten(1), images)
    found = exact.images[index]
    sha256 = DatasetSpec.from_dict(catalog.entry(body.model).header["facts"]).sha256
    return {
        "image": to_base64(decode(found)),
        "label": None if exact.labels is None else int(exact.labels[index]),
        "distance": _grey_levels(distance, images),
        "typical": _typical.get(sha256, lambda: _grey_levels(_distance_within(exact), images)),
        "compared": len(_compared(images)),
        "count": len(images),
    }


def _compared(images: Tensor) -> Tensor:
    """Return the indices of up to 500 of `images`, evenly spaced."""
    return torch.arange(0, len(images), math.ceil(len(images) / COMPARED))


def _distance_within(exact: EmpiricalDenoiser) -> Tensor:
    """Return the median distance of the compared images to the nearest of all others."""
    images, norms = exact.images.flatten(1), exact.squared_norms
    some = _compared(images)
    squared = norms[some, None] + norms - 2 * images[some] @ images.T
    squared[torch.arange(len(some)), some] = torch.inf
    return squared.min(1).values.clamp_min(0).sqrt().median()


def _grey_levels(distance: Tensor, images: Tensor) -> float:
    """Return the RMS difference per pixel of images [N, D] at a Euclidean distance."""
    return round(GREY_LEVELS * float(distance) / images.shape[1] ** 0.5, 2)
