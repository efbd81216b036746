"""`inkwash sample`: draw from a model, or draw a picture again."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash import USUAL
from inkwash.cli.parameters import Whole, seeds
from inkwash.config import plugins
from inkwash.errors import UsageError, is_main_process, unknown_name
from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.distributed.process_group import ProcessGroup
    from inkwash.sampling.chunks import Parts
    from inkwash.sampling.request import Drawing, Kind

PATIENT = 200
"""Evaluations an image above which a quicker sampler is pointed out."""


def sample(
    model: str = USUAL,
    /,
    *,
    n: Annotated[Whole | None, Parameter(name=["-n", "--count"])] = None,
    label: Annotated[str | None, Parameter(name=["--label", "-l"])] = None,
    guidance: Annotated[float | None, Parameter(name=["--guidance", "-w"])] = None,
    interval: Annotated[tuple[float, float], Parameter(negative=())] = (0.0, 1.0),
    sampler: str | None = None,
    steps: Whole | None = None,
    eta: float | None = None,
    temperature: float = 1.0,
    schedule: str | None = None,
    clip: bool | None = None,
    seed: str = "0",
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    mask: Path | None = None,
    noise: float | None = None,
    batch: Whole = 64,
    precision: str = "float32",
    device: str = "auto",
    threads: Whole | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    scale: Whole | None = None,
    columns: Whole | None = None,
    strip: Annotated[bool, Parameter(negative=())] = False,
    film: Annotated[bool, Parameter(negative=())] = False,
    with_: Annotated[Path | None, Parameter(name="--with")] = None,
    continue_: Annotated[bool, Parameter(name="--continue", negative=())] = False,
    processes: Whole | None = None,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
) -> int:
    """Sample from a model: image i of a call has the seed --seed + i, and is the same in any batch.

    Examples: inkwash sample --label 0-9 -o digits.png. Or: inkwash sample ddim-300 --sampler ddim:50 --film -n 16
    -o film.png. Or: inkwash sample digits.png draws a picture again and compares. Or: inkwash sample --label 3..8 --film.

    Parameters
    ----------
    model
        A bundled model (see: inkwash show), a run folder, a checkpoint file; or a picture that inkwash drew. Default: fast.
    n
        How many in total, at least 1. Default: 64; 10 a label for several labels; 8 for a strip, 16 for a film.
    label
        7, or 0-9 or 1,3,5 in turn, a class's name, or none; 3..8 interpolates between two. Default: random, in the train
        set's proportions.
    guidance
        Weight w of classifier-free guidance, uncond + w (cond - uncond), 0 or more; 1 is none. Default: the recipe's.
    interval
        Where guidance acts, two values of u in [0, 1], as in --interval 0.2 0.8.
    sampler
        ddpm, ddim, euler, heun, dpm++2m, dpm++2m-sde, dpm++3m or consistency, with steps as in ddim:50. Default: the recipe's.
    steps
        Steps, 1 to the T of a beta table; overrides the number after the colon.
    eta
        Fresh noise of ddim in [0, 1], 0 none, 1 as ddpm; of dpm++2m-sde 0 or more.
    temperature
        Scale of the fresh noise, 0 or more: 1 is the sampler, 0 its mean only.
    schedule
        Noise schedule to sample on, such as karras, log-linear or cosine. Default: those trained on.
    clip
        Clip every predicted image to the range of pixels. Default: for models that predict eps.
    seed
        Seed of the first image, 0 or more; 3..8 interpolates between the images of two seeds.
    from_
        An image that every sample starts from, cut and scaled to the model's size; light ink on black, as MNIST.
    mask
        An image of the same size: white = inpaint, black = keep --from.
    noise
        How far --from is noised first, above 0 to 1 (all noise). Default: 0.6; 1 with --mask.
    batch
        Images at a time, at least 1; changes memory and speed, not the images.
    precision
        float32, bfloat16, or auto (bfloat16 where it is faster). Other than float32, images can change with the batch.
    device
        auto, cpu, cuda or mps.
    threads
        CPU threads to compute with, at least 1. Default: one a core; fewer are faster where other programs use the cores.
    out
        NAME.png (a grid), NAME.npz (uint8 images and labels), or a folder of single images. Default: out/MODEL.png.
    scale
        Enlarge every pixel to a square of this many, without blur.
    columns
        Images in a row. Default: near the square root, or one a label.
    strip
        Denoising steps side by side, one image a row.
    film
        Noise to picture as an animation, with the predicted image beside it: .png, .webp or .gif.
    with_
        Your own Python file, run first; it can register networks, schedules and samplers.
    continue_
        Resume an interrupted run of thousands of samples into NAME.npz.
    processes
        Number of processes on this machine that share sampling into NAME.npz. Default: 1.
    quiet
        Print errors only.
    """
    plugins.load(with_)
    from inkwash import model as models
    from inkwash.cli.reproduce import redraw
    from inkwash.config.schema import decode_schedule
    from inkwash.core import SCHEDULES
    from inkwash.distributed import process_group
    from inkwash.hardware import devices
    from inkwash.io.names import cleaned_name, path_in
    from inkwash.sampling.editing import Edit
    from inkwash.sampling.request import Request
    from inkwash.sampling.run import SamplingSettings
    from inkwash.viz import writers

    ends = seeds(seed)
    if strip and film:
        raise UsageError("--strip and --film are two pictures: give one, then the other")
    kind: Kind = "strip" if strip else "film" if film else "grid"
    devices.configure(threads)
    if Path(model).suffix.lower() in {".png", ".webp", ".gif"}:
        drawn = SamplingSettings(sampler, steps, eta, temperature, None, guidance, interval, clip, precision)
        asked = Request(model, kind, n, label, *ends, scale, columns, drawn)
        if asked != Request(model) or any(given is not None for given in (schedule, from_, mask, noise)):
            raise UsageError(
                f"{model} is drawn again as it was drawn: leave the other flags out, except --out, --device and --threads"
            )
        # one picture is drawn by one process
        return redraw(Path(model), out, device, quiet) if is_main_process() else 0
    if schedule is not None and schedule not in SCHEDULES:
        raise unknown_name("schedule", schedule, SCHEDULES)
    levels = None if schedule is None else decode_schedule(schedule, "--schedule")
    settings = SamplingSettings(sampler, steps, eta, temperature, levels, guidance, interval, clip, precision)
    request = Request(model, kind, n, label, *ends, scale, columns, settings)
    name = cleaned_name(Path(model).name.removesuffix(".safetensors"))
    target = out or path_in("out", f"{name}{'' if kind == 'grid' else '-' + kind}.png")
    writers.writer_for(target, kind)
    if batch < 1:
        raise UsageError(f"--batch is {batch}: it must be at least 1")
    if from_ is None and (mask is not None or noise is not None):
        raise UsageError(
            f"--{'noise' if mask is None else 'mask'} has no effect without a picture: give --from as well"
        )
    if target.suffix.lower() != ".npz" and continue_:
        raise UsageError(f"--continue has no effect on {target}: it resumes interrupted sampling into NAME.npz")
    # first of all: of several devices each process has its own
    with process_group.join(devices.device(device)) as group:
        loaded = models.load(model, device=device)
        if from_ is not None:
            request = replace(request, settings=replace(settings, edit=Edit.read(loaded.spec, from_, mask, noise)))
        return _draw(request.resolve(loaded), target, batch, group, continue_, quiet or not group.is_main)


def _draw(drawing: Drawing, target: Path, batch: int, process_group: ProcessGroup, go_on: bool, quiet: bool) -> int:
    from inkwash.cli.progress import sampling
    from inkwash.distributed.process_group import restarted
    from inkwash.sampling.chunks import LEAST, Parts
    from inkwash.viz import writers

    write, parts = writers.writer_for(target, drawing.request.kind), None
    if not process_group.is_single and write is not writers.write_arrays:
        raise UsageError(f"--out {target}: several processes draw into NAME.npz")
    writers.check_size(drawing, target)
    with process_group.main_first():
        writers.check_free(target)
        if write is writers.write_arrays and (not process_group.is_single or drawing.count > LEAST):
            parts = Parts.claim(drawing, target, batch, go_on or restarted() or not process_group.is_main)
    if not quiet and drawing.sampler.evaluations > PATIENT:
        print(
            f"{drawing.sampler.kind}:{drawing.sampler.steps} needs {drawing.sampler.evaluations:,} network evaluations "
            "per image; --sampler ddim:50 or dpm++2m:20 is much faster",
            file=sys.stderr,
        )
    begun = time.perf_counter()
    if parts is None:
        with sampling(drawing, drawing.count, quiet) as done:
            write(drawing, target, batch, done)
    elif not _draw_parts(parts, target, batch, process_group, quiet):
        return 130
    if not quiet:
        _tell(drawing, target, time.perf_counter() - begun)
    return 0


def _draw_parts(parts: Parts, target: Path, batch: int, process_group: ProcessGroup, quiet: bool) -> bool:
    """Draw what is missing and put all together; whether it came to its end."""
    from inkwash.cli.progress import sampling
    from inkwash.viz import writers

    missing = parts.missing(process_group)
    count = parts.examples(missing)
    if not quiet and count < parts.drawing.count and process_group.is_single:
        print(f"resuming: {parts.drawing.count - count:,} of {parts.drawing.count:,} exist already", file=sys.stderr)
    try:
        with sampling(parts.drawing, count, quiet) as done:
            parts.draw(missing, batch, done)
        process_group.barrier()
    except KeyboardInterrupt:
        if not quiet:
            print(f"stopped; the samples so far are in {parts.folder}; resume with --continue", file=sys.stderr)
        return False
    if process_group.is_main:
        writers.put_together(parts.drawing, target, parts.values())
        parts.forget()
    return True


def _tell(drawing: Drawing, target: Path, seconds: float) -> None:
    edit = drawing.settings.edit
    first, trained = (
        float(each.terminal.log_snr) for each in (drawing.sampler.schedule, drawing.model.recipe.schedule)
    )
    start = ""
    if edit is not None:
        start = f" from the picture behind noise {edit.noise:g}"
    elif first > trained + 1e-6:
        # the whole path is what anyone expects
        start = f" from the level of log-SNR {first:.1f}"
    print(
        f"{target}: {drawing.count:,} from {drawing.request.model} ({drawing.model.weights}), "
        f"{drawing.sampler.kind}:{drawing.sampler.steps}{start}, seed {_seeds(drawing)}, "
        f"{seconds:.1f} s",
        file=sys.stderr,
    )


def _seeds(drawing: Drawing) -> str:
    far = drawing.request.seed_to
    return f"{drawing.request.seed}" + ("" if far is None else f" to {far}")
