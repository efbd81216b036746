"""A data set: counts, sizes, classes and a picture of some of it."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from inkwash import data, preflight
from inkwash.cli.console import Console
from inkwash.cli.outputs import check_free
from inkwash.cli.pages import concerns
from inkwash.core.noise import Stream, permutation
from inkwash.drawing import pictures
from inkwash.facts import Facts
from inkwash.names import path_in
from inkwash.sheets import POINT_WINDOW
from inkwash.viz import fields, grids, prints


def show(name: str, out: Path, as_json: bool) -> None:
    """Print what a data set is and draw 100 of its images, or its points, into the folder `out`."""
    loaded = data.load(name)
    facts = Facts.of(loaded)
    tests = 0 if loaded.test_values is None else len(loaded.test_values)
    said = preflight.of_data(loaded)
    if as_json:
        warned = {"concerns": [concern._asdict() for concern in said]}
        test = {"test_count": tests, "test_sha256": loaded.test_sha256}
        print(json.dumps(facts.to_dict() | test | {"note": loaded.note} | warned, indent=2))
        return
    console = Console(highlight=False)
    console.print(
        f"{facts.data}: {facts.count:,} to train on, {tests:,} to test on, {'×'.join(map(str, facts.shape))} each"
    )
    console.print(f"standard deviation {facts.data_std:.4f} as the network sees it, SHA-256 {facts.sha256}")
    if tests:
        console.print(f"test part: SHA-256 {loaded.test_sha256}")
    for label, share in zip(facts.classes, facts.proportions, strict=False):
        console.print(f"  {label}: {share:.1%}")
    if loaded.note:
        console.print(loaded.note)
    concerns.tell(console, said)
    target = path_in(out, f"{facts.data}-data.png")
    check_free(target)
    if facts.is_points:
        labels = loaded.labels if loaded.labels is not None else torch.zeros(len(loaded))
        image = fields.scatter(loaded.values.numpy(), POINT_WINDOW, 512, labels.numpy())
    else:
        chosen = permutation(0, 0, Stream.SHUFFLE, len(loaded))[:100]
        image = grids.grid(pictures(loaded.values[chosen]), scale=2)
    prints.save_png(image, target, {"data": facts.data, "sha256": facts.sha256})
    console.print(f"picture: {target}")
