"""A large draw in parts, which lie beside its file until all are there: an interruption loses one, processes share them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.io import npz
from inkwash.io.atomic import atomic, write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parsed_json
from inkwash.io.names import path_in
from inkwash.sampling.request import Drawing

LEAST = 1000
"""Examples of a part, at least: few enough to lose, many enough that files do not count."""


@dataclass(frozen=True)
class Parts:
    """The parts of `drawing`, of `size` examples each, in a `folder` of their own."""

    drawing: Drawing
    folder: Path
    size: int

    @classmethod
    def claim(cls, drawing: Drawing, target: Path, batch: int, go_on: bool) -> Parts:
        """Return the parts of a draw into `target`, those of an interrupted one where it shall `go_on`.

        Raises `UsageError` when an interrupted draw lies there and nobody said what to do with it, or when it is another.
        """
        # whole batches, so that every image is drawn among the same ones as without parts
        made = cls(drawing, path_in(target.parent, f"{target.name}.parts"), -(-LEAST // batch) * batch)
        if not made._facts.is_file():
            write_text(made._facts, json.dumps(with_checksum(made._told())) + "\n")
            return made
        try:
            kept = verified(parsed_json(made._facts.read_text(encoding="utf-8")))
            size = int(kept.pop("size"))
        except (ValueError, KeyError, AttributeError, OSError):
            raise InkwashError(f"{made._facts} is damaged: remove {made.folder} and draw anew") from None
        if not go_on:
            raise UsageError(
                f"{made.folder} holds an interrupted run of samples: resume it with --continue, or remove the folder"
            )
        mine = made._told()
        del mine["size"]
        if json.loads(json.dumps(mine)) != kept:
            raise UsageError(
                f"{made.folder} is of another draw, with other weights or settings: give the same command, or remove it"
            )
        return cls(drawing, made.folder, size)

    @property
    def count(self) -> int:
        """How many parts there are in all."""
        return -(-self.drawing.count // self.size)

    def missing(self, process_group: ProcessGroup) -> list[int]:
        """Return the parts that are not there yet, of those that this process draws."""
        return [
            k for k in range(process_group.rank, self.count, process_group.world_size) if not self._file(k).is_file()
        ]

    def examples(self, parts: list[int]) -> int:
        """Return how many examples these parts have."""
        return sum(len(range(self.drawing.count)[self._span(k)]) for k in parts)

    def draw(self, parts: list[int], batch: int, done: Callable[[float], object]) -> None:
        """Draw these parts and keep each; `done(examples)` hears how far it is."""
        before = 0
        for k in parts:
            some = self.drawing.part(self._span(k))
            drawn = [each.values.numpy() for each in some.batches(batch, lambda now, before=before: done(before + now))]
            with atomic(self._file(k)) as temporary:
                # an archive has a checksum of what is in it
                np.savez(temporary, values=np.concatenate(drawn))
            before += some.count

    def values(self) -> Iterator[NDArray[np.generic]]:
        """Yield the values of all parts in order, uint8 [n, C, H, W] or float32 [n, D].

        Raises `InkwashError` for a part that is damaged, having removed it.
        """
        for k in range(self.count):
            try:
                found = npz.read(self._file(k).read_bytes())["values"]
                if len(found) != self.examples([k]):
                    raise ValueError(f"{len(found):,} examples for {self.examples([k]):,}")
            except npz.DAMAGES as error:
                self._file(k).unlink(missing_ok=True)
                raise InkwashError(
                    f"{self._file(k)} was damaged ({error}) and is removed: the same command with --continue draws it again"
                ) from None
            yield found

    def forget(self) -> None:
        """Remove the folder: the whole is where it was asked for."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _facts(self) -> Path:
        return self.folder / "draw.json"

    def _told(self) -> dict[str, object]:
        return {"size": self.size, **self.drawing.metadata()}

    def _file(self, k: int) -> Path:
        return self.folder / f"{k:06d}.npz"

    def _span(self, k: int) -> slice:
        return slice(k * self.size, (k + 1) * self.size)
