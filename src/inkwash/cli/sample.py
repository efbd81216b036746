"""`inkwash sample`: draw from a model, or draw a picture again."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash import USUAL, own_code
from inkwash.cli.whole import Whole, seeds
from inkwash.errors import UsageError, speaks, unknown

if TYPE_CHECKING:
    from inkwash.cli.parts import Parts
    from inkwash.cli.requests import Drawing, Kind
    from inkwash.ranks import Ranks

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
    """Draw from a model: image i of a call has the seed --seed + i, and is the same in any batch.

    Examples: inkwash sample --label 0-9 -o digits.png. Or: inkwash sample ddim-300 --sampler ddim:50 --film -n 16
    -o film.png. Or: inkwash sample digits.png draws a picture again and compares. Or: inkwash sample --label 3..8 --film.

    Parameters
    ----------
    model
        A bundled model (see: inkwash show), a run folder, a checkpoint file; or a picture that inkwash drew. Default: fast.
    n
        How many in total, at least 1. Default: 64; 10 a label for several labels; 8 for a strip, 16 for a film.
    label
        7, or 0-9 or 1,3,5 in turn, a class's name, or none; 3..8 is the way from one to the other. Default: drawn in the
        train set's proportions.
    guidance
        Weight w of classifier-free guidance, uncond + w (cond - uncond); 1 is none. Default: the recipe's.
    interval
        Where guidance acts, two values of u in [0, 1], as in --interval 0.2 0.8.
    sampler
        ddpm, ddim, euler, heun, dpm++2m, dpm++2m-sde, dpm++3m or consistency, with steps as in ddim:50. Default: the recipe's.
    steps
        Steps, 1 to the T of a beta table; overrides the number after the colon.
    eta
        Fresh noise of ddim in [0, 1], 0 none, 1 as ddpm; of dpm++2m-sde from 0 on, 2 being twice as much.
    temperature
        Scale of the fresh noise, 0 or more: 1 is the sampler, 0 its mean only.
    schedule
        Levels to sample on, such as karras, log-linear or cosine. Default: those trained on.
    clip
        Clip every predicted image to the range of pixels. Default: for models that predict eps.
    seed
        Seed of the first image, 0 or more; 3..8 is the way from the image of one to that of the other.
    from_
        A picture that every image starts from, cut and scaled to the model's size; light ink on black, as MNIST.
    mask
        A picture of the same size, white where the model paints anew, black where --from is kept.
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
        Your own Python file, run first; it may add networks, schedules and samplers to inkwash's tables.
    continue_
        Go on with a draw of thousands into NAME.npz that was interrupted.
    processes
        Share a draw into NAME.npz among so many processes of this machine. Default: this one alone.
    quiet
        Print errors only.
    """
    own_code.load(with_)
    from inkwash import hardware, ranks
    from inkwash import model as models
    from inkwash.binding import build
    from inkwash.cli import outputs
    from inkwash.cli.redraw import redraw
    from inkwash.cli.requests import Request
    from inkwash.core import SCHEDULES
    from inkwash.drawing import Settings
    from inkwash.steering import Edit

    ends = seeds(seed)
    if strip and film:
        raise UsageError("--strip and --film are two pictures: give one, then the other")
    kind: Kind = "strip" if strip else "film" if film else "grid"
    hardware.configure(threads)
    if Path(model).suffix.lower() in {".png", ".webp", ".gif"}:
        drawn = Settings(sampler, steps, eta, temperature, None, guidance, interval, clip, precision)
        asked = Request(model, kind, n, label, *ends, scale, columns, drawn)
        if asked != Request(model) or any(given is not None for given in (schedule, from_, mask, noise)):
            raise UsageError(
                f"{model} is drawn again as it was drawn: leave the other flags out, except --out, --device and --threads"
            )
        # one picture is drawn by one process
        return redraw(Path(model), out, device, quiet) if speaks() else 0
    if schedule is not None and schedule not in SCHEDULES:
        raise unknown("schedule", schedule, SCHEDULES)
    levels = None if schedule is None else build(SCHEDULES, schedule, "--schedule")
    settings = Settings(sampler, steps, eta, temperature, levels, guidance, interval, clip, precision)
    request = Request(model, kind, n, label, *ends, scale, columns, settings)
    target = (
        out
        or Path("out") / f"{Path(model).name.removesuffix('.safetensors')}{'' if kind == 'grid' else '-' + kind}.png"
    )
    outputs.writer_for(target, kind)
    if batch < 1:
        raise UsageError(f"--batch is {batch}: it must be at least 1")
    if from_ is None and (mask is not None or noise is not None):
        raise UsageError(
            f"--{'noise' if mask is None else 'mask'} has no effect without a picture: give --from as well"
        )
    if target.suffix.lower() != ".npz" and continue_:
        raise UsageError(f"--continue has no effect on {target}: it goes on with an interrupted draw into NAME.npz")
    # first of all: of several devices each process has its own
    with ranks.joined(hardware.device(device)) as those:
        loaded = models.load(model, device=device)
        if from_ is not None:
            request = replace(request, settings=replace(settings, edit=Edit.read(loaded.facts, from_, mask, noise)))
        return _draw(request.resolve(loaded), target, batch, those, continue_, quiet or not those.first)


def _draw(drawing: Drawing, target: Path, batch: int, ranks: Ranks, go_on: bool, quiet: bool) -> int:
    from inkwash.cli import outputs
    from inkwash.cli.parts import LEAST, Parts
    from inkwash.cli.progress import counter
    from inkwash.ranks import restarted

    write, parts = outputs.writer_for(target, drawing.request.kind), None
    if not ranks.alone and write is not outputs.write_arrays:
        raise UsageError(f"--out {target}: several processes draw into NAME.npz")
    outputs.check_size(drawing, target)
    with ranks.after_the_first():
        outputs.check_free(target)
        if write is outputs.write_arrays and (not ranks.alone or drawing.count > LEAST):
            parts = Parts.claim(drawing, target, batch, go_on or restarted() or not ranks.first)
    if not quiet and drawing.sampler.evaluations > PATIENT:
        print(
            f"{drawing.sampler.kind}:{drawing.sampler.steps} asks the network {drawing.sampler.evaluations:,} times an image; "
            "--sampler ddim:50 or dpm++2m:20 is much quicker",
            file=sys.stderr,
        )
    begun = time.perf_counter()
    if parts is None:
        with counter(drawing.count, f"drawing {drawing.count:,}", quiet) as done:
            write(drawing, target, batch, done)
    elif not _draw_parts(parts, target, batch, ranks, quiet):
        return 130
    if not quiet:
        _tell(drawing, target, time.perf_counter() - begun)
    return 0


def _draw_parts(parts: Parts, target: Path, batch: int, ranks: Ranks, quiet: bool) -> bool:
    """Draw what is missing and put all together; whether it came to its end."""
    from inkwash.cli import outputs
    from inkwash.cli.progress import counter

    missing = parts.missing(ranks)
    count = parts.examples(missing)
    if not quiet and count < parts.drawing.count and ranks.alone:
        print(
            f"going on: {parts.drawing.count - count:,} of {parts.drawing.count:,} are drawn already", file=sys.stderr
        )
    try:
        with counter(count, f"drawing {count:,}", quiet) as done:
            parts.draw(missing, batch, done)
        ranks.wait()
    except KeyboardInterrupt:
        if not quiet:
            print(f"stopped; what is drawn lies in {parts.folder}, and --continue goes on with it", file=sys.stderr)
        return False
    if ranks.first:
        outputs.put_together(parts.drawing, target, parts.values())
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
