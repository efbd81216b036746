"""The events of a sampling request, as plain values: "begin", one "step" for each frame that is sent, and "done"."""

from __future__ import annotations

import base64
import shlex
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkwash.core import CLEAN, EmpiricalDenoiser, Frame, Level
from inkwash.core.denoisers import Denoiser
from inkwash.model import Model
from inkwash.sampling.class_labels import format_labels
from inkwash.sampling.run import SamplingRun, to_output
from inkwash.viz.samples import POINT_LIMITS
from inkwash.web.schemas import SampleBody

FIELD_SIDE = 16
"""Grid points of the field along one axis."""

Event = tuple[str, dict[str, Any]]


def events(
    model: Model, body: SampleBody, exact: EmpiricalDenoiser | None = None, source: str | None = None
) -> Iterator[Event]:
    """Yield the events of a request; images are uint8 and points float32, in base64.

    `exact` is the exact denoiser of the training set if the request includes it; `source` is the name of the model on
    the command line, None if it has none. Raises `UsageError` as `SampleBody.resolve` does.
    """
    run = body.resolve(model)
    sampler = run.sampler
    yield (
        "begin",
        {
            "count": len(run),
            "shape": list(model.spec.shape),
            "labels": run.labels.tolist(),
            "seeds": run.seeds.tolist(),
            "sampler": sampler.kind,
            "steps": sampler.steps,
            "evaluations": sampler.evaluations,
            "levels": [_level(level) for level in sampler.levels],
            "command": None if source is None else command(source, body, model.spec.classes),
        },
    )
    started, sent = time.perf_counter(), _sent_steps(sampler.steps, body.max_frames)
    for step, frame in enumerate(run.frames()):
        if step in sent:
            yield "step", {"step": step} | _frame(model, body, run, frame, exact)
    yield "done", {"seconds": round(time.perf_counter() - started, 3)}


def command(source: str, body: SampleBody, classes: tuple[str, ...]) -> str | None:
    """Return the command that reproduces a request for a model of these `classes`.

    None if there is none: for arbitrary seeds, and for an image to start from.
    """
    first, count = body.seeds[0], len(body.seeds)
    interpolates = body.seed_to is not None or body.label_to is not None
    expected = [first] * count if interpolates else list(range(first, first + count))
    if body.edit is not None or body.seeds != expected:
        return None
    labels = body.labels
    if body.label_to is not None and (labels is None or body.label_to < 0):
        return None
    if interpolates and labels is not None and len(set(labels)) > 1:
        return None
    words = ["inkwash", "sample", source, "-n", str(count)]
    words += ["--seed", str(first) if body.seed_to is None else f"{first}..{body.seed_to}"]
    if labels is not None:
        end = None if body.label_to is None else [body.label_to]
        words += ["--label", format_labels(labels if end is None else labels[:1], classes, end or ())]
    flags = {"--sampler": body.sampler, "--steps": body.steps, "--eta": body.eta, "--guidance": body.guidance}
    flags |= {"--temperature": None if body.temperature == 1 else body.temperature}
    for flag, value in flags.items():
        words += [] if value is None else [flag, repr(value) if isinstance(value, float) else str(value)]
    if body.interval != (0, 1):
        words += ["--interval", *(repr(end) for end in body.interval)]
    return shlex.join(words)


def _level(level: Level) -> dict[str, float]:
    return {"alpha": float(level.alpha), "sigma": float(level.sigma), "c_noise": float(level.c_noise)}


def _sent_steps(steps: int, max_frames: int) -> set[int]:
    """Return the steps that are sent: all, or `max_frames` evenly spaced ones with both ends."""
    count = min(steps + 1, max_frames)
    return {round(k * steps / (count - 1)) for k in range(count)}


@torch.inference_mode()
def _frame(
    model: Model, body: SampleBody, run: SamplingRun, frame: Frame, exact: EmpiricalDenoiser | None
) -> dict[str, str]:
    found = {"x": _output(model, frame.x), "denoised": _output(model, frame.denoised)}
    if frame.level is CLEAN:
        return found
    if exact is not None:
        labels = run.labels if model.conditional else None
        found["exact"] = _output(model, exact(frame.x.cpu(), frame.level, labels))
    if body.field and model.spec.is_points:
        found["field"] = _base64(_field(model.denoiser(guidance=1), frame.level, model.device).cpu().numpy())
    return found


def _field(denoiser: Denoiser, level: Level, device: torch.device) -> Tensor:
    """Return the denoised points of a grid of the plane, float32 [FIELD_SIDE^2, 2]."""
    low, high, *_ = POINT_LIMITS
    line = torch.linspace(low, high, FIELD_SIDE, device=device)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).reshape(-1, 2)
    return denoiser(grid, level)


def _output(model: Model, x: Tensor) -> str:
    return _base64(to_output(model, x).numpy())


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
