"""A data set: counts, sizes, classes and a picture of some of it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from inkwash import checks, data
from inkwash.cli.console import Console
from inkwash.cli.tables import warnings
from inkwash.core.noise import Stream, permutation
from inkwash.data.spec import DatasetSpec
from inkwash.io import png_metadata
from inkwash.io.names import path_in
from inkwash.sampling.run import to_arrays
from inkwash.viz import grids, points
from inkwash.viz.samples import POINT_WINDOW
from inkwash.viz.writers import check_free


def show(name: str, out: Path, as_json: bool) -> None:
    """Print what a data set is and draw 100 of its images, or its points, into the folder `out`."""
    loaded = data.load(name)
    spec = DatasetSpec.of(loaded)
    tests = 0 if loaded.test_values is None else len(loaded.test_values)
    said = checks.of_data(loaded)
    if as_json:
        warned = {"concerns": [concern._asdict() for concern in said]}
        test = {"test_count": tests, "test_sha256": loaded.test_sha256}
        print(json.dumps(spec.to_dict() | test | {"note": loaded.note} | warned, indent=2))
        return
    console = Console(highlight=False)
    console.print(
        f"{spec.data}: {spec.count:,} to train on, {tests:,} to test on, {'×'.join(map(str, spec.shape))} each"
    )
    console.print(f"standard deviation {spec.data_std:.4f} as the network sees it, SHA-256 {spec.sha256}")
    if tests:
        console.print(f"test part: SHA-256 {loaded.test_sha256}")
    for label, share in zip(spec.classes, spec.proportions, strict=False):
        console.print(f"  {label}: {share:.1%}")
    if loaded.note:
        console.print(loaded.note)
    warnings.tell(console, said)
    target = path_in(out, f"{spec.data}-data.png")
    check_free(target)
    if spec.is_points:
        labels = loaded.labels if loaded.labels is not None else torch.zeros(len(loaded))
        image = points.scatter(loaded.values.numpy(), POINT_WINDOW, 512, labels.numpy())
    else:
        chosen = permutation(0, 0, Stream.DATA_PREVIEW, len(loaded))[:100]
        image = grids.grid(to_arrays(loaded.values[chosen]), scale=2)
    png_metadata.save_png(image, target, {"data": spec.data, "sha256": spec.sha256})
    console.print(f"picture: {target}")
