"""One recipe: settings, network stages, schedule, and plots of the network and the schedule."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from rich.table import Table

from inkwash import checks, data, model
from inkwash.cli.tables import check_warnings, runs
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.core import Schedule
from inkwash.core.levels import signal_fraction
from inkwash.data.registry import EXAMPLE_SHAPES
from inkwash.data.spec import DatasetSpec
from inkwash.io.names import path_in
from inkwash.nets import summary
from inkwash.text.console import Console
from inkwash.viz import curves, network_diagram
from inkwash.viz.writers import require_replaceable


def show(name: str, out: Path, as_json: bool) -> None:
    """Print a complete recipe, and write plots of its network and schedule to the folder `out`."""
    chosen = recipe.load(name)
    spec = expected_spec(chosen)
    chosen = chosen.for_classes(spec.classes)
    net = model.build_net(chosen, spec)
    stages = summary.stages(net, spec.shape)
    terminal = chosen.schedule.terminal
    concerns = checks.check_recipe(chosen, spec, net)
    if as_json:
        parts = [vars(stage) | {"shape": list(stage.shape)} for stage in stages]
        sizes = {"parameters": summary.parameters(net), "flops": summary.flops(net, spec.shape), "stages": parts}
        ends = {"alpha": float(terminal.alpha), "sigma": float(terminal.sigma), "log_snr": _finite(terminal.log_snr)}
        warned = {"concerns": [concern._asdict() for concern in concerns]}
        print(json.dumps(chosen.to_dict() | sizes | {"terminal": ends} | warned, indent=2))
        return
    console = Console()
    text = recipe.read_text(name)
    heading = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    console.print(heading, soft_wrap=True)
    console.print(chosen.to_toml(), soft_wrap=True)
    console.print(_stage_table(stages, f"{chosen.network.kind} for {spec.data}, {'×'.join(map(str, spec.shape))}"))
    console.print(
        f"{summary.parameters(net):,} parameters, {summary.flops(net, spec.shape) / 1e6:,.1f} MFLOP per forward pass of "
        "one example"
    )
    console.print(
        f"noisiest level of the schedule: alpha {float(terminal.alpha):.4g}, sigma {float(terminal.sigma):.4g}, "
        f"signal fraction {signal_fraction(terminal):.2%}, log-SNR {float(terminal.log_snr):.2f}"
    )
    plots = path_in(out, f"{chosen.name}-network.png"), path_in(out, f"{chosen.name}-schedule.png")
    for plot in plots:
        require_replaceable(plot)
    network_diagram.draw_network(
        plots[0], stages, f"{chosen.name}: {chosen.network.kind}, {summary.parameters(net):,} parameters"
    )
    curves.schedule_curves(
        plots[1], {repr(chosen.schedule): schedule_curve(chosen.schedule)}, f"Schedule of {chosen.name}"
    )
    console.print(f"plots: {plots[0]}, {plots[1]}")
    if name in model.bundled():
        console.print(f"a model of this name is bundled: inkwash sample {name} -o samples.png")
        runs.show(str(model.find(name).parent.parent), False, concerns)
    else:
        check_warnings.show(console, concerns)


def expected_spec(chosen: Recipe) -> DatasetSpec:
    """Return the specification of the recipe's data as far as its network depends on it, without loading known data sets."""
    if chosen.data.name not in EXAMPLE_SHAPES:
        return DatasetSpec.of(data.load(chosen.data.name, chosen.data.size), chosen.data.std)
    shape, classes = EXAMPLE_SHAPES[chosen.data.name]
    if chosen.data.size is not None and len(shape) == 3:
        shape = (shape[0], chosen.data.size, chosen.data.size)
    names = tuple(map(str, range(classes)))
    return DatasetSpec(chosen.data.name, "", 0, shape, names, tuple(1 / classes for _ in names), 1.0)


def schedule_curve(schedule: Schedule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return u, alpha and sigma of a schedule on a grid of 401 points, for plots."""
    u = torch.linspace(0, 1, 401, dtype=torch.float64)
    level = schedule(u)
    return u.numpy(), level.alpha.numpy(), level.sigma.numpy()


def _stage_table(stages: list[summary.Stage], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    table.add_column("kind")
    for heading in ("output", "parameters", "MFLOP"):
        table.add_column(heading, justify="right")
    for stage in stages:
        table.add_row(
            "  " * stage.depth + stage.name,
            stage.kind,
            "×".join(map(str, stage.shape)),
            f"{stage.parameters:,}",
            f"{stage.flops / 1e6:,.2f}",
        )
    return table


def _finite(value: torch.Tensor) -> float | None:
    return float(value) if torch.isfinite(value) else None
