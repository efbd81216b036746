"""Test that a conditional network takes every label that training gives it, the null label included."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from inkwash.core.denoisers import tensor_of
from inkwash.core.shapes import NULL_LABEL
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError
from inkwash.model.building import FORWARD_ERRORS

SAME = 1e-4
"""Distance of two outputs, relative to the largest between any two labels, below which they are of one embedding."""


@torch.no_grad()
def check_labels(net: nn.Module, spec: DatasetSpec, label_dropout: float) -> None:
    """Raise `UsageError` when `net` cannot process a label of `spec` or None, or has no embedding for the null label.

    The null label, -1, is tested where `label_dropout` replaces labels by it; its embedding must be that of no class.
    """
    count, kind, device = len(spec.classes), type(net).__name__, next(net.parameters()).device
    remedy = f"its embedding needs {count + 1} rows, the last for None and negative labels (inkwash.nets.layers.ClassEmbedding)"
    generator = torch.Generator().manual_seed(0)
    trial = copy.deepcopy(net).eval()
    for weight in trial.parameters():
        # A layer that is initialized with zero would hide the label.
        if not weight.any():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    x, c_noise = torch.randn(1, *spec.shape, generator=generator).expand(2, *spec.shape), torch.full((2,), 0.5)
    nulls = (NULL_LABEL,) if label_dropout else ()
    outputs: dict[int | None, Tensor] = {}
    for label in dict.fromkeys((None, *nulls, 0, min(1, count - 1), count - 1)):
        name = f"the null label {label}" if label == NULL_LABEL else f"label {label} of {count} classes"
        if label is None:
            name = "None as label"
        labels = None if label is None else torch.full((2,), label, device=device)
        try:
            outputs[label] = tensor_of(trial(x.to(device), c_noise.to(device), labels)).double()
        except FORWARD_ERRORS as error:
            reason = " ".join(str(error).split())[:100]
            raise UsageError(
                f"{kind} cannot process {name}: {reason}; {remedy}", code="mismatch", field="network"
            ) from error
    if not nulls:
        return
    del outputs[None]
    null = outputs.pop(NULL_LABEL)
    distances = {label: float((output - null).abs().max()) for label, output in outputs.items()}
    nearest = min(distances, key=lambda label: distances[label])
    # A network that ignores labels has equal outputs for all.
    if distances[nearest] < SAME * max(distances.values()):
        raise UsageError(
            f"{kind} has the same output for the null label {NULL_LABEL} as for label {nearest}: {remedy}",
            code="mismatch",
            field="network",
        )
