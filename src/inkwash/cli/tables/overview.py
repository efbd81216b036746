"""All recipes and bundled models in one table."""

from __future__ import annotations

import json
from typing import Any

from rich import box
from rich.table import Table

from inkwash import model
from inkwash.cli.console import Console
from inkwash.cli.tables.recipes import promised
from inkwash.config import recipe
from inkwash.nets import summary
from inkwash.training.batches import Split


def show(as_json: bool) -> None:
    """Print every recipe and bundled model with size, work, data and status."""
    rows = [_row(name) for name in sorted({*recipe.bundled(), *model.bundled()})]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    # at 80 columns half of the width is left for the last one
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
    console.print("weights: number of parameters. MFLOP: work of one forward pass of one example.", highlight=False)
    console.print("epochs: training of the bundled model; empty where none is bundled.", highlight=False)
    console.print("Details: inkwash show NAME. Train: inkwash train NAME --data PATH.", highlight=False)
    console.print("Sample from a bundled model: inkwash sample NAME", highlight=False)


def _row(name: str) -> dict[str, Any]:
    bundled = name in model.bundled()
    if bundled:
        loaded = model.load(name, device="cpu")
        chosen, spec, net = loaded.recipe, loaded.spec, loaded.net
        epochs = loaded.step * chosen.training.batch / Split.train_count(loaded.spec.count)
        status = f"{epochs:.3g} epochs"
    else:
        chosen = recipe.load(name)
        spec = promised(chosen)
        chosen = chosen.suiting(spec.classes)
        net, status = model.build_net(chosen, spec), ""
    return {
        "name": name,
        "about": (recipe.load(name) if name in recipe.bundled() else chosen).about,
        "data": spec.data,
        "network": chosen.network.kind,
        "parameters": summary.parameters(net),
        "flops": summary.flops(net, spec.shape),
        "target": chosen.target,
        "sampler": chosen.sampling.sampler,
        "bundled": bundled,
        "status": f"bundled, {status}" if bundled else "recipe",
        "epochs": status,
    }
