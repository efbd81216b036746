"""What was measured of a model, a row a setting; that of a run is kept in its folder, for whoever looks at the run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass

from inkwash import model as models
from inkwash.errors import InkwashError
from inkwash.evaluation.comparison import Entry
from inkwash.evaluation.sample_cache import Setting
from inkwash.io.atomic import write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parsed_json
from inkwash.model import Model
from inkwash.runs.folder import RunFolder


@dataclass(frozen=True)
class Measured:
    """One setting of a model at a `step`: evaluations an image, seconds for 64, and FD over that of `n` real images."""

    model: str
    data: str
    step: int
    sampler: str
    n: int
    evaluations: float
    seconds: float
    times: float

    @classmethod
    def of(cls, setting: Setting, entry: Entry, key: str) -> Measured | None:
        """Return the row of an entry by its score `key`; None where that was left out, or has no real value beside it."""
        times = entry.evaluation[key].ratio if key in entry.evaluation else None
        if times is None or entry.evaluations is None or entry.seconds is None:
            return None
        chosen = setting.model
        sampler = entry.sampler + ("" if setting.precision == "float32" else f", {setting.precision}")
        cost = round(entry.evaluations, 2), round(entry.seconds, 4)
        return cls(
            chosen.name, chosen.spec.data, chosen.step, sampler, entry.evaluation.count, *cost, times=round(times, 4)
        )


def of(folder: RunFolder) -> list[Measured]:
    """Return the rows that a run folder holds; what is missing or damaged is left out."""
    found = []
    with suppress(OSError, ValueError, TypeError):
        for row in parsed_json(folder.quality.read_text(encoding="utf-8")):
            with suppress(ValueError, TypeError):
                found.append(Measured(**verified(row)))
    return found


def keep(chosen: Model, rows: Iterable[Measured]) -> None:
    """Put `rows` into the run folder that `chosen` was loaded from, in place of those of the same sampler and number.

    Does nothing for a model that is no run's latest, nor where the folder cannot be written: figures are told anyway.
    """
    folder = _run_of(chosen)
    if folder is None:
        return
    fresh = list(rows)
    named = {(row.sampler, row.n) for row in fresh}
    stay = [row for row in of(folder) if (row.sampler, row.n) not in named]
    told = [with_checksum(asdict(row)) for row in [*stay, *fresh]]
    try:
        write_text(folder.quality, json.dumps(told, indent=1) + "\n")
    except InkwashError:
        return


def _run_of(chosen: Model) -> RunFolder | None:
    if chosen.path is None:
        return None
    folder = RunFolder(chosen.path.parent.parent)
    bundled = chosen.path in {models.find(name) for name in models.bundled()}
    return folder if not bundled and folder.recipe.is_file() and folder.latest == chosen.path else None
