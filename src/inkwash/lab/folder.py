"""The folder of an experiment: the request that it was started with, and the paths of card, results, pictures and runs."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation.scores import MAX_COUNT, MIN_FD_COUNT
from inkwash.io.atomic import write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parse_json
from inkwash.io.names import require_contained


@dataclass(frozen=True)
class LabRequest:
    """The arguments of an experiment; None stands for the experiment's own value.

    `length` is that of each training, `planned` the number of images that a length in minutes amounts to on this
    machine; `run` replaces the experiment's model; `value_range` is that of numbers in `data`. Raises `UsageError` for a
    `count` out of range.
    """

    experiment: str
    count: int | None = None
    data: str | None = None
    length: str | None = None
    run: str | None = None
    planned: str | None = None
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse a count that FD cannot be measured at; JSON has a list for the range."""
        if self.value_range is not None:
            object.__setattr__(self, "value_range", tuple(self.value_range))
        if self.count is not None and not MIN_FD_COUNT <= self.count <= MAX_COUNT:
            raise UsageError(
                f"-n is {self.count}: FD needs at least {MIN_FD_COUNT} images per variant, at most {MAX_COUNT:,}",
                code="out-of-range",
                field="n",
            )

    @property
    def command(self) -> str:
        """The command line that reproduces the experiment."""
        given = {"-n": self.count, "--data": self.data, "--length": self.length, "--run": self.run}
        options = [f"{flag} {shlex.quote(str(value))}" for flag, value in given.items() if value is not None]
        options += [] if self.value_range is None else [f"--range {_text(self.value_range)}"]
        return " ".join(["inkwash lab", self.experiment, *options])


def _text(value: object) -> str:
    """Return the value of an option as it is typed."""
    return " ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class LabFolder:
    """The paths of an experiment's folder."""

    path: Path

    @property
    def request(self) -> Path:
        """The request, JSON; it identifies the folder as that of an experiment."""
        return self.path / "request.json"

    @property
    def card(self) -> Path:
        """The card, Markdown."""
        return self.path / "card.md"

    @property
    def results(self) -> Path:
        """The results of all variants and the verdict, JSON."""
        return self.path / "results.json"

    @property
    def pictures(self) -> Path:
        """The folder of pictures and figures."""
        return self.path / "pictures"

    @property
    def same_seeds(self) -> Path:
        """The picture with the same seeds in a row for each variant."""
        return self.pictures / "same-seeds.png"

    @property
    def runs(self) -> Path:
        """The folder of the run folders of all models that were trained."""
        return self.path / "runs"

    def resume(self, request: LabRequest) -> LabRequest:
        """Return the request that the folder was started with, or `request` in a new folder.

        The number of samples may change, but not what the trained models depend on. Raises `UsageError` when the folder
        is not that of this experiment or was started with another length, data or run, `InkwashError` when its request
        is damaged.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"--out {self.path} is a file: give a folder", code="wrong-file", field="out")
        if not self.request.is_file():
            if self.path.is_dir() and any(self.path.iterdir()):
                raise UsageError(
                    f"{self.path} has files but is not the folder of an experiment: choose another --out",
                    code="exists",
                    field="out",
                )
            return request
        require_contained(self.path)
        started = self._read()
        if started.experiment != request.experiment:
            raise UsageError(
                f"{self.path} is the folder of experiment {started.experiment}: choose another --out",
                code="exists",
                field="out",
            )
        for option in ("data", "length", "run", "range"):
            name = "value_range" if option == "range" else option
            before, now = getattr(started, name), getattr(request, name)
            if now is not None and now != before:
                raise UsageError(
                    f"{self.path} was started with {f'--{option} {_text(before)}' if before else f'no --{option}'}: "
                    f"choose another --out for --{option} {_text(now)}",
                    code="mismatch",
                    field=option,
                )
        return started if request.count is None else replace(started, count=request.count)

    def write(self, request: LabRequest) -> None:
        """Write the request."""
        write_text(self.request, json.dumps(with_checksum(asdict(request)), indent=2) + "\n")

    def _read(self) -> LabRequest:
        try:
            return LabRequest(**verified(parse_json(self.request.read_text(encoding="utf-8"))))
        except (ValueError, TypeError) as error:
            raise InkwashError(
                f"{self.request} is damaged ({error}): choose another --out", code="damaged-file"
            ) from None
