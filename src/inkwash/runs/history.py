"""The losses of a run by step, read from its folder, with their plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from inkwash import model
from inkwash.config.recipe import Recipe
from inkwash.errors import UsageError
from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.viz import curves


@dataclass(frozen=True, eq=False)
class History:
    """The losses of the run `name`: `rows` ordered by step, with "loss" for training or "validation" for the EMA model.

    Training rows also have "rate", "gradient", "images" and "seconds"; `pandas.DataFrame(history.rows)` is a table of all.
    `milestones` are the steps of sample grids, `unit` is that of the losses.
    """

    name: str
    rows: tuple[dict[str, Any], ...]
    milestones: tuple[int, ...]
    unit: str

    @classmethod
    def of(cls, recipe: Recipe, metrics: Iterable[Mapping[str, Any]]) -> History:
        """Return the history in the rows of the `metrics` of a run of `recipe`."""
        trained, validated = [], []
        for row in metrics:
            if row["kind"] == "train":
                trained.append({key: value for key, value in row.items() if key != "kind"})
            elif row["kind"] == "held-out":
                validated.append(row)
        rows = trained + [{"step": row["step"], "validation": row["loss"]} for row in validated]
        milestones = tuple(row["step"] for row in validated if row.get("picture"))
        unit = validation_unit(recipe)
        if recipe.distillation is not None:
            unit = f"relativistic; validation: {unit}"
        return cls(recipe.name, tuple(sorted(rows, key=lambda row: row["step"])), milestones, unit)

    @classmethod
    def read(cls, name: str | Path) -> History:
        """Return the history of a bundled model, a run folder or a checkpoint in one. Raises `UsageError` without one."""
        folder = RunFolder(model.find(name).parent.parent)
        if not folder.metrics.is_file():
            raise UsageError(
                f"{name} has no metrics.jsonl: name a run folder, or a checkpoint in one",
                code="missing-file",
                field="model",
            )
        return cls.of(Recipe.from_dict(folder.read_recipe(), check_network_options=False), folder.rows())

    @property
    def losses(self) -> dict[int, float]:
        """The training loss by step: each of the first ten steps, then the mean of every ten."""
        return {row["step"]: row["loss"] for row in self.rows if "loss" in row}

    @property
    def validation(self) -> dict[int, float]:
        """The validation (held-out) loss of the EMA model by step."""
        return {row["step"]: row["validation"] for row in self.rows if "validation" in row}

    def __repr__(self) -> str:
        last = f", validation loss {[*self.validation.values()][-1]:.4g}" if self.validation else ""
        return f"History({self.name!r}, {len(self.rows)} rows{last})"

    def _repr_png_(self) -> bytes | None:
        return png_metadata.png_bytes(self.plot()) if self.rows else None

    def plot(self) -> Image.Image:
        """Return an image of both losses by step. Raises `UsageError` before the first step."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "loss.png"
            self.save(path)
            with Image.open(path) as image:
                return image.copy()

    def save(self, path: str | Path) -> None:
        """Write the plot to `path`: .png, .svg or .pdf."""
        curves.training_curve(path, self.rows, self.milestones, f"Training loss, {self.name}", self.unit)


def validation_unit(recipe: Recipe) -> str:
    """Return the unit of the validation loss of `recipe`."""
    if recipe.distillation is not None:
        return "energy distance to validation images"
    return f"squared error of {recipe.target}, mean over values"


@dataclass(frozen=True, eq=False, repr=False)
class TrainedModel(Model):
    """The EMA model of a run, with the `history` of its losses; `path` is the latest checkpoint in the run folder."""

    history: History = field(kw_only=True)
