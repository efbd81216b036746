"""Make a run folder a bundled model: its averaged weights in half precision, recipe, card and pictures.

    python tools/bundle.py runs/ddim-300-1

writes inkwash/models/NAME in the shape of a run folder, so that one loader serves both.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch

from inkwash.runs.folder import RunFolder
from inkwash.training import checkpoints
from inkwash.training.checkpoints import Checkpoint

MODELS = Path(__file__).parent.parent / "inkwash" / "models"
KEPT = (
    "recipe.toml",
    "environment.json",
    "metrics.jsonl",
    "floor.json",
    "card.md",
    "loss.png",
    "loss-against-noise.png",
)


def bundle(source: Path) -> Path:
    """Write the bundled form of the run folder `source` and return its place."""
    run = RunFolder.open(source)
    found = checkpoints.load(run.latest)
    name = found.header["recipe"]["name"]
    # a path of this machine says nothing to others: the data's own name does
    found.header["recipe"]["data"]["name"] = found.header["facts"]["data"]
    halves = {
        f"average.{key}": value.to(torch.float16) if value.is_floating_point() else value
        for key, value in found.part("average").items()
    }
    target = MODELS / name
    if target.exists():
        sys.exit(f"{target} exists: history keeps every version of a weight file, so remove it on purpose first")
    checkpoints.save(target / "checkpoints" / "latest.safetensors", Checkpoint(found.header, halves))
    given = run.written_recipe()["data"]["name"]
    for part in KEPT:
        text = source / part
        if text.suffix in {".toml", ".md"}:
            (target / part).write_text(
                text.read_text().replace(str(given), found.header["facts"]["data"]).replace(str(source), name)
            )
        elif text.is_file():
            shutil.copy(text, target / part)
    shutil.copytree(run.samples, target / "samples")
    return target


if __name__ == "__main__":
    print(bundle(Path(sys.argv[1])))
