"""A data set: counts, shape, classes, and an image of some examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.table import Table

from inkwash import checks, data
from inkwash.attributes import ATTRIBUTES, measure, require_ink
from inkwash.cli.tables import check_warnings
from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.io import png_metadata
from inkwash.io.names import path_in, sanitized_name
from inkwash.sampling.run import to_arrays
from inkwash.text.console import Console
from inkwash.viz import grids, points
from inkwash.viz.samples import POINT_LIMITS
from inkwash.viz.writers import require_replaceable

MEASURED = 2000
"""Images whose attributes are measured, of larger sets a random choice."""
SHOWN_CLASSES = 30
"""Classes that are listed; --json has all of them."""
FRACTIONS = 0.01, 0.1, 0.5, 0.9, 0.99
"""Quantiles that are shown; a histogram is between the first and the last."""
BINS = 16
BLOCKS, BLOCKS_ASCII = "▁▂▃▄▅▆▇█", "_.-=+*%#"
"""Characters of a histogram, from empty to the fullest bin."""


def show(name: str, out: Path, as_json: bool, value_range: tuple[float, float] | None = None) -> None:
    """Print the properties of a data set, and write an image of 100 of its examples, or of all points, to `out`."""
    # Build no DatasetSpec: data that no model can be trained on, as all-black images, are shown with their warnings.
    loaded = data.load(name, value_range=value_range)
    known_as, is_points = sanitized_name(loaded.name), loaded.is_points
    tests = 0 if loaded.test_values is None else len(loaded.test_values)
    concerns = checks.check_data(loaded)
    if as_json:
        properties = {
            "data": known_as,
            "sha256": loaded.sha256,
            "count": len(loaded),
            "shape": loaded.shape,
            "classes": loaded.classes,
            "proportions": loaded.proportions,
            "data_std": loaded.data_std,
            "test_count": tests,
            "test_sha256": loaded.test_sha256,
            "note": loaded.note,
            "concerns": [concern._asdict() for concern in concerns],
            "attributes": _attributes(loaded),
        }
        print(json.dumps(properties, indent=2))
        return
    console = Console()
    shape = "×".join(map(str, loaded.shape))
    console.print(f"{known_as}: {len(loaded):,} training and {tests:,} test examples of {shape}")
    console.print(f"standard deviation {loaded.data_std:.4f} of the network's inputs, SHA-256 {loaded.sha256}")
    if tests:
        console.print(f"test part: SHA-256 {loaded.test_sha256}")
    for label, fraction in list(zip(loaded.classes, loaded.proportions, strict=False))[:SHOWN_CLASSES]:
        console.print(f"  {label}: {fraction:.1%}")
    if len(loaded.classes) > SHOWN_CLASSES:
        console.print(f"  and {len(loaded.classes) - SHOWN_CLASSES:,} more classes")
    if loaded.note:
        console.print(loaded.note)
    check_warnings.show(console, concerns)
    if not is_points:
        _show_attributes(console, loaded)
    target = path_in(out, f"{known_as}-data.png")
    require_replaceable(target)
    if is_points:
        labels = loaded.labels if loaded.labels is not None else torch.zeros(len(loaded))
        image = points.scatter(loaded.values.numpy(), POINT_LIMITS, 512, labels.numpy())
    else:
        chosen = permutation(0, 0, Stream.DATA_PREVIEW, len(loaded))[:100]
        image = grids.grid(to_arrays(loaded.values[chosen]), scale=2)
    png_metadata.save_png(image, target, {"data": known_as, "sha256": loaded.sha256})
    console.print(f"image: {target}")


def _attributes(loaded: Dataset) -> dict[str, dict[str, Any]] | str:
    """Return quantiles and a histogram of each attribute of some images, or the reason why they have none.

    Values outside of the histogram are in its first and last bins.
    """
    try:
        require_ink(loaded)
    except UsageError as error:
        return str(error)
    values = measure(loaded.values[permutation(0, 0, Stream.DATA_PREVIEW, len(loaded))[:MEASURED]]).double()
    found = {}
    for (name, attribute), column in zip(ATTRIBUTES.items(), values.T, strict=True):
        known = column[~column.isnan()]
        quantiles = known.quantile(torch.tensor(FRACTIONS).double()).tolist() if len(known) else []
        low, high = (quantiles[0], quantiles[-1]) if quantiles else (0.0, 0.0)
        found[name] = {
            "unit": attribute.unit,
            "n": len(known),
            "quantiles": dict(zip(map(str, FRACTIONS), quantiles, strict=False)),
            "histogram": {
                "low": low,
                "high": high,
                "counts": torch.histc(known.clamp(low, high), BINS, low, high).long().tolist() if high > low else [],
            },
        }
    return found


def _show_attributes(console: Console, loaded: Dataset) -> None:
    """Print quantiles and histograms of the attributes of some images, or the reason why they have none."""
    found = _attributes(loaded)
    if isinstance(found, str):
        console.print(found)
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(f"attributes of {min(len(loaded), MEASURED):,} images")
    for fraction in FRACTIONS:
        table.add_column(f"{fraction:.0%}", justify="right")
    table.add_column(f"{FRACTIONS[0]:.0%} to {FRACTIONS[-1]:.0%}")
    blocks = BLOCKS_ASCII if console.options.ascii_only else BLOCKS
    for name, each in found.items():
        cells = [f"{value:.2f}" for value in each["quantiles"].values()] or ["none"] * len(FRACTIONS)
        counts = each["histogram"]["counts"]
        bars = "".join(blocks[-(-(len(blocks) - 1) * count // max(counts))] for count in counts)
        table.add_row(name + (f", {each['unit']}" if each["unit"] else ""), *cells, bars)
    console.print(table)
