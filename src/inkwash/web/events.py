"""What the page is told while it waits: the events of a drawing, one after the other, as plain values.

They come from the same iterator that the command line's films are made of, and know nothing of HTTP.
"""

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
from inkwash.sampling.run import SamplingRun, to_output
from inkwash.viz.samples import POINT_WINDOW
from inkwash.web.schemas import DrawingAsked

ACROSS = 16
"""Points of the field to a side."""

Event = tuple[str, dict[str, Any]]


def events(
    model: Model, asked: DrawingAsked, exact: EmpiricalDenoiser | None = None, source: str | None = None
) -> Iterator[Event]:
    """Yield "begin", a "step" for each moment that is told, and "done"; pixels are uint8, points float32, in base64.

    `exact` is the exact denoiser of the train set, where it is asked for, `source` what the command line calls the model,
    None where it can be called nothing. Raises `UsageError` as `asked.resolve` does.
    """
    run = asked.resolve(model)
    sampler = run.sampler
    levels = sampler.schedule.levels(sampler.steps)
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
            "levels": [level_of(level) for level in levels],
            "command": None if source is None else command(source, asked),
        },
    )
    begun, told = time.perf_counter(), _moments(sampler.steps, asked.moments)
    for step, frame in enumerate(run.frames()):
        if step not in told:
            continue
        beside = {} if frame.level is CLEAN else _beside(model, asked, run, frame, exact)
        yield "step", {"step": step, "x": _packed(model, frame.x), "denoised": _packed(model, frame.denoised)} | beside
    yield "done", {"seconds": round(time.perf_counter() - begun, 3)}


def level_of(level: Level) -> dict[str, float]:
    """Return a level as plain values."""
    return {"alpha": float(level.alpha), "sigma": float(level.sigma), "code": float(level.c_noise)}


def command(source: str, asked: DrawingAsked) -> str | None:
    """Return the command that draws the same, None where there is none: seeds in no row, or a picture to start from."""
    first = asked.seeds[0]
    alike, row = (asked.seeds == [first + k * i for i in range(len(asked.seeds))] for k in (0, 1))
    if asked.edit is not None or not (row if asked.far is None else alike):
        return None
    words = ["inkwash", "sample", source, "-n", str(len(asked.seeds))]
    far = asked.far
    if far is not None:
        nowhere = far.seed is None and far.label is None
        unsaid = far.label is not None and (not asked.labels or far.label < 0)
        if nowhere or unsaid:
            return None
    words += ["--seed", str(first) if far is None or far.seed is None else f"{first}..{far.seed}"]
    if asked.labels is not None:
        written = ["none" if label < 0 else str(label) for label in asked.labels]
        if far is not None and (len(set(written)) > 1):
            return None
        words += ["--label", ",".join(written) if far is None or far.label is None else f"{written[0]}..{far.label}"]
    flags = {"--sampler": asked.sampler, "--steps": asked.steps, "--eta": asked.eta, "--guidance": asked.guidance}
    flags |= {"--temperature": None if asked.temperature == 1 else asked.temperature}
    for flag, value in flags.items():
        words += [] if value is None else [flag, repr(value) if isinstance(value, float) else str(value)]
    if asked.interval != (0, 1):
        words += ["--interval", *(repr(end) for end in asked.interval)]
    return shlex.join(words)


def _moments(steps: int, most: int) -> set[int]:
    """Return the steps that are told: all, or `most` evenly chosen, with both ends."""
    count = min(steps + 1, most)
    return {round(k * steps / (count - 1)) for k in range(count)}


@torch.inference_mode()
def _beside(
    model: Model, asked: DrawingAsked, run: SamplingRun, frame: Frame, exact: EmpiricalDenoiser | None
) -> dict[str, Any]:
    found = {}
    if exact is not None:
        heard = run.labels if model.conditional else None
        found["exact"] = _packed(model, exact(frame.x.cpu(), frame.level, heard))
    if asked.field and model.spec.is_points:
        found["field"] = _text(_field(model.denoiser(guidance=1), frame.level, model.device).cpu().numpy())
    return found


def _field(denoiser: Denoiser, level: Level, device: torch.device) -> Tensor:
    """Return where points of a grid of the plane are guessed to come from, float32 [ACROSS^2, 2]."""
    low, high, *_ = POINT_WINDOW
    line = torch.linspace(low, high, ACROSS, device=device)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).reshape(-1, 2)
    return denoiser(grid, level)


def _packed(model: Model, x: Tensor) -> str:
    return _text(to_output(model, x).numpy())


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
