"""The page as a folder of static files that draws in the browser: no server, and nothing from anywhere else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from inkwash.config.schema import encode_schedule
from inkwash.core import Schedule, Warped
from inkwash.export import onnx, runtime
from inkwash.io.atomic import fresh_folder, write_text
from inkwash.model import Model, bundled
from inkwash.runs.folder import RunFolder
from inkwash.web import figures
from inkwash.web.catalog import Entry, described

PAGE = resources.files("inkwash.web") / "page"
ENGINE = resources.files("inkwash.export") / "engine"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def write(model: Model, name: str, run: RunFolder | None, folder: Path, tell: Callable[[str], object]) -> float:
    """Write the page of `model` into the new `folder` and return the largest difference of its network from torch.

    It is called `name` there; `run` is the run folder that its losses come from, None for none. Raises `UsageError` when
    the folder holds something, and as `onnx.write` and `runtime.files` do; then no folder is left.
    """
    onnx.require()
    with fresh_folder(folder) as made:
        return _write(model, metadata(model, name, run), made, tell)


def _write(model: Model, told: dict[str, Any], folder: Path, tell: Callable[[str], object]) -> float:
    tell("the browser's runtime")
    parts = runtime.files()
    tell("the page")
    with resources.as_file(PAGE) as page, resources.as_file(ENGINE) as engine:
        shutil.copytree(
            page, folder, dirs_exist_ok=True, ignore=lambda where, names: ["engine"] if where == str(page) else []
        )
        shutil.copytree(engine, folder / "engine")
        shutil.copy(page / "engine" / "base64.js", folder / "engine")
    for name, content in parts.items():
        (folder / "engine" / name).write_bytes(content)
    index = (folder / "index.html").read_text(encoding="utf-8")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    write_text(
        folder / "index.html", index.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {meta}', 1)
    )
    write_text(folder / "model.json", json.dumps(told) + "\n")
    tell("the network")
    return onnx.write(model, folder / "model.onnx")


def metadata(model: Model, name: str, run: RunFolder | None) -> dict[str, Any]:
    """Return what the page must know of a model: as a server tells it, with what the samplers need."""
    return {
        "model": described(model.recipe, model.spec, model.step) | {"name": name, "bundled": True, "training": False},
        "recipe": {"target": model.recipe.target, "clip": model.recipe.clip},
        "std": model.spec.data_std,
        "proportions": list(model.spec.proportions),
        "weights": model.weights,
        "schedule": spelled(model.recipe.schedule),
        "sampled": spelled(model.schedule()),
        "names": {"trained": repr(model.recipe.schedule), "sampled": repr(model.schedule())},
        "course": {} if run is None else figures.history(Entry(name, run, True)) | {"pictures": []},
        "quality": figures.quality([] if run is None else [Entry(name, run, name in bundled())], model.spec.data),
    }


def spelled(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as its kind, its options and its warps, the innermost first."""
    warps: list[dict[str, Any]] = []
    while isinstance(schedule, Warped):
        warps.insert(0, encode_schedule(Warped(schedule.schedule, schedule.warp))["warp"])
        schedule = schedule.schedule
    return encode_schedule(schedule) | {"warps": warps}
