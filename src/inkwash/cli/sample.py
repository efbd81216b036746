"""`inkwash sample`: sample from a model, or reproduce an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash import DEFAULT_MODEL
from inkwash.cli.parameters import (
    Count,
    Device,
    Eta,
    Flag,
    Integer,
    Out,
    Plugin,
    Quiet,
    ScheduleName,
    Temperature,
    Threads,
    default_output,
    parse_attributes,
    parse_schedule,
    parse_seeds,
)
from inkwash.config import plugins
from inkwash.errors import UsageError, warn

if TYPE_CHECKING:
    from inkwash.viz.samples import Kind

BATCH = 64
"""Images in a batch by default."""
IMAGE_SUFFIXES = {".png", ".webp", ".gif"}


def sample(
    model: str = DEFAULT_MODEL,
    /,
    *,
    n: Count = None,
    label: Annotated[str | None, Parameter(name=["--label", "-l"])] = None,
    guidance: Annotated[float | None, Parameter(name=["--guidance", "-w"])] = None,
    interval: Annotated[tuple[float, float], Parameter(negative=())] = (0.0, 1.0),
    sampler: str | None = None,
    steps: Integer | None = None,
    eta: Eta = None,
    temperature: Temperature = 1.0,
    schedule: ScheduleName = None,
    clip: bool | None = None,
    seed: str = "0",
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    mask: Path | None = None,
    noise: float | None = None,
    invert: Flag = False,
    encode: Flag = False,
    prompt: str | None = None,
    set_attribute: Annotated[list[str] | None, Parameter(negative=())] = None,
    extrapolate: Flag = False,
    batch: Integer = BATCH,
    precision: str = "float32",
    device: Device = "auto",
    threads: Threads = None,
    out: Out = None,
    scale: Integer | None = None,
    columns: Integer | None = None,
    strip: Flag = False,
    film: Flag = False,
    with_: Plugin = None,
    continue_: Annotated[bool, Parameter(name="--continue", negative=())] = False,
    processes: Integer | None = None,
    quiet: Quiet = False,
) -> int:
    """Sample from a model: image i of a call has the seed --seed + i, and is the same in any batch.

    Parameters
    ----------
    model
        A bundled model (listed by 'inkwash show'), a run folder or a checkpoint file; or an image that inkwash wrote, to
        reproduce it. Default: fast.
    n
        Number of images, at least 1. Default: 64; 10 per label with several labels; 8 for a strip, 16 for a film.
    label
        Class to sample, a name or an index; several in turn (0-9 or 1,3,5), or none for unconditional; 3..8 interpolates
        between two classes. Where all names are numbers, a number is a name; a name with a comma is quoted, as in
        '"a,b"'. Default: random, in the proportions of the training set.
    guidance
        Weight w of classifier-free guidance, uncond + w (cond - uncond), 0 or more; 1 means no guidance. Default: the recipe's.
    interval
        Range of u in [0, 1] in which guidance is applied (0 clean, 1 noise), as in --interval 0.2 0.8.
    sampler
        ddpm, ddim, euler, heun, dpm++2m, dpm++2m-sde, dpm++3m or consistency, with steps as in ddim:50. Default: the recipe's.
    steps
        Number of sampling steps, 1 to the training timesteps of a discrete schedule; overrides the number after the colon.
    clip
        Clip every predicted image to the range of pixels. Default: as in the recipe; on for images of models that predict eps.
    seed
        Seed of the first image, 0 or more; 3..8 interpolates between the images of two seeds.
    from_
        Initial image (SDEdit), cropped and resized to the model's images.
    mask
        An image of the same size: white = inpaint, black = keep --from.
    noise
        Noise level u in (0, 1] that the --from image is noised to (strength in diffusers). Default: 0.6; 1 with --mask and
        --encode.
    invert
        Invert the --from image: for dark ink on light paper, where the model's images are light on dark.
    encode
        Encode the --from image as noise and sample from it: the image itself, or with --set-attribute the image with that
        change; --label names its class.
    prompt
        Classes and attributes in words, as in --prompt "a bold, slanted seven" or "2026 in a light hand"; several images are
        sampled once each. For models trained with attributes, such as words. The grammar: docs/words.md.
    set_attribute
        A measured property of the strokes, as in --set-attribute thickness=3, several in turn as in slant=-20,0,20; repeat it
        for others; with --encode also thickness+=1 or slant-=10, from what the image has. For models trained with
        attributes, such as words.
    extrapolate
        Allow attributes outside of the range of the training set.
    batch
        Batch size, at least 1; affects memory and speed only.
    precision
        float32, bfloat16, or auto (bfloat16 where it is faster). Other than float32, images can change with the batch.
    out
        NAME.png (a grid), NAME.npz (uint8 images and labels), or a folder of single images. Default: out/MODEL.png.
    scale
        Integer factor of enlargement, without blur.
    columns
        Images per row. Default: near the square root, or one per label.
    strip
        Denoising steps side by side, one image per row.
    film
        Denoising as an animation, with the predicted image beside the noisy one: .png, .webp or .gif.
    continue_
        Resume an interrupted run of thousands of samples into NAME.npz.
    processes
        Number of processes on this machine that share sampling into NAME.npz. Default: 1.
    """
    plugins.load(with_)
    from inkwash import model as models
    from inkwash.cli import sample_output
    from inkwash.distributed import torchrun
    from inkwash.hardware import devices
    from inkwash.sampling.request import SampleRequest
    from inkwash.sampling.run import resolve
    from inkwash.viz.samples import DEFAULT_COUNTS, RenderOptions

    if strip and film:
        raise UsageError(
            "--strip and --film are both given: give one, and call again for the other", code="conflict", field="film"
        )
    kind: Kind = "strip" if strip else "film" if film else "grid"
    options = RenderOptions(kind, scale, columns)
    first_seed, last_seed = parse_seeds(seed)
    attributes, changes = parse_attributes(set_attribute)
    request = SampleRequest(
        model=model,
        n=n,
        label=label,
        seed=first_seed,
        seed_to=last_seed,
        sampler=sampler,
        steps=steps,
        eta=eta,
        temperature=temperature,
        schedule=parse_schedule(schedule),
        guidance=guidance,
        interval=interval,
        clip=clip,
        precision=precision,
        attributes=attributes or None,
        extrapolate=extrapolate,
        prompt=prompt,
    )
    devices.configure(threads)
    if Path(model).suffix.lower() in IMAGE_SUFFIXES:
        from inkwash.cli.reproduce import reproduce

        edited = invert or encode or any(each is not None for each in (from_, mask, noise, set_attribute))
        given = edited or continue_ or batch != BATCH or torchrun.num_processes() > 1
        if given or request != SampleRequest(model=model) or options != RenderOptions():
            raise UsageError(
                f"{model} is reproduced with its own settings: only --out, --device, --threads and --quiet have an effect",
                code="no-effect",
            )
        return reproduce(Path(model), out, device, quiet)
    options_of_image = {"mask": mask, "noise": noise, "invert": invert or None, "encode": encode or None}
    option = next((name for name, value in options_of_image.items() if value is not None), None)
    if from_ is None and option is not None:
        raise UsageError(
            f"--{option} has no effect without an image: give --from as well",
            code="missing-field",
            field="from",
        )
    path = out or default_output(model, ".png" if kind == "grid" else f"-{kind}.png")
    output = sample_output.Output(path, options, batch, continue_)
    # Join the group before loading the model, so that each process loads it on its own device.
    with torchrun.join(devices.device(device)) as group:
        loaded = models.load(model, device=device)
        if from_ is not None:
            from inkwash.sampling.editing import Edit

            edit = Edit.read(loaded.spec, from_, mask, noise, invert, encode)
            request = replace(request, edit=edit)
            warning = edit.background_warning(loaded.spec, str(from_), "--invert")
            if warning and not quiet:
                warn(warning)
        if prompt is not None:
            from inkwash.sampling.prompts.requests import with_prompt

            request = with_prompt(request, prompt, loaded)
        if changes:
            from inkwash.sampling.encoding import with_changes

            request = with_changes(request, changes, loaded)
        if request.extrapolate:
            from inkwash.sampling.attributes import require_extrapolated

            require_extrapolated(request.attributes, request.extrapolate)
        run = resolve(request, loaded, DEFAULT_COUNTS[kind])
        if run.omission is not None and not quiet:
            warn(f"{run.omission}: give a larger -n")
        if run.encodes_without_class and not quiet:
            warn(f"an edit without the class of {from_} often changes it: name it by --label")
        return output.write(run, group, quiet or not group.is_main)
