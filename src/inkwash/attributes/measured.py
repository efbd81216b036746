"""The attributes of a training set: measured once, cached, and summarized by their quantiles."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from inkwash.attributes import measures
from inkwash.attributes.table import ATTRIBUTES, measure
from inkwash.core.shapes import Images, Labels
from inkwash.data import Dataset
from inkwash.data.spec import QUANTILES, AttributeSpec
from inkwash.errors import UsageError
from inkwash.io import cache, npz
from inkwash.io.atomic import atomic

MAX_INK_SHARE = 0.4
"""Largest share of pixels above a tenth of the maximum in half of the images: it is 0.17 in MNIST, 0.45 in Fashion-MNIST."""
CHECKED = 1000
"""Images that are checked for a plain ground."""


def require_ink(data: Dataset) -> None:
    """Raise `UsageError` for data without strokes of light ink on black, such as points, colour images and photographs."""
    reason = None
    if data.is_points:
        reason = "points have no strokes"
    elif data.shape[0] != 1:
        reason = "its images are in colour"
    else:
        some = data.values[:CHECKED].flatten(1)
        ink = (some > some.amax(1, keepdim=True) / 10).float().mean(1)
        share = float(ink.median())
        if share > MAX_INK_SHARE:
            reason = (
                f"{share:.0%} of the pixels of an image are not black, which strokes on a plain ground do not cover"
            )
    if reason is not None:
        message = f"{data.name} has no stroke attributes: {reason}; give light strokes on black, as in MNIST"
        raise UsageError(message, code="unsupported", field="data")


def measure_training_set(data: Dataset, names: Sequence[str]) -> Float32[Tensor, "images attributes"]:
    """Return the attributes `names` of the training images of `data`, from the cache where they have been measured.

    Raises `UsageError` as `require_ink` does.
    """
    require_ink(data)
    # The file is of the code that measured it.
    code = hashlib.sha256(inspect.getsource(measures).encode()).hexdigest()
    path = cache.folder() / "attributes" / f"{data.sha256[:24]}-{code[:12]}.npz"
    try:
        found = {name: torch.from_numpy(each) for name, each in npz.read(path.read_bytes()).items()}
    except npz.READ_ERRORS:
        found = {}
    new = [name for name in names if name not in found or found[name].shape != (len(data),)]
    if new:
        found |= dict(zip(new, measure(data.values, new).T, strict=True))
        with cache.optional_writes(), atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: each.numpy() for name, each in found.items()})
    return torch.stack([found[name] for name in names], dim=1)


def attribute_specs(
    names: Sequence[str], values: Float32[Tensor, "images attributes"], labels: Labels | None = None
) -> tuple[AttributeSpec, ...]:
    """Return the distribution of each of the attributes `names`, the columns of `values`; NaN is left out.

    With `labels` it is that of every class as well; a class without values has the quantiles of all images.
    Raises `UsageError` for an attribute that is NaN in all images.
    """
    specs = []
    fractions = torch.tensor(QUANTILES, dtype=torch.float64)
    for name, column in zip(names, values.double().T, strict=True):
        known = ~column.isnan()
        if not known.any():
            message = f"no image has a {name} to measure: leave it out of network.attributes"
            raise UsageError(message, code="invalid-data", field="data")
        mean, std = float(column[known].mean()), float(column[known].std(correction=0)) or 1.0
        classes = range(0 if labels is None else int(labels.max()) + 1)
        masks = [known] + [known & (labels == label) for label in classes]
        whole, *parts = (column[mask if mask.any() else known].quantile(fractions).tolist() for mask in masks)
        specs.append(AttributeSpec(name, mean, std, tuple(whole), tuple(map(tuple, parts))))
    return tuple(specs)


def standardize(values: Float32[Tensor, "batch attributes"], specs: Sequence[AttributeSpec]) -> Tensor:
    """Return `values` [B, A] with mean 0 and standard deviation 1 on the training set, as networks take them."""
    mean, std = (values.new_tensor([getattr(spec, name) for spec in specs]) for name in ("mean", "std"))
    return (values - mean) / std


def standardized_attributes(images: Images, specs: Sequence[AttributeSpec]) -> Float32[Tensor, "batch attributes"]:
    """Return the standardized attributes of grey `images` [B, 1, H, W] in [-1, 1], with their gradient.

    They are NaN where an image has nothing to measure, and for attributes that are not differentiable.
    """
    ink = ((images[:, 0].float() + 1) / 2).clamp(0, 1)
    unknown = ink.new_full((len(ink),), math.nan)
    used = [ATTRIBUTES[spec.name] for spec in specs]
    values = [each.measure(ink) if each.differentiable else unknown for each in used]
    return standardize(torch.stack(values, dim=1), specs)


def standardized_training_set(data: Dataset, names: Sequence[str]) -> tuple[tuple[AttributeSpec, ...], Tensor | None]:
    """Return the distributions of the attributes `names` of `data`, and their standardized values [N, A].

    Without names they are () and None. Raises `UsageError` as `measure_training_set` and `attribute_specs` do.
    """
    if not names:
        return (), None
    values = measure_training_set(data, names)
    specs = attribute_specs(names, values, data.labels)
    return specs, standardize(values, specs)
