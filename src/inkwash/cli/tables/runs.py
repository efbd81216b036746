"""A model, a run folder or a checkpoint file: what it holds, whether it is whole, and its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markdown import Markdown
from rich.table import Table

from inkwash import checks, model
from inkwash.checks import Concern
from inkwash.cli.console import Console
from inkwash.cli.tables import warnings as concern_lines
from inkwash.errors import InkwashError
from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint
from inkwash.text.printing import printable


def show(name: str, as_json: bool, told: Sequence[Concern] | None = None) -> int:
    """Print what `name` holds, and return 0.

    `told` are the concerns of its recipe where they have been printed: only others are then. Raises `InkwashError`, when
    all is said, where a checkpoint is damaged.
    """
    latest = Path(name) if Path(name).is_dir() else model.find(name)
    files = checkpoints.kept(latest / "checkpoints") if latest.is_dir() else [latest]
    rows = [_described(file) for file in files]
    card = (latest if latest.is_dir() else latest.parent.parent) / "card.md"
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _tell(name, rows, card, told)
    damaged = [row["damaged"] for row in rows if row["damaged"]]
    if damaged:
        whole = checkpoints.newest_whole(files[0].parent)
        way = "none of them is whole" if whole is None else f"the newest whole one is {_placed(*whole)}"
        if whole is not None and any(row["damaged"] and row["file"] == whole[0].name for row in rows):
            way = "train it anew, or use another checkpoint"  # intact, and of a model that cannot be
        raise InkwashError("; ".join([*damaged, way]))
    return 0


def _tell(name: str, rows: list[dict[str, Any]], card: Path, told: Sequence[Concern] | None) -> None:
    console = Console(highlight=False)
    table = Table(title=f"Checkpoints of {name}", title_justify="left")
    for heading in ("file", "state", "step", "weights", "recipe", "data"):
        table.add_column(heading)
    for row in rows:
        state = "damaged" if row["damaged"] else "whole"
        table.add_row(row["file"], state, f"{row['step']:,}", row["weights"], row["recipe"], row["data"])
    console.print(table if rows else f"{name} has no checkpoint yet")
    if card.is_file() and Path(name).suffix != ".safetensors":
        console.print(Markdown(printable(card.read_text(encoding="utf-8"))))
    # each once: most of them are of the recipe that the files share
    said = dict.fromkeys(Concern(**each) for row in rows for each in row["concerns"])
    new = [concern for concern in said if concern not in (told or ())]
    if new or told is None:
        concern_lines.tell(console, new)


def _placed(path: Path, found: Checkpoint) -> str:
    return f"{path.name}, step {found.header['progress']['step']:,}"


def _described(file: Path) -> dict[str, Any]:
    names = {"weights": "", "recipe": "", "data": ""}
    empty = {"file": file.name, "damaged": "", "step": 0, "trainable": False, "concerns": []} | names
    try:
        model.require_as_bundled(file)
        found = checkpoints.load(file)
        checkpoints.require(file, found.header)
        average = found.part("average")
        concerns = checks.of_checkpoint(found.header, sum(value.numel() for value in average.values()))
    except InkwashError as error:
        told = str(error) if str(file) in str(error) else f"{file}: {error}"
        return empty | {"damaged": told}
    header = found.header
    return empty | {
        "step": header["progress"]["step"],
        "weights": checkpoints.digest(average),
        "recipe": header["recipe"]["name"],
        "data": header["facts"]["data"],
        "trainable": bool(found.part("optimizer")),
        "held_out": header["progress"].get("best"),
        "concerns": [concern._asdict() for concern in concerns],
    }
