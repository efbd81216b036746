"""A run folder: the files of a training run, in formats that other tools can read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from inkwash.errors import InkwashError, UsageError
from inkwash.io import limits, names, toml
from inkwash.io.atomic import write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.runs.environment import describe_environment
from inkwash.runs.tensorboard import TensorBoardWriter
from inkwash.text.printing import quoted


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run: recipe, environment, metrics, checkpoints, samples, plots and card."""

    path: Path

    @classmethod
    def unused(cls, path: str | Path) -> RunFolder:
        """Return the run folder to create at `path`. Raises `UsageError` when `path` exists and is not empty."""
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            way = f"inkwash train {quoted(path)} resumes it, " if (path / "recipe.toml").is_file() else ""
            raise UsageError(
                f"{path} is not empty and nothing is overwritten: {way}another --out starts a new run",
                code="exists",
                field="out",
            )
        return cls(path)

    @classmethod
    def create(cls, path: str | Path) -> RunFolder:
        """Create a run folder. Raises `UsageError` when `path` is not empty or cannot be written."""
        folder = cls.unused(path)
        try:
            for part in (folder.checkpoints, folder.samples):
                part.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot write a run folder at {path}: {error.strerror}; choose another --out", code="io", field="out"
            ) from None
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Return an existing run folder. Raises `UsageError` when `path` is not one."""
        folder = cls(Path(path))
        if not folder.recipe.is_file():
            raise UsageError(f"{path} is not a run folder: it has no recipe.toml", code="wrong-file", field="run")
        names.require_contained(folder.path)
        for file in (*folder.checkpoints.glob("[!.]*.safetensors"), *folder.samples.glob("[!.]*.png")):
            names.checked_name(file.stem, f"the name of a file in {file.parent}")
        return folder

    @classmethod
    def next_unused(cls, name: str, root: str | Path = "runs") -> Path:
        """Return root/name-1, or the path with the first higher number that does not exist."""
        number = 1
        while (path := names.path_in(root, f"{name}-{number}")).exists():
            number += 1
        return path

    @property
    def recipe(self) -> Path:
        """The resolved recipe, TOML."""
        return self.path / "recipe.toml"

    @property
    def launch(self) -> Path:
        """The identifier of torchrun's launch that created this folder, for its restarts."""
        return self.path / ".launch"

    @property
    def environment(self) -> Path:
        """Hardware, versions and commit, JSON: one entry a session."""
        return self.path / "environment.json"

    @property
    def metrics(self) -> Path:
        """Losses by step, JSON lines: `kind` is "train", "held-out" (validation) or, for a length in minutes, "plan"."""
        return self.path / "metrics.jsonl"

    @property
    def memorizing_loss(self) -> Path:
        """The loss of the memorizing (empirical) denoiser by noise level, JSON; measured once per run."""
        return self.path / "floor.json"

    @property
    def quality(self) -> Path:
        """The results of `inkwash evaluate`, JSON: one row per sampler setting."""
        return self.path / "quality.json"

    @property
    def card(self) -> Path:
        """The experiment record, Markdown."""
        return self.path / "card.md"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints: latest, best and one per milestone."""
        return self.path / "checkpoints"

    @property
    def teacher(self) -> Path:
        """The model that is distilled, from which a resumed run reads it."""
        return self.path / "teacher.safetensors"

    @property
    def latest(self) -> Path:
        """The newest checkpoint, from which a run is resumed and a model is loaded."""
        return self.checkpoints / "latest.safetensors"

    @property
    def samples(self) -> Path:
        """The folder of the sample grids of milestones."""
        return self.path / "samples"

    def delete_old_milestones(self, milestones: Sequence[str], keep: int | None) -> None:
        """Delete the checkpoints of `milestones` (names, earliest first) except the newest `keep`; None keeps all."""
        existing = [name for name in milestones if (self.checkpoints / f"{name}.safetensors").is_file()]
        for name in existing[: len(existing) - keep] if keep is not None else ():
            (self.checkpoints / f"{name}.safetensors").unlink(missing_ok=True)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the metrics, without those that are damaged or cut off by a crash."""
        return [row for _, row in self._lines()]

    def truncate_metrics(self, step: int) -> None:
        """Delete metrics after `step`: a run that is resumed there writes them again."""
        write_text(self.metrics, "".join(f"{line}\n" for line, row in self._lines() if row["step"] <= step))

    def _lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if not self.metrics.is_file():
            return
        for line in self.metrics.read_text(encoding="utf-8", errors="replace").split("\n"):
            with suppress(ValueError):
                row = verified(limits.parse_json(line))
                if "kind" in row and isinstance(row.get("step"), int):
                    yield line, row

    def write_memorizing_loss(self, values: dict[str, Any] | None) -> None:
        """Write the loss of the memorizing denoiser by noise level, None where it costs too much to measure."""
        write_text(self.memorizing_loss, json.dumps(None if values is None else with_checksum(values)) + "\n")

    def read_memorizing_loss(self) -> dict[str, Any] | None:
        """Return what was written by `write_memorizing_loss`. Raises `OSError` without a file, `ValueError` when damaged."""
        found = limits.parse_json(self.memorizing_loss.read_text(encoding="utf-8"))
        return None if found is None else verified(found)

    def has_memorizing_loss(self) -> bool:
        """Return whether the loss of the memorizing denoiser was written and is intact."""
        try:
            values = self.read_memorizing_loss()
            return values is None or {"codes", "losses"} <= values.keys()
        except (OSError, ValueError, TypeError):
            return False

    @contextmanager
    def log(self, after: int = 0) -> Iterator[Log]:
        """Open the metrics for appending after step `after`, and an event file if TensorBoard is installed."""
        board: TensorBoardWriter | None = None
        try:
            with suppress(ImportError):
                board = TensorBoardWriter(self.path / "tensorboard", after + 1)
            with self.metrics.open("a", encoding="utf-8", buffering=1) as file:
                yield Log(file, board)
        except OSError as error:
            # Closing the file writes the rest of its buffer, which fails as well when the disk is full.
            raise InkwashError(
                f"cannot write {self.metrics}: {error.strerror}; free the space and resume the run", code="io"
            ) from None
        finally:
            if board is not None:
                board.close()

    def begin_session(self, device: torch.device, code: str, processes: int = 1) -> int:
        """Append a session with machine, versions, commit (`code`) and processes to the environment; return its index."""
        entry = describe_environment(device, code) | {"processes": processes, "seconds": None, "until_step": None}
        before = self.sessions()
        write_text(self.environment, json.dumps([*before, entry], indent=2) + "\n")
        return len(before)

    def end_session(self, index: int, seconds: float, step: int) -> None:
        """Write the duration and the last step of the session `index`."""
        sessions = self.sessions()
        sessions[index] |= {"seconds": round(seconds, 1), "until_step": step}
        write_text(self.environment, json.dumps(sessions, indent=2) + "\n")

    def sessions(self) -> list[dict[str, Any]]:
        """Return the entries of the environment file, one per session."""
        if not self.environment.is_file():
            return []
        try:
            return list(limits.parse_json(self.environment.read_text(encoding="utf-8")))
        except ValueError as error:
            raise InkwashError(
                f"{self.environment} is damaged ({error}): repair it or move it away", code="damaged-file"
            ) from None

    def read_recipe(self) -> dict[str, Any]:
        """Return the recipe file as plain values. Raises `UsageError` when it is not TOML."""
        try:
            return toml.parse(limits.read_recipe_file(self.recipe))
        except ValueError as error:
            raise UsageError(f"{self.recipe} is not TOML: {error}", code="wrong-file", field="recipe") from None


@dataclass(frozen=True)
class Log:
    """An open metrics file and a TensorBoard event file; None for what is not written."""

    file: Any = None
    board: TensorBoardWriter | None = None

    def write(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Append a row, and add its numbers to TensorBoard unless it is a plan."""
        if self.file is None:
            return
        try:
            self.file.write(json.dumps(with_checksum({"kind": kind, "step": step} | values)) + "\n")
            if self.board is not None and kind != "plan":
                self.board.add({f"{kind}/{name}": value for name, value in _numbers(values)}, step)
        except OSError as error:
            raise InkwashError(
                f"cannot write {self.file.name}: {error.strerror}; free the space and resume the run", code="io"
            ) from None


def _numbers(values: dict[str, Any]) -> Iterable[tuple[str, float]]:
    return ((name, value) for name, value in values.items() if isinstance(value, int | float))
