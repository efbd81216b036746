"""`inkwash sample IMAGE.png`: sample again from the metadata of an image, and compare."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np

from inkwash import model as models
from inkwash.errors import InkwashError, UsageError
from inkwash.io import png_metadata
from inkwash.sampling.attributes import Requested
from inkwash.sampling.class_labels import format_labels
from inkwash.sampling.labels import from_0_1_0, requested_labels
from inkwash.sampling.prompts.requests import prompt_in_numbers
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.text.bars import sampling
from inkwash.text.printing import print
from inkwash.viz import writers
from inkwash.viz.samples import DEFAULT_COUNTS, RenderOptions, render


def reproduce(path: Path, out: Path | None, device: str, quiet: bool) -> int:
    """Sample the image at `path` again, compare the pixels, and write it to `out` when given; return 0.

    Raises `UsageError` when the image has no request in its metadata, `InkwashError` when the pixels differ.
    """
    metadata = png_metadata.read_metadata(path)
    if not metadata or not isinstance(metadata.get("request"), dict):
        raise UsageError(
            f"{path} does not contain the settings it was sampled with: give a grid, strip or image of 'inkwash sample'",
            code="wrong-file",
        )
    try:
        request, options = SampleRequest.from_dict(metadata["request"]), RenderOptions.from_metadata(metadata)
    except UsageError as error:
        raise UsageError(f"{path}: {error}", code=error.code, field=error.field) from None
    model = models.load(str(request.model), device=device)
    request = from_0_1_0(request, model.spec.classes)
    if options.kind == "film":
        raise UsageError(
            f"{path} is a film, which is not compared: write it again with "
            f"{_command(request, options, model.spec.classes)}",
            code="unsupported",
        )
    run = resolve(request, model, DEFAULT_COUNTS[options.kind])
    writers.check_size(run, options, path)
    if out is not None:
        writers.writer_for(out, options.kind)
        writers.require_replaceable(out)
    with sampling(run.sampler.evaluations, len(run), quiet) as progress:
        image = render(run, options, 64, progress)
    before = png_metadata.read_pixels(path)
    if out is not None:
        png_metadata.save_png(image, out, writers.metadata(run, options))
    now = f"{request.model} ({run.model.weights})"
    difference = _difference(before, np.asarray(image))
    if difference:
        weights = str(metadata.get("weights", "unknown"))
        cause = "compare device and precision" if weights == run.model.weights else f"its weights were {weights}"
        raise InkwashError(f"{path}: not reproduced with {now}: {difference}; {cause}", code="mismatch")
    if not quiet:
        equal = np.array_equal(before, np.asarray(image))
        result = "all pixels are equal" if equal else "pixels differ by at most one grey level"
        print(f"{path}: reproduced with {now}: {result}", file=sys.stderr)
    return 0


def _difference(before: np.ndarray, after: np.ndarray) -> str:
    """Return how two images differ; empty when they are equal to within one grey level, which is rounding."""
    if before.shape != after.shape:
        return f"{before.shape} pixels became {after.shape}"
    largest = int(np.abs(before.astype(int) - after.astype(int)).max())
    return f"up to {largest} grey levels apart" if largest > 1 else ""


def _command(request: SampleRequest, options: RenderOptions, classes: tuple[str, ...]) -> str:
    start, end = requested_labels(request, classes)
    label = None if start is None else format_labels(start, classes, end or ())
    attributes: Requested = request.attributes or {}
    if request.prompt is not None and end is None:
        # In numbers, which include those of --set-attribute and of pictures.
        label, prompt, attributes = None, prompt_in_numbers(request, classes), {}
    else:
        prompt = None
    given = {"-n": request.n, "--label": label, "--columns": options.columns, "--guidance": request.guidance}
    given |= {"--sampler": request.sampler, "--steps": request.steps, "--eta": request.eta}
    if request.edit is not None:
        mask = None if request.edit.mask is None else "MASK"
        given |= {"--from": "IMAGE", "--mask": mask, "--noise": request.edit.noise}
    pairs = [*given.items(), ("--prompt", prompt)]
    for name, values in attributes.items():
        several = values if isinstance(values, tuple) else (values,)
        pairs.append(("--set-attribute", f"{name}={','.join(map(str, several))}"))
    flags = " ".join(f"{flag} {shlex.quote(str(value))}" for flag, value in pairs if value is not None)
    if request.extrapolate:
        flags += " --extrapolate"
    if request.edit is not None:
        flags += "".join(
            f" --{flag}"
            for flag, given in (("invert", request.edit.inverted), ("encode", request.edit.encode))
            if given
        )
    seeds = f"{request.seed}" if request.seed_to is None else f"{request.seed}..{request.seed_to}"
    return f"inkwash sample {shlex.quote(str(request.model))} --film --seed {seeds} {flags}"
