"""quality.json of a run folder: the FD and cost of every evaluated sampler."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from inkwash import model as models
from inkwash.errors import InkwashError
from inkwash.evaluation.comparison import ComparisonEntry
from inkwash.evaluation.setting import Setting
from inkwash.io.atomic import write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parse_json
from inkwash.model import Model
from inkwash.runs.folder import RunFolder


@dataclass(frozen=True)
class QualityRow:
    """One sampler of a model at a training step.

    `evaluations` are network evaluations per sample, `seconds` are for 64 samples, `times` is FD over that of `n` real
    images.
    """

    model: str
    data: str
    step: int
    sampler: str
    n: int
    evaluations: float
    seconds: float
    times: float


def make_row(setting: Setting, entry: ComparisonEntry, key: str) -> QualityRow | None:
    """Return the row of an entry by its score `key`, None where it has no ratio to real images or no cost."""
    ratio = entry.evaluation[key].ratio if key in entry.evaluation else None
    if ratio is None or entry.evaluations is None or entry.seconds is None:
        return None
    return QualityRow(
        setting.model.name,
        setting.model.spec.data,
        setting.model.step,
        entry.sampler + ("" if setting.precision == "float32" else f", {setting.precision}"),
        entry.evaluation.count,
        round(entry.evaluations, 2),
        round(entry.seconds, 4),
        round(ratio, 4),
    )


def save_entry(setting: Setting, entry: ComparisonEntry, key: str) -> None:
    """Keep the row of `entry` in the run folder that the model is the latest checkpoint of, if any."""
    row = make_row(setting, entry, key)
    if row is not None:
        write(setting.model, [row])


def read(folder: RunFolder) -> list[QualityRow]:
    """Return the rows in a run folder; missing or damaged ones are left out."""
    found = []
    with suppress(OSError, ValueError, TypeError):
        for row in parse_json(folder.quality.read_text(encoding="utf-8")):
            with suppress(ValueError, TypeError):
                found.append(QualityRow(**verified(row)))
    return found


def write(model: Model, rows: list[QualityRow]) -> None:
    """Put `rows` into the run folder that `model` was loaded from, replacing those of the same sampler and count.

    Does nothing for a model that is not a run's latest, and where the folder is not writable: the scores are reported
    in any case.
    """
    folder = _run_of(model)
    if folder is None:
        return
    replaced = {(row.sampler, row.n) for row in rows}
    others = [row for row in read(folder) if (row.sampler, row.n) not in replaced]
    content = [with_checksum(asdict(row)) for row in [*others, *rows]]
    with suppress(InkwashError):
        write_text(folder.quality, json.dumps(content, indent=1) + "\n")


def _run_of(model: Model) -> RunFolder | None:
    if model.path is None:
        return None
    folder = RunFolder(model.path.parent.parent)
    is_bundled = model.path in {models.find(name) for name in models.bundled()}
    return folder if not is_bundled and folder.recipe.is_file() and folder.latest == model.path else None
