"""Make a run folder a bundled model: its EMA weights in half precision, recipe, card and images.

    python tools/bundle.py runs/ddim-300-1

writes src/inkwash/models/NAME in the shape of a run folder, so that one loader serves both.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

import inkwash
from inkwash.config.recipe import Recipe, load
from inkwash.data.spec import DatasetSpec
from inkwash.io import checkpoints
from inkwash.io.atomic import write_text
from inkwash.io.checkpoints import Checkpoint
from inkwash.runs.card import write_card
from inkwash.runs.folder import RunFolder
from inkwash.training.state import TrainingProgress

MODELS = Path(inkwash.__file__).parent / "models"
COPIED = ("environment.json", "metrics.jsonl", "floor.json")


def bundle(source: Path) -> Path:
    """Write the bundled form of the run folder `source` and return its path."""
    run = RunFolder.open(source)
    found = checkpoints.load(run.latest)
    # The data are named by their own name, because a path of this machine is useless elsewhere.
    found.header["recipe"]["data"]["name"] = found.header["facts"]["data"]
    trained = Recipe.from_dict(found.header["recipe"])
    # Training settings are those of the run, texts and sampling settings those of the current recipe.
    current = load(trained.name)
    recipe = replace(trained, about=current.about, sampling=current.sampling, experiment=current.experiment)
    found.header["recipe"] = recipe.to_dict()
    target = RunFolder(MODELS / recipe.name)
    if target.path.exists():
        sys.exit(f"{target.path} exists: remove it first; the history of the repository keeps every version of it")
    halves = {
        f"average.{key}": value.to(torch.float16) if value.is_floating_point() else value
        for key, value in found.part("average").items()
    }
    checkpoints.save(target.latest, Checkpoint(found.header, halves))
    write_sums()
    write_text(target.recipe, recipe.to_toml())
    for part in COPIED:
        shutil.copy(source / part, target.path / part)
    shutil.copytree(run.samples, target.samples)
    header = found.header
    progress, spec = TrainingProgress(**header["progress"]), DatasetSpec.from_dict(header["facts"])
    write_card(target, recipe, spec, progress, header["total"], header.get("pretrained"))
    write_text(target.card, target.card.read_text(encoding="utf-8").replace(target.path.as_posix(), recipe.name))
    return target.path


def write_sums() -> None:
    """Write the SHA-256 of every bundled checkpoint, which is verified when a model is loaded."""
    found = {path.parent.parent.name: path for path in MODELS.glob("*/checkpoints/latest.safetensors")}
    sums = {name: hashlib.sha256(found[name].read_bytes()).hexdigest() for name in sorted(found)}
    write_text(MODELS / "sums.json", json.dumps(sums, indent=1) + "\n")


if __name__ == "__main__":
    print(bundle(Path(sys.argv[1])))
