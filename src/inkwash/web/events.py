"""The events of a sampling request, as plain values: "begin", "step" for each frame that is sent, "progress", "done"."""

from __future__ import annotations

import time
from collections.abc import Iterator
from math import isnan
from typing import Any

import torch
from torch import Tensor

from inkwash.attributes import measure
from inkwash.core import CLEAN, EmpiricalDenoiser, Frame, Level
from inkwash.core.denoisers import Denoiser
from inkwash.model import Model
from inkwash.sampling.run import SamplingRun, to_output
from inkwash.viz.samples import POINT_LIMITS
from inkwash.web.judging import recognized
from inkwash.web.pixels import to_base64
from inkwash.web.schemas import SampleBody

PROGRESS_INTERVAL = 0.5
"""Seconds without an event after which the step is reported."""
FIELD_SIDE = 16
"""Grid points of the field along one axis."""

Event = tuple[str, dict[str, Any]]


def events(model: Model, body: SampleBody, exact: EmpiricalDenoiser | None = None) -> Iterator[Event]:
    """Yield the events of a request; images are uint8 and points float32, in base64.

    `exact` is the exact denoiser of the training set if the request includes it. Between steps that are not sent,
    "progress" events report the step. Raises `UsageError` as `SampleBody.resolve` does.
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
            "metadata": run.metadata(),
        }
        | ({} if run.omission is None else {"warning": f"{run.omission}: give more seeds"})
        | _drawn(run),
    )
    finished = None
    started, sent = time.perf_counter(), _sent_steps(sampler.steps, body.max_frames)
    last = started
    for step, frame in enumerate(run.frames()):
        finished = frame.x
        if step in sent:
            yield "step", {"step": step} | _frame(model, body, run, frame, exact)
        elif time.perf_counter() - last < PROGRESS_INTERVAL:
            continue
        else:
            yield "progress", {"step": step}
        last = time.perf_counter()
    done: dict[str, Any] = {"seconds": round(time.perf_counter() - started, 3)}
    error = run.reconstruction_error()
    if error is not None:
        done["reconstruction_error"] = round(error, 1)
    found = recognized(model, to_output(model, finished), run.labels) if body.judge and finished is not None else None
    yield "done", done if found is None else done | {"recognized": found}


def _drawn(run: SamplingRun) -> dict[str, dict[str, float | None]]:
    """Return the attributes of an encoded image as "drawn", None where it has none; nothing for other requests."""
    edit, names = run.request.edit, [spec.name for spec in run.model.spec.attributes]
    if edit is None or run.source is None or not names:
        return {}
    values = measure(edit.image[None], names)[0].tolist()
    return {"drawn": {name: None if isnan(value) else value for name, value in zip(names, values, strict=True)}}


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
        found["field"] = to_base64(_field(model.denoiser(guidance=1), frame.level, model.device))
    return found


def _field(denoiser: Denoiser, level: Level, device: torch.device) -> Tensor:
    """Return the denoised points of a grid of the plane, float32 [FIELD_SIDE^2, 2]."""
    low, high, *_ = POINT_LIMITS
    line = torch.linspace(low, high, FIELD_SIDE, device=device)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).reshape(-1, 2)
    return denoiser(grid, level)


def _output(model: Model, x: Tensor) -> str:
    return to_base64(to_output(model, x))
