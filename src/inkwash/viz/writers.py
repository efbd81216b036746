"""Where drawn examples go: one picture, arrays, single images, a strip or a film. Memory stays flat but for one picture."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inkwash.errors import InkwashError, UsageError
from inkwash.io.atomic import atomic
from inkwash.io.names import cleaned_name, path_in
from inkwash.sampling.request import Drawing, Kind
from inkwash.sampling.run import to_arrays
from inkwash.viz.samples import film_frames, grid_or_scatter, strip

Write = Callable[[Drawing, Path, int, Callable[[float], object]], None]


def write_grid(drawing: Drawing, target: Path, batch: int, done: Callable[[float], object]) -> None:
    """Write all examples as one PNG."""
    from inkwash.io import png_metadata

    drawn = list(drawing.batches(batch, done))
    png_metadata.save_png(
        grid_or_scatter(drawing.model, drawn, drawing.columns, drawing.request.scale or 1), target, drawing.metadata()
    )


def write_strip(drawing: Drawing, target: Path, batch: int, done: Callable[[float], object]) -> None:
    """Write the denoising steps side by side as one PNG."""
    from inkwash.io import png_metadata

    png_metadata.save_png(
        strip(drawing.model, list(drawing.path(done)), scale=drawing.request.scale or 1), target, drawing.metadata()
    )


def write_film(drawing: Drawing, target: Path, batch: int, done: Callable[[float], object]) -> None:
    """Write the path from noise to picture as an animation; of a way between two ends, the pictures along it."""
    from inkwash.viz import films

    if drawing.morph is not None and not drawing.model.spec.is_points:
        along = np.concatenate([drawn.pictures() for drawn in drawing.batches(batch, done)])
        films.way(along, target, drawing.request.scale, metadata=drawing.metadata())
        return
    shown = film_frames(drawing.model, drawing.path(done))
    films.film(shown, target, scale=drawing.request.scale, columns=drawing.columns, metadata=drawing.metadata())


def write_arrays(drawing: Drawing, target: Path, batch: int, done: Callable[[float], object]) -> None:
    """Write `images` uint8 [N, H, W] or [N, H, W, C] (or `points` float32 [N, D]), `labels` and `seeds` as .npz.

    The examples are streamed into the file batch by batch; `spec` holds model and settings as JSON.
    """
    put_together(drawing, target, (drawn.values.numpy() for drawn in drawing.batches(batch, done)))


def put_together(drawing: Drawing, target: Path, values: Iterable[NDArray[Any]]) -> None:
    """Write what `write_arrays` writes of `values`, uint8 [n, C, H, W] or float32 [n, D], that are drawn already."""
    points = drawing.model.spec.is_points
    c, *plane = drawing.model.spec.shape
    shape = (c,) if points else (*plane, c) if c > 1 else tuple(plane)
    small = {
        "labels": drawing.labels.numpy(),
        "seeds": drawing.seeds.numpy(),
        "facts": np.array(json.dumps(drawing.metadata())),
    }
    with atomic(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("points.npy" if points else "images.npy", "w", force_zip64=True) as file:
            header = {"shape": (drawing.count, *shape), "fortran_order": False}
            descr = np.lib.format.dtype_to_descr(np.dtype(np.float32 if points else np.uint8))
            np.lib.format.write_array_header_2_0(file, header | {"descr": descr})
            for some in values:
                file.write((some if points else to_arrays(torch.from_numpy(some))).tobytes())
        for name, array in small.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def write_singles(drawing: Drawing, target: Path, batch: int, done: Callable[[float], object]) -> None:
    """Write each example as a PNG of its own into the folder `target`, named by place, seed and label."""
    from inkwash.io import png_metadata
    from inkwash.viz import grids

    if drawing.model.spec.is_points:
        raise UsageError("points are no single images: write them to a .png or a .npz")
    classes = drawing.model.spec.classes
    place = 0
    for drawn in drawing.batches(batch, done):
        for picture, label, seed in zip(drawn.pictures(), drawn.labels.tolist(), drawn.seeds.tolist(), strict=True):
            named = f"-{cleaned_name(classes[label])}" if label >= 0 and classes else ""
            image = grids.grid(picture[None], 1, drawing.request.scale or 1, gap=0)
            png_metadata.save_png(
                image, path_in(target, f"{place:06d}{named}.png"), _alone(drawing, place, seed, label)
            )
            place += 1


def _alone(drawing: Drawing, place: int, seed: int, label: int) -> dict[str, Any]:
    """Return the facts of one image of `drawing` in a file of its own, with the request that draws it alone."""
    metadata = drawing.metadata() | {"seed": seed, "label": label}
    if drawing.morph is not None:
        # one alone is no way, and no request draws it
        del metadata["request"]
        return metadata | {"turn": float(drawing.morph.turn[place])}
    asked = None if not drawing.model.conditional else str(label) if label >= 0 else "none"
    # a grid of one has no border either
    alone = replace(drawing.request, n=1, seed=seed, label=asked, columns=None)
    return metadata | {"request": alone.to_dict()}


_WRITERS: dict[tuple[Kind, str], Write] = {
    ("grid", ".png"): write_grid,
    ("grid", ".npz"): write_arrays,
    ("grid", ""): write_singles,
    ("strip", ".png"): write_strip,
    ("film", ".png"): write_film,
    ("film", ".webp"): write_film,
    ("film", ".gif"): write_film,
}


def writer_for(target: Path, kind: Kind) -> Write:
    """Return what writes this kind of picture to `target`. Raises `UsageError` for an ending that it cannot have."""
    suffix = target.suffix.lower()
    if (kind, suffix) not in _WRITERS:
        endings = ", ".join(ending or "no ending (a folder)" for of, ending in _WRITERS if of == kind)
        raise UsageError(f"--out {target}: a {kind} is written to {endings}")
    return _WRITERS[kind, suffix]


MOST_IN_A_GRID = 10_000
"""Images of one grid: of more no one can tell any, and image viewers refuse files of that size."""
LARGEST = {"grid": 10**8, "strip": 10**8, "film": 10**9}
"""Pixels of one picture, or of all frames of a film: others could not open it, and this machine might not hold it."""


def check_size(drawing: Drawing, target: Path) -> None:
    """Make sure that the pictures of `drawing` are of a size that can be held and opened again.

    Raises `UsageError` for too many images or too large ones; arrays may be as many as they like.
    """
    kind, scale = drawing.request.kind, drawing.request.scale or 1
    if target.suffix.lower() == ".npz":
        return
    if kind == "grid" and target.suffix and not drawing.model.spec.is_points and drawing.count > MOST_IN_A_GRID:
        raise UsageError(
            f"--out {target}: a grid of {drawing.count:,} images is too large for most viewers, {MOST_IN_A_GRID:,} is the "
            "most: give a smaller -n, or write arrays to --out NAME.npz or single images to a folder"
        )
    height, width = (256, 256) if drawing.model.spec.is_points else drawing.model.spec.shape[1:]
    shown = 1 if drawing.model.spec.is_points or target.suffix == "" else drawing.count
    moments = {"grid": 1, "strip": 10, "film": 120}[kind]
    pixels = shown * moments * (height * scale + 2) * (width * scale + 2)
    if pixels > LARGEST[kind]:
        raise UsageError(
            f"--out {target}: a {kind} of {drawing.count:,} with --scale {scale} would have {pixels:,} pixels, of at most "
            f"{LARGEST[kind]:,}: give a smaller -n or --scale, or write arrays to NAME.npz"
        )


def check_free(target: Path) -> None:
    """Make sure that `target` may be written: new, or something that inkwash drew and can draw again.

    Raises `UsageError` for another's file, a folder that holds something, or a place that cannot be written.
    """
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"{target} already holds something and nothing is overwritten: choose another --out")
    if target.is_file() and not _drawn_by_inkwash(target):
        raise UsageError(
            f"{target} was not drawn by inkwash and is not overwritten: choose another --out, or move it away"
        )
    folder = target.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise UsageError(f"--out {target}: {folder} is a file, not a folder; choose another --out")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out {target}: {folder} cannot be written; choose another --out")


def _drawn_by_inkwash(target: Path) -> bool:
    from inkwash.io import png_metadata

    try:
        if target.suffix.lower() == ".npz":
            with np.load(target, allow_pickle=False) as arrays:
                return "facts" in arrays.files
        return png_metadata.read_metadata(target) is not None
    except (InkwashError, OSError, ValueError, zipfile.BadZipFile):
        return False
