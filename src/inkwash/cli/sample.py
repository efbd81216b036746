"""`inkwash sample`: sample from a model, or reproduce an image."""

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
    from inkwash.core import Schedule
    from inkwash.distributed.process_group import ProcessGroup
    from inkwash.sampling.chunks import ChunkFolder
    from inkwash.sampling.run import SamplingRun
    from inkwash.viz.samples import Kind, RenderOptions

MANY_EVALUATIONS = 200
"""Network evaluations an image above which a message names faster samplers."""
IMAGE_SUFFIXES = {".png", ".webp", ".gif"}


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
    -o film.png. Or: inkwash sample digits.png reproduces an image and compares. Or: inkwash sample --label 3..8 --film.

    Parameters
    ----------
    model
        A bundled model (see: inkwash show), run folder or checkpoint file; or an image of inkwash to reproduce. Default: fast.
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
        Denoising as an animation, with the predicted image beside the noisy one: .png, .webp or .gif.
    with_
        Your own Python file, run first; it can register networks, schedules and samplers.
    continue_
        Resume an interrupted run of thousands of samples into NAME.npz.
    processes
        Number of processes on this machine that share sampling into NAME.npz. Default: 1.
    quiet
        Print errors only.
    """
    if with_ is not None:
        plugins.load(with_)
    from inkwash import model as models
    from inkwash.distributed import torchrun
    from inkwash.hardware import devices
    from inkwash.sampling.editing import Edit
    from inkwash.sampling.request import SampleRequest
    from inkwash.sampling.run import resolve
    from inkwash.viz import writers
    from inkwash.viz.samples import COUNTS, RenderOptions

    if strip and film:
        raise UsageError(
            "--strip and --film are both given: give one, and call again for the other", code="conflict", field="film"
        )
    kind: Kind = "strip" if strip else "film" if film else "grid"
    options = RenderOptions(kind, scale, columns)
    seed_from, seed_to = seeds(seed)
    request = SampleRequest(
        model=model,
        n=n,
        label=label,
        seed=seed_from,
        seed_to=seed_to,
        sampler=sampler,
        steps=steps,
        eta=eta,
        temperature=temperature,
        schedule=_schedule(schedule),
        guidance=guidance,
        interval=interval,
        clip=clip,
        precision=precision,
    )
    devices.configure(threads)
    if Path(model).suffix.lower() in IMAGE_SUFFIXES:
        from inkwash.cli.reproduce import reproduce

        edited = any(given is not None for given in (from_, mask, noise))
        if edited or request != SampleRequest(model=model) or options != RenderOptions():
            raise UsageError(
                f"{model} is reproduced with its own settings: only --out, --device, --threads and --quiet have an effect",
                code="no-effect",
            )
        # Of several processes one is enough for a single image.
        return reproduce(Path(model), out, device, quiet) if is_main_process() else 0
    target = out or _default_path(model, kind)
    writers.writer_for(target, kind)
    if batch < 1:
        raise UsageError(f"--batch is {batch}: it must be at least 1", code="out-of-range", field="batch")
    if from_ is None and (mask is not None or noise is not None):
        raise UsageError(
            f"--{'noise' if mask is None else 'mask'} has no effect without an image: give --from as well",
            code="missing-field",
            field="from",
        )
    if target.suffix.lower() != ".npz" and continue_:
        raise UsageError(
            f"--continue has no effect on {target}: it resumes interrupted sampling into NAME.npz",
            code="no-effect",
            field="continue",
        )
    # The group is joined before a model is loaded, because of several devices each process has its own.
    with torchrun.join(devices.device(device)) as group:
        loaded = models.load(model, device=device)
        if from_ is not None:
            request = replace(request, edit=Edit.read(loaded.spec, from_, mask, noise))
        run = resolve(request, loaded, COUNTS[kind])
        return _sample(run, options, target, batch, group, continue_, quiet or not group.is_main)


def _default_path(model: str, kind: Kind) -> Path:
    from inkwash.io.names import cleaned_name, path_in

    name = cleaned_name(Path(model).name.removesuffix(".safetensors"))
    return path_in("out", f"{name}{'' if kind == 'grid' else '-' + kind}.png")


def _schedule(name: str | None) -> Schedule | None:
    from inkwash.config.schema import decode_schedule
    from inkwash.core import SCHEDULES

    if name is not None and name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
    return None if name is None else decode_schedule(name, "--schedule")


def _sample(
    run: SamplingRun,
    options: RenderOptions,
    target: Path,
    batch: int,
    process_group: ProcessGroup,
    resume: bool,
    quiet: bool,
) -> int:
    """Sample and write `target`; returns the exit code, 130 after an interruption that can be resumed."""
    from inkwash.cli.progress import sampling
    from inkwash.distributed.torchrun import restarted
    from inkwash.sampling.chunks import SMALLEST, ChunkFolder
    from inkwash.viz import writers

    write, chunks = writers.writer_for(target, options.kind), None
    if not process_group.is_single and write is not writers.write_arrays:
        raise UsageError(f"--out {target}: several processes write NAME.npz only", code="unsupported", field="out")
    writers.check_size(run, options, target)
    with process_group.main_first():
        writers.check_free(target)
        if write is writers.write_arrays and (not process_group.is_single or len(run) > SMALLEST):
            chunks = ChunkFolder.open(run, target, batch, resume or restarted() or not process_group.is_main)
    if not quiet and run.sampler.evaluations > MANY_EVALUATIONS:
        print(
            f"{run.sampler.kind}:{run.sampler.steps} needs {run.sampler.evaluations:,} network evaluations "
            "per image; --sampler ddim:50 or dpm++2m:20 is much faster",
            file=sys.stderr,
        )
    begun = time.perf_counter()
    if chunks is None:
        with sampling(run.sampler, len(run), quiet) as progress:
            write(run, options, target, batch, progress)
    elif not _sample_chunks(chunks, target, batch, process_group, quiet):
        return 130
    if not quiet:
        _print_summary(run, target, time.perf_counter() - begun)
    return 0


def _sample_chunks(chunks: ChunkFolder, target: Path, batch: int, process_group: ProcessGroup, quiet: bool) -> bool:
    """Sample the missing chunks and write `target` from all; returns False after an interruption."""
    from inkwash.cli.progress import sampling
    from inkwash.viz import writers

    missing = chunks.missing(process_group)
    count, total = chunks.examples(missing), len(chunks.run)
    if not quiet and count < total and process_group.is_single:
        print(f"resuming: {total - count:,} of {total:,} exist already", file=sys.stderr)
    try:
        with sampling(chunks.run.sampler, count, quiet) as progress:
            chunks.sample(missing, batch, progress)
        process_group.barrier()
    except KeyboardInterrupt:
        if not quiet:
            print(f"stopped; the samples so far are in {chunks.folder}; resume with --continue", file=sys.stderr)
        return False
    if process_group.is_main:
        writers.save_npz(chunks.run, target, chunks.values())
        chunks.remove()
    return True


def _print_summary(run: SamplingRun, target: Path, seconds: float) -> None:
    request, sampler = run.request, run.sampler
    first, trained = (float(each.terminal.log_snr) for each in (sampler.schedule, run.model.recipe.schedule))
    start = ""
    if request.edit is not None:
        start = f" from an image with noise {request.edit.noise:g}"
    elif first > trained + 1e-6:
        start = f" from log-SNR {first:.1f}"
    seeds = f"{request.seed}" if request.seed_to is None else f"{request.seed} to {request.seed_to}"
    print(
        f"{target}: {len(run):,} from {request.model} ({run.model.weights}), {sampler.kind}:{sampler.steps}{start}, "
        f"seed {seeds}, {seconds:.1f} s",
        file=sys.stderr,
    )
