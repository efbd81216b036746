"""A network as an ONNX file, which is compared with torch before it is published."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.conditions import Condition
from inkwash.core.rng import Stream, normals
from inkwash.errors import InkwashError, missing_extra
from inkwash.io.atomic import atomic
from inkwash.model import Model

OPSET = 17
TESTED_BATCHES = (1, 3)
"""Batch sizes of the comparison: other than the traced one, to prove that the batch dimension is dynamic."""
TOLERANCE = 1e-3


class _Traced(nn.Module):
    """The network with the inputs `names`, without optional arguments, as tracing requires."""

    def __init__(self, net: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.net, self.names = net, names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        label, attributes = given.get("label"), given.get("attributes")
        condition = label if attributes is None else Condition(label, attributes)
        return self.net(given["x"], given["c_noise"], condition)


def require() -> None:
    """Raise `UsageError` with the extra to install when onnx or onnxruntime is missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError:
        raise missing_extra("--to onnx or web", "export") from None


def write(model: Model, path: Path, mixtures: bool = False) -> float:
    """Write the network of `model` to `path` as ONNX and return the largest difference from torch over some inputs.

    Inputs are `x` float32 [B, ...] scaled to unit variance, `c_noise` float32 [B] in [0, 1], and for a conditional
    network `label` int64 [B], -1 for unconditional, or with `mixtures` float32 [B, classes + 1], the weights of the
    embeddings with that of the null label last, and with attributes `attributes` float32 [B, A], standardized by their
    mean and std in the metadata, NaN for any; the output `prediction` is the target of the recipe. B is dynamic.
    The metadata of the file hold recipe and data set as JSON. Raises `UsageError` when the export extra is not installed,
    `InkwashError` when the outputs of file and torch differ by more than TOLERANCE.
    """
    require()
    import onnx
    import onnxruntime

    names = [
        "x",
        "c_noise",
        *(["label"] if model.conditional else []),
        *(["attributes"] if model.spec.attributes else []),
    ]
    traced = _Traced(model.net.cpu().float(), names).eval()
    with atomic(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            traced,
            _inputs(model, 2, mixtures),
            str(temporary),
            input_names=names,
            output_names=["prediction"],
            dynamic_axes={name: {0: "batch"} for name in [*names, "prediction"]},
            opset_version=OPSET,
            dynamo=False,
        )
        file = onnx.load(str(temporary))
        metadata = {"recipe": model.recipe.to_dict(), "facts": model.spec.to_dict(), "weights": model.weights}
        onnx.helper.set_model_props(file, {"inkwash": json.dumps(metadata)})
        onnx.checker.check_model(file, full_check=True)
        onnx.save(file, str(temporary))
        session = onnxruntime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
        difference = _difference(session, model, traced, names, mixtures)
        if not difference < TOLERANCE:
            raise InkwashError(
                f"{model.name}: the outputs of ONNX and torch differ by {difference:.2g}: nothing is written",
                code="mismatch",
            )
    return difference


def _inputs(model: Model, count: int, mixtures: bool) -> tuple[Tensor, ...]:
    """Return inputs of `count` examples: noise, levels from clean to noisy, labels, the first one unconditional, attributes.

    Of the attributes of an example every third one is any, and all of the first.
    """
    seeds = torch.arange(count)
    x = normals(seeds, 0, 0, Stream.EXPORT_CHECK, model.spec.shape)
    c_noise = torch.linspace(0.05, 0.95, count)
    label = (seeds - 1).clamp(max=len(model.spec.classes) - 1)
    if mixtures:
        embeddings = len(model.spec.classes) + 1
        label = F.one_hot(label % embeddings, embeddings).float().lerp(torch.full((), 1 / embeddings), 0.25)
    places = torch.arange(count)[:, None] + torch.arange(len(model.spec.attributes))
    attributes = (places * 0.7).sin().masked_fill((places % 3 == 0) | (seeds == 0)[:, None], torch.nan)
    return (x, c_noise, *((label,) if model.conditional else ()), *((attributes,) if model.spec.attributes else ()))


@torch.inference_mode()
def _difference(session: Any, model: Model, traced: nn.Module, names: list[str], mixtures: bool) -> float:
    largest = 0.0
    for count in TESTED_BATCHES:
        inputs = _inputs(model, count, mixtures)
        (found,) = session.run(["prediction"], {name: value.numpy() for name, value in zip(names, inputs, strict=True)})
        largest = max(largest, float(np.abs(found - traced(*inputs).numpy()).max()))
    return largest
