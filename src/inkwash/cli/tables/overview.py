"""The table of all recipes and bundled models."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from rich import box
from rich.table import Table

from inkwash import model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.io import checkpoints
from inkwash.text.console import Console
from inkwash.training.batches import Split


def show(as_json: bool) -> None:
    """Print every recipe with its data, the size of its network, and the epochs of its bundled model."""
    rows = [_row(name, size) for name, size in _sizes().items()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    # One space between columns leaves half of an 80-column terminal for the descriptions.
    table = Table(box=box.SIMPLE_HEAD, title="Recipes and bundled models", title_justify="left", padding=(0, 1, 0, 0))
    table.pad_edge = False
    for heading in ("name", "data"):
        table.add_column(heading, no_wrap=True)
    for heading in ("weights", "MFLOP", "epochs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("description")
    for row in rows:
        table.add_row(
            row["name"],
            row["data"],
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['flops'] / 1e6:,.0f}" if row["flops"] > 1e6 else f"{row['flops'] / 1e6:.1f}",
            row["epochs"].removesuffix(" epochs"),
            row["about"],
        )
    console = Console()
    console.print(table)
    console.print(
        "weights: number of parameters. MFLOP: operations of one forward pass of one example.", highlight=False
    )
    console.print("epochs: training of the bundled model; empty where none is bundled.", highlight=False)
    console.print("Details: inkwash show NAME. Train: inkwash train NAME --data PATH.", highlight=False)
    console.print("Sample from a bundled model: inkwash sample NAME", highlight=False)


def _row(name: str, size: dict[str, int]) -> dict[str, Any]:
    chosen = recipe.load(name)
    epochs = _epochs(chosen, checkpoints.header(model.find(name))) if name in model.bundled() else ""
    return {
        "name": name,
        "about": chosen.about,
        "data": chosen.data.name,
        "network": chosen.network.kind,
        **size,
        "target": chosen.target,
        "sampler": chosen.sampling.sampler,
        "bundled": bool(epochs),
        "status": f"bundled, {epochs}" if epochs else "recipe",
        "epochs": epochs,
    }


def _epochs(chosen: Recipe, header: dict[str, Any]) -> str:
    """Return the length of a bundled model's training in words."""
    images = header["progress"]["step"] * chosen.training.batch
    return f"{images / Split.train_count(header['facts']['count']):.3g} epochs"


def _sizes() -> dict[str, dict[str, int]]:
    """Return the parameters and FLOPs of every recipe's network; tools/network_sizes.py counts them."""
    text = (resources.files("inkwash.recipes") / "sizes.json").read_text(encoding="utf-8")
    sizes: dict[str, dict[str, int]] = json.loads(text)
    return sizes
