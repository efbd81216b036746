"""A network as an ONNX file, compared with torch once it is written."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inkwash.core.noise import Stream, normals
from inkwash.errors import InkwashError, missing_extra
from inkwash.io.atomic import atomic
from inkwash.model import Model

OPSET = 17
TRIED = (1, 3)
"""Batches that the file is compared on: the one that it was traced with would not show that the batch is free."""
CLOSE = 1e-3


class _Said(nn.Module):
    """The network with the arguments that it hears, and nothing optional."""

    def __init__(self, net: nn.Module, conditional: bool) -> None:
        super().__init__()
        self.net, self.conditional = net, conditional

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None = None) -> Tensor:
        return self.net(x, code, label if self.conditional else None)


def require() -> None:
    """Raise `UsageError`, with what to install, where the two packages are missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError:
        raise missing_extra("--to onnx or web", "export") from None


def write(model: Model, path: Path) -> float:
    """Write the network of `model` to `path` as ONNX and return the largest difference from torch, over some inputs.

    Inputs are `x` float32 [B, ...] scaled to unit variance, `code` float32 [B] in [0, 1], and for a conditional network
    `label` int64 [B], -1 for none; the output `said` is what its target says. B is free. The file's metadata hold recipe
    and facts as JSON. Raises `UsageError` where the onnx extra is not installed, `InkwashError` when the file says
    something else than torch does.
    """
    require()
    import onnx
    import onnxruntime

    said = _Said(model.net.cpu().float(), model.conditional).eval()
    names = ["x", "code", *(["label"] if model.conditional else [])]
    with atomic(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            said,
            _inputs(model, 2),
            str(temporary),
            input_names=names,
            output_names=["said"],
            dynamic_axes={name: {0: "batch"} for name in [*names, "said"]},
            opset_version=OPSET,
            dynamo=False,
        )
        file = onnx.load(str(temporary))
        told = {"recipe": model.recipe.to_dict(), "facts": model.spec.to_dict(), "weights": model.weights}
        onnx.helper.set_model_props(file, {"inkwash": json.dumps(told)})
        onnx.checker.check_model(file, full_check=True)
        onnx.save(file, str(temporary))
        apart = _apart(
            onnxruntime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"]), model, said, names
        )
        if not apart < CLOSE:
            raise InkwashError(
                f"{model.name} as ONNX says something else than in torch, by {apart:.2g}: nothing is written"
            )
    return apart


def _inputs(model: Model, count: int) -> tuple[Tensor, ...]:
    """Return inputs of `count` examples: noise, levels from clean to noisy, and labels of which the first is none."""
    seeds = torch.arange(count)
    x = normals(seeds, 0, 0, Stream.EXPORT_CHECK, model.spec.shape)
    code = torch.linspace(0.05, 0.95, count)
    label = (seeds - 1).clamp(max=len(model.spec.classes) - 1)
    return (x, code, label) if model.conditional else (x, code)


@torch.inference_mode()
def _apart(session: Any, model: Model, said: nn.Module, names: list[str]) -> float:
    worst = 0.0
    for count in TRIED:
        given = _inputs(model, count)
        (theirs,) = session.run(["said"], {name: value.numpy() for name, value in zip(names, given, strict=True)})
        worst = max(worst, float(np.abs(theirs - said(*given).numpy()).max()))
    return worst
