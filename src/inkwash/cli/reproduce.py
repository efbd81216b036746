"""`inkwash sample PICTURE.png`: draw a picture again from what it says of itself, and tell whether it is the same."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from inkwash import model as models
from inkwash.errors import InkwashError, UsageError
from inkwash.sampling.request import Drawing, Request
from inkwash.text.printing import print
from inkwash.viz.samples import grid_or_scatter, strip


def redraw(picture: Path, out: Path | None, device: str, quiet: bool) -> int:
    """Draw `picture` again and compare, writing it to `out` when given; 0 when it is the same, 1 when it is not.

    Raises `UsageError` when the picture does not say how it was drawn.
    """
    from inkwash.cli.progress import sampling
    from inkwash.io import png_metadata
    from inkwash.viz import writers

    metadata = png_metadata.read_metadata(picture)
    if not metadata or "request" not in metadata:
        raise UsageError(
            f"{picture} does not say how it was drawn: grids, strips and single images of 'inkwash sample' do"
        )
    try:
        request = Request.from_dict(metadata["request"])
    except UsageError as error:
        raise UsageError(f"{picture}: {error}") from None
    if request.kind == "film":
        raise UsageError(f"{picture} is a film: draw it again from its settings, {_flags(request)}")
    drawing = request.resolve(models.load(request.model, device=device))
    writers.check_size(drawing, picture)
    if out is not None:
        writers.writer_for(out, request.kind)
        writers.check_free(out)
    with sampling(drawing, drawing.count, quiet) as done:
        again = _image(drawing, done)
    before = png_metadata.read_pixels(picture)
    if out is not None:
        png_metadata.save_png(again, out, drawing.metadata())
    text, code = _verdict(before, np.asarray(again), str(metadata.get("weights", "unknown")), drawing)
    if code:
        raise InkwashError(f"{picture}: {text}")
    if not quiet:
        print(f"{picture}: {text}", file=sys.stderr)
    return 0


def _image(drawing: Drawing, done: Callable[[float], object]) -> Image.Image:
    if drawing.request.kind == "strip":
        return strip(drawing.model, list(drawing.path(done)), scale=drawing.request.scale or 1)
    return grid_or_scatter(drawing.model, list(drawing.batches(64, done)), drawing.columns, drawing.request.scale or 1)


def _verdict(before: np.ndarray, after: np.ndarray, weights: str, drawing: Drawing) -> tuple[str, int]:
    name = drawing.request.model
    changed = (
        ""
        if weights == drawing.model.weights
        else f"; its weights were {weights}, {name} now has {drawing.model.weights}"
    )
    if before.shape != after.shape:
        return f"not the same: it is {before.shape}, drawn again {after.shape}{changed}", 1
    apart = int(np.abs(before.astype(int) - after.astype(int)).max())
    if apart == 0:
        return f"the same, every pixel, drawn again from {name} ({drawing.model.weights})", 0
    if apart == 1:
        return f"the same to within one grey level, drawn again from {name} ({drawing.model.weights})", 0
    return (
        f"not the same: up to {apart} grey levels apart{changed or '; was it drawn on another device or precision?'}",
        1,
    )


def _flags(request: Request) -> str:
    settings = request.settings
    given = {"-n": request.n, "--label": request.label, "--columns": request.columns, "--guidance": settings.guidance}
    given |= {"--sampler": settings.sampler, "--steps": settings.steps, "--eta": settings.eta}
    if settings.edit is not None:
        given |= {"--from": "ITS-DRAWING", "--noise": settings.edit.noise}
    flags = " ".join(f"{flag} {shlex.quote(str(value))}" for flag, value in given.items() if value is not None)
    seeds = f"{request.seed}" if request.seed_to is None else f"{request.seed}..{request.seed_to}"
    return f"inkwash sample {shlex.quote(request.model)} --film --seed {seeds} {flags}"
