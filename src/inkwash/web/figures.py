"""Data for the figures of the page: noise schedules, loss by noise level, training history and measured quality."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from inkwash.config.registry_sections import encode_schedule
from inkwash.core import Schedule, Warped
from inkwash.errors import UsageError
from inkwash.evaluation import run_quality
from inkwash.model import Model
from inkwash.web import markdown
from inkwash.web.catalog import CatalogEntry

SCHEDULE_POINTS = 101
MAX_LOSSES = 400
MAX_GRIDS = 24


def schedule(model: Model) -> dict[str, Any]:
    """Return alpha, sigma and log-SNR along u of the schedules that a model is trained and sampled on."""
    curves = {"trained": _curve(model.recipe.schedule), "sampled": _curve(model.schedule())}
    names = schedule_name(model.recipe.schedule), schedule_name(model.schedule())
    return {"curves": curves, "name": names[0], "sampled_name": names[1]}


def schedule_options(schedule: Schedule) -> dict[str, Any]:
    """Return kind, options and warps of a schedule, the innermost warp first."""
    warps: list[dict[str, Any]] = []
    while isinstance(schedule, Warped):
        warps.insert(0, encode_schedule(Warped(schedule.schedule, schedule.warp))["warp"])
        schedule = schedule.schedule
    return encode_schedule(schedule) | {"warps": warps}


def schedule_name(schedule: Schedule) -> str:
    """Return the name of a schedule as in recipes, with its options and warps: "cosine, offset 0.008; shift, s 1.5"."""
    options = schedule_options(schedule)
    parts = [{name: value for name, value in options.items() if name != "warps"}, *options["warps"]]
    return "; ".join(
        ", ".join([part["kind"], *(f"{k} {v:g}" for k, v in part.items() if k != "kind")]) for part in parts
    )


def _curve(chosen: Schedule) -> dict[str, list[float | None]]:
    u = torch.linspace(0, 1, SCHEDULE_POINTS, dtype=torch.float64)
    level = chosen(u)
    found = {"u": u, "alpha": level.alpha, "sigma": level.sigma, "log_snr": level.log_snr, "c_noise": level.c_noise}
    # JSON has no infinity, the value of the log-SNR at the ends.
    return {
        name: [value if math.isfinite(value) else None for value in values.expand(SCHEDULE_POINTS).tolist()]
        for name, values in found.items()
    }


def history(entry: CatalogEntry, measured: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the history of a run: training and validation losses, losses by noise level, whether it is in training.

    The losses by noise level are those of `point_losses` where they were `measured`, else those of the run.
    """
    rows = entry.folder.rows()
    train = [row for row in rows if row["kind"] == "train"]
    validation = [row for row in rows if row["kind"] == "held-out"]
    stride = max(1, len(train) // MAX_LOSSES)
    return {
        "training": entry.training,
        "step": train[-1]["step"] if train else 0,
        "total": _total(entry),
        "seconds": train[-1].get("seconds") if train else None,
        "train_loss": [[row["step"], row["loss"]] for row in train[::-stride][::-1]],
        "validation_loss": [[row["step"], row["loss"]] for row in validation],
        "loss_by_noise_level": measured or (_by_noise_level(entry, validation[-1]) if validation else None),
        "milestones": [path.stem for path in _milestones(entry)],
    }


def _by_noise_level(entry: CatalogEntry, row: dict[str, Any]) -> dict[str, Any]:
    return {"c_noise": row["codes"], "loss": row["losses"], "exact": _exact_losses(entry)}


def card(entry: CatalogEntry) -> dict[str, Any]:
    """Return the card of a model as HTML without images, and its newest milestone grids as data URLs.

    Raises `UsageError` for a symbolic link that leads outside of the run folder.
    """
    text = entry.read(entry.folder.card).decode(errors="replace") if entry.folder.card.is_file() else ""
    return {"card_html": markdown.render(text), "milestones": [_data_url(entry, path) for path in _milestones(entry)]}


def milestone(entry: CatalogEntry, name: str) -> dict[str, str]:
    """Return the sample grid of a milestone as a data URL. Raises `UsageError` for an unknown milestone, or as `card`."""
    # Looked up among the existing files: a name from a request never becomes a path.
    found = next((path for path in _sample_files(entry) if path.stem == name), None)
    if found is None:
        raise UsageError(
            f"{entry.name} has no milestone '{name}': choose one of those that the page lists",
            code="unknown-name",
            field="milestone",
        )
    return _data_url(entry, found)


def _data_url(entry: CatalogEntry, path: Path) -> dict[str, str]:
    content = base64.b64encode(entry.read(path)).decode("ascii")
    return {"name": path.stem, "source": f"data:image/png;base64,{content}"}


def quality(entries: Sequence[CatalogEntry], data: str) -> list[dict[str, Any]]:
    """Return the results of `evaluate` for models of `data`: network evaluations, seconds for 64 images, relative FD.

    Bundled models are always included; rows of a run carry the name of its entry.
    """
    file = resources.files("inkwash.models") / "quality.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    for entry in entries:
        if not entry.bundled:
            found += [asdict(row) | {"model": entry.name} for row in run_quality.read(entry.folder)]
    return [row for row in found if row["data"] == data]


def _milestones(entry: CatalogEntry) -> list[Path]:
    # In the order of training steps: modification times are unreliable.
    steps = {str(row.get("picture")): row["step"] for row in entry.folder.rows() if row["kind"] == "held-out"}
    return sorted(_sample_files(entry), key=lambda path: (steps.get(path.stem, 0), path.stem))[-MAX_GRIDS:]


def _sample_files(entry: CatalogEntry) -> Iterator[Path]:
    return entry.folder.samples.glob("[!.]*.png")


def _exact_losses(entry: CatalogEntry) -> list[float] | None:
    try:
        profile = entry.folder.read_memorizing_loss()
        return None if profile is None else profile["losses"]
    except (OSError, ValueError, KeyError):
        return None


def _total(entry: CatalogEntry) -> int | None:
    """Return the total number of steps of the run, None when its checkpoint does not hold it."""
    total = entry.header.get("total")
    return total if isinstance(total, int) else None
