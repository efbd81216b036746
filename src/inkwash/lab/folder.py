"""The folder of an experiment: its card, results, pictures and runs, and the request that it was begun with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation.measures import MOST
from inkwash.evaluation.score import FEWEST
from inkwash.io.atomic import write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parsed_json
from inkwash.io.names import require_contained


@dataclass(frozen=True)
class Request:
    """What was asked for when an experiment was begun; None means as the experiment says.

    `length` is that of each training, `planned` what a length in minutes came to on this machine; `run` replaces the
    experiment's model. Raises `UsageError` for a `count` too small to be judged.
    """

    experiment: str
    count: int | None = None
    data: str | None = None
    length: str | None = None
    run: str | None = None
    planned: str | None = None

    def __post_init__(self) -> None:
        if self.count is not None and not FEWEST <= self.count <= MOST:
            raise UsageError(f"-n is {self.count}: FD needs at least {FEWEST} images per variant, at most {MOST:,}")

    @property
    def command(self) -> str:
        """The command that does it again."""
        given = {"-n": self.count, "--data": self.data, "--length": self.length, "--run": self.run}
        options = [f"{flag} {_quoted(value)}" for flag, value in given.items() if value is not None]
        return " ".join(["inkwash lab", self.experiment, *options])


@dataclass(frozen=True)
class LabFolder:
    """The paths of an experiment's folder."""

    path: Path

    @property
    def request(self) -> Path:
        """What was asked for, JSON: it marks the folder as the experiment's own."""
        return self.path / "request.json"

    @property
    def card(self) -> Path:
        """The experiment record, Markdown."""
        return self.path / "card.md"

    @property
    def results(self) -> Path:
        """All that was measured and the verdict, JSON."""
        return self.path / "results.json"

    @property
    def pictures(self) -> Path:
        """The folder of pictures and figures."""
        return self.path / "pictures"

    @property
    def same_seeds(self) -> Path:
        """The picture in which every arm shows the same seeds."""
        return self.pictures / "same-seeds.png"

    @property
    def runs(self) -> Path:
        """The folder of the run folders of what was trained."""
        return self.path / "runs"

    def measured(self, place: int) -> Path:
        """Return the file that keeps what was measured of the arm at `place`."""
        return self.path / "measured" / f"{place:02d}.json"

    def begin(self, asked: Request) -> Request:
        """Return the request that holds from here on: what was asked when the experiment was begun, if it was.

        The number of images may change from call to call, what trained models depend on may not. Raises `UsageError`
        when the folder is another's, or was begun with another length, data or run; `InkwashError` when its request is
        damaged.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"--out {self.path} is a file, not a folder: choose another --out")
        if not self.request.is_file():
            if self.path.is_dir() and any(self.path.iterdir()):
                raise UsageError(
                    f"{self.path} already holds something that is no experiment's, and nothing is overwritten: "
                    "choose another --out"
                )
            return asked
        require_contained(self.path)
        before = self._read()
        if before.experiment != asked.experiment:
            raise UsageError(f"{self.path} holds the experiment {before.experiment}: choose another --out")
        for option in ("data", "length", "run"):
            then, now = getattr(before, option), getattr(asked, option)
            if now is not None and now != then:
                was = f"--{option} {then}" if then is not None else f"no --{option}"
                raise UsageError(
                    f"{self.path} was begun with {was} and resumes with that: choose another --out for --{option} {now}"
                )
        return before if asked.count is None else replace(before, count=asked.count)

    def keep(self, request: Request) -> None:
        """Write down what was asked for."""
        write_text(self.request, json.dumps(with_checksum(asdict(request)), indent=2) + "\n")

    def _read(self) -> Request:
        try:
            return Request(**verified(parsed_json(self.request.read_text(encoding="utf-8"))))
        except (ValueError, TypeError) as error:
            raise InkwashError(
                f"{self.request} is damaged ({error}): delete {self.path} or choose another --out"
            ) from None


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text
