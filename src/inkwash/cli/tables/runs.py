"""A model, run folder or checkpoint file: its checkpoints, their state, warnings, and the card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markdown import Markdown
from rich.table import Table

from inkwash import checks, model
from inkwash.checks import CheckWarning
from inkwash.cli.tables import check_warnings
from inkwash.errors import InkwashError
from inkwash.io import checkpoints
from inkwash.text.console import Console
from inkwash.text.printing import printable


def show(name: str, as_json: bool, concerns: Sequence[CheckWarning] = ()) -> int:
    """Print the checkpoints of `name`, its card, and last the warnings: `concerns` and those of the checkpoints. Return 0.

    Raises `InkwashError` after printing when a checkpoint is damaged.
    """
    latest = Path(name) if Path(name).is_dir() else model.find(name)
    files = checkpoints.files_in(latest / "checkpoints") if latest.is_dir() else [latest]
    rows = [_row(file) for file in files]
    card = (latest if latest.is_dir() else latest.parent.parent) / "card.md"
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _print(name, rows, card, concerns)
    damaged = [row["damaged"] for row in rows if row["damaged"]]
    if damaged:
        raise InkwashError("; ".join([*damaged, _alternative(files[0].parent, rows)]), code="damaged-file")
    return 0


def _print(name: str, rows: list[dict[str, Any]], card: Path, concerns: Sequence[CheckWarning]) -> None:
    console = Console()
    table = Table(title=f"Checkpoints of {name}", title_justify="left")
    for heading in ("file", "state", "step", "weights", "recipe", "data"):
        table.add_column(heading)
    for row in rows:
        state = "damaged" if row["damaged"] else "valid"
        table.add_row(row["file"], state, f"{row['step']:,}", row["weights"], row["recipe"], row["data"])
    console.print(table if rows else f"{name} has no checkpoint yet")
    if card.is_file() and Path(name).suffix != ".safetensors":
        console.print(Markdown(printable(card.read_text(encoding="utf-8"))))
    # The checkpoints share a recipe, so most concerns occur once for each of them.
    found = [*concerns, *(CheckWarning(**each) for row in rows for each in row["concerns"])]
    check_warnings.show(console, list(dict.fromkeys(found)))


def _alternative(folder: Path, rows: list[dict[str, Any]]) -> str:
    """Return what can be used in place of the damaged checkpoints."""
    newest = checkpoints.newest_intact(folder)
    if newest is None:
        return "no checkpoint is valid; train again"
    path, found = newest
    if any(row["damaged"] and row["file"] == path.name for row in rows):
        # The file is valid, but its recipe is not that of a model.
        return "train again, or use another checkpoint"
    return f"the newest valid checkpoint is {path.name}, step {found.header['progress']['step']:,}"


def _row(file: Path) -> dict[str, Any]:
    try:
        model.require_as_bundled(file)
        found = checkpoints.load(file)
        checkpoints.require_header(file, found.header)
        ema = found.part("average")
        concerns = checks.check_checkpoint(found.header, sum(value.numel() for value in ema.values()))
    except InkwashError as error:
        if error.code == "wrong-file":
            raise
        reason = str(error) if str(file) in str(error) else f"{file}: {error}"
        unknown = {"step": 0, "weights": "", "recipe": "", "data": "", "trainable": False, "concerns": []}
        return {"file": file.name, "damaged": reason} | unknown
    header = found.header
    return {
        "file": file.name,
        "damaged": "",
        "step": header["progress"]["step"],
        "weights": checkpoints.weights_digest(ema),
        "recipe": header["recipe"]["name"],
        "data": header["facts"]["data"],
        "trainable": bool(found.part("optimizer")),
        "held_out": header["progress"].get("best"),
        "concerns": [concern._asdict() for concern in concerns],
    }
