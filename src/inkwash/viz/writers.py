"""Writers of samples: an image, a film, arrays or a folder of single images, chosen by kind and file name ending."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inkwash.errors import InkwashError, UsageError
from inkwash.io import png_metadata
from inkwash.io.atomic import atomic, require_creatable
from inkwash.io.names import path_in, sanitized_name
from inkwash.sampling.editing import Interpolation
from inkwash.sampling.labels import with_names
from inkwash.sampling.run import SamplingRun, to_arrays
from inkwash.text.progress import ProgressCallback
from inkwash.viz import films, grids
from inkwash.viz.samples import Kind, RenderOptions, film_frames, frames, render

Writer = Callable[[SamplingRun, RenderOptions, Path, int, ProgressCallback], None]
"""Samples in batches of the given size, and writes the result to the given path."""


def write_image(run: SamplingRun, options: RenderOptions, target: Path, batch: int, progress: ProgressCallback) -> None:
    """Write a grid of all examples, or a strip of denoising steps, as one PNG."""
    png_metadata.save_png(render(run, options, batch, progress), target, metadata(run, options))


def write_film(run: SamplingRun, options: RenderOptions, target: Path, batch: int, progress: ProgressCallback) -> None:
    """Write the path from noise to samples as an animation; of an interpolation of images, the images along it."""
    if run.interpolation is not None and not run.model.spec.is_points:
        images = np.concatenate([each.images() for each in run.batches(batch, progress)])
        films.looped_film(images, target, options.scale, metadata=metadata(run, options))
        return
    pairs = film_frames(run.model, frames(run, progress))
    films.film(pairs, target, options.scale, columns=options.columns_for(run), metadata=metadata(run, options))


def write_arrays(
    run: SamplingRun, options: RenderOptions, target: Path, batch: int, progress: ProgressCallback
) -> None:
    """Write `images` uint8 [N, H, W] or [N, H, W, C] (or `points` float32 [N, D]), `labels` and `seeds` as .npz.

    The examples are streamed into the file batch by batch; `facts` holds model and request as JSON.
    """
    save_npz(run, target, (each.values.numpy() for each in run.batches(batch, progress)))


def save_npz(run: SamplingRun, target: Path, values: Iterable[NDArray[Any]]) -> None:
    """Write the `values` of a run, uint8 [n, C, H, W] or float32 [n, D] each, as `write_arrays` does."""
    points = run.model.spec.is_points
    c, *plane = run.model.spec.shape
    shape = (c,) if points else (*plane, c) if c > 1 else tuple(plane)
    small = {
        "labels": run.labels.numpy(),
        "seeds": run.seeds.numpy(),
        "facts": np.array(json.dumps(run.metadata())),
    }
    with atomic(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("points.npy" if points else "images.npy", "w", force_zip64=True) as file:
            header = {"shape": (len(run), *shape), "fortran_order": False}
            descr = np.lib.format.dtype_to_descr(np.dtype(np.float32 if points else np.uint8))
            np.lib.format.write_array_header_2_0(file, header | {"descr": descr})
            for part in values:
                file.write((part if points else to_arrays(torch.from_numpy(part))).tobytes())
        for name, array in small.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def write_folder(
    run: SamplingRun, options: RenderOptions, target: Path, batch: int, progress: ProgressCallback
) -> None:
    """Write each example as a PNG into the folder `target`, named by index and label."""
    if run.model.spec.is_points:
        raise UsageError(
            f"--out {target}: points cannot be single images; write them to a .png or a .npz",
            code="unsupported",
            field="out",
        )
    classes = run.model.spec.classes
    index = 0
    for samples in run.batches(batch, progress):
        for pixels, label, seed in zip(samples.images(), samples.labels.tolist(), samples.seeds.tolist(), strict=True):
            suffix = f"-{sanitized_name(classes[label])}" if label >= 0 and classes else ""
            image = grids.grid(pixels[None], 1, options.scale or 1, gap=0)
            path = path_in(target, f"{index:06d}{suffix}.png")
            png_metadata.save_png(image, path, _metadata_of_one(run, options, index, seed, label))
            index += 1


def metadata(run: SamplingRun, options: RenderOptions) -> dict[str, Any]:
    """Return the metadata of an image of the samples, from which it can be reproduced."""
    return run.metadata() | {"picture": vars(options)}


def _metadata_of_one(run: SamplingRun, options: RenderOptions, index: int, seed: int, label: int) -> dict[str, Any]:
    """Return the metadata of a single image in its own file, with the request that reproduces it."""
    classes = run.model.spec.classes
    found = run.metadata() | {"seed": seed, "label": classes[label] if label >= 0 and classes else None}
    if isinstance(run.interpolation, Interpolation):
        # No request gives a single position of an interpolation.
        del found["request"]
        return found | {"turn": float(run.interpolation.position[index])}
    request = replace(run.request, n=1, seed=seed, label=(label,) if run.model.conditional else None)
    return found | {"request": with_names(request, classes).to_dict(), "picture": vars(replace(options, columns=None))}


WRITERS: dict[tuple[Kind, str], Writer] = {
    ("grid", ".png"): write_image,
    ("grid", ".npz"): write_arrays,
    ("grid", ""): write_folder,
    ("strip", ".png"): write_image,
    ("film", ".png"): write_film,
    ("film", ".webp"): write_film,
    ("film", ".gif"): write_film,
}


def writer_for(target: Path, kind: Kind) -> Writer:
    """Return the writer of this kind of image to `target`. Raises `UsageError` for an ending without one."""
    suffix = target.suffix.lower()
    if (kind, suffix) not in WRITERS:
        endings = ", ".join(ending or "no ending (a folder)" for of, ending in WRITERS if of == kind)
        raise UsageError(f"--out {target}: a {kind} is written to {endings}", code="unsupported", field="out")
    return WRITERS[kind, suffix]


def require_effect(run: SamplingRun, options: RenderOptions, target: Path) -> None:
    """Raise `UsageError` for options of an image that has no enlarged pixels or no columns."""
    arrays, folder = target.suffix.lower() == ".npz", not target.suffix
    if options.scale is not None and arrays:
        raise _no_effect("scale", f"{target}, which holds arrays")
    sequence = options.kind == "film" and run.interpolation is not None
    if options.columns is not None and (arrays or folder or sequence or run.model.spec.is_points):
        raise _no_effect("columns", f"{target}: only a grid of images has columns")


def _no_effect(option: str, where: str) -> UsageError:
    return UsageError(f"--{option} has no effect on {where}; leave it out", code="no-effect", field=option)


MAX_GRID_IMAGES = 10_000
"""Images of a grid: larger files are refused by many image viewers."""
MAX_PIXELS = {"grid": 10**8, "strip": 10**8, "film": 10**9}
"""Pixels of an image, or of all frames of a film."""


def check_size(run: SamplingRun, options: RenderOptions, target: Path) -> None:
    """Raise `UsageError` for too many or too large images to be held in memory and opened by viewers."""
    kind, scale, is_points = options.kind, options.scale or 1, run.model.spec.is_points
    if target.suffix.lower() == ".npz":
        return
    if kind == "grid" and target.suffix and not is_points and len(run) > MAX_GRID_IMAGES:
        raise UsageError(
            f"--out {target}: a grid of {len(run):,} images is too large for most viewers, which take {MAX_GRID_IMAGES:,}; "
            "give a smaller -n, or write arrays to --out NAME.npz or single images to a folder",
            code="too-large",
            field="n",
        )
    height, width = (256, 256) if is_points else run.model.spec.shape[1:]
    images = 1 if is_points or target.suffix == "" else len(run)
    frames_of_kind = {"grid": 1, "strip": 10, "film": 120}[kind]
    unscaled, pixels = (images * frames_of_kind * (height * by + 2) * (width * by + 2) for by in (1, scale))
    if pixels > MAX_PIXELS[kind]:
        raise UsageError(
            f"--out {target}: a {kind} of {len(run):,} with --scale {scale} would have {pixels:,} pixels, of at most "
            f"{MAX_PIXELS[kind]:,}; give a smaller -n or --scale, or write arrays to NAME.npz",
            code="too-large",
            field="n" if unscaled > MAX_PIXELS[kind] else "scale",
        )


def require_replaceable(target: Path) -> None:
    """Raise `UsageError` unless `target` is new, or an image or arrays that inkwash wrote, in a writable folder."""
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(
            f"{target} is not empty, and nothing is overwritten: choose another --out", code="exists", field="out"
        )
    if target.is_file() and not _is_from_inkwash(target):
        raise UsageError(
            f"{target} was not written by inkwash and is not overwritten: choose another --out, or move it",
            code="exists",
            field="out",
        )
    require_creatable(target)


def _is_from_inkwash(target: Path) -> bool:
    try:
        if target.suffix.lower() == ".npz":
            with np.load(target, allow_pickle=False) as arrays:
                return "facts" in arrays.files
        return png_metadata.read_metadata(target) is not None
    except (InkwashError, OSError, ValueError, zipfile.BadZipFile):
        return False
