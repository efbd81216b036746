"""Large numbers of samples in chunks, stored beside the target until all exist.

An interruption loses at most one chunk, and several processes share them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.io import npz
from inkwash.io.atomic import atomic, write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parse_json
from inkwash.io.names import path_in
from inkwash.sampling.run import SamplingRun
from inkwash.text.progress import ProgressCallback

MIN_CHUNK_SIZE = 1000
"""Minimum number of examples per chunk: an interruption loses little, and writing takes negligible time."""


@dataclass(frozen=True)
class ChunkFolder:
    """The chunks of `run`, of `size` examples each, in `folder`."""

    run: SamplingRun
    folder: Path
    size: int

    @classmethod
    def open(cls, run: SamplingRun, target: Path, batch: int, resume: bool) -> ChunkFolder:
        """Return the chunks of a run into `target`, with those of an interrupted run if `resume`.

        Raises `UsageError` when chunks exist without `resume`, or belong to another run.
        """
        # Use a multiple of the batch size, so that every image is sampled in the same batch as without chunks.
        new = cls(run, path_in(target.parent, f"{target.name}.parts"), -(-MIN_CHUNK_SIZE // batch) * batch)
        record = {"size": new.size, **run.metadata()}
        if not new._record_file.is_file():
            write_text(new._record_file, json.dumps(with_checksum(record)) + "\n")
            return new
        try:
            found = verified(parse_json(new._record_file.read_text(encoding="utf-8")))
            size = int(found["size"])
        except (ValueError, KeyError, AttributeError, OSError):
            message = f"{new._record_file} is damaged: choose another --out"
            raise InkwashError(message, code="damaged-file") from None
        if not resume:
            message = (
                f"{new.folder} holds an interrupted run of samples: resume it with --continue, or choose another --out"
            )
            raise UsageError(message, code="exists", field="out")
        # The size of chunks may have changed with the batch; that of the existing ones is used.
        if json.loads(json.dumps(record | {"size": size})) != found:
            message = (
                f"{new.folder} is of a run with other weights or settings: repeat its command, or choose another --out"
            )
            raise UsageError(message, code="mismatch", field="out")
        return cls(run, new.folder, size)

    def __len__(self) -> int:
        return -(-len(self.run) // self.size)

    def missing(self, process_group: ProcessGroup) -> list[int]:
        """Return the indices of the chunks of this process that do not exist yet."""
        mine = range(process_group.rank, len(self), process_group.world_size)
        return [index for index in mine if not self._file(index).is_file()]

    def examples(self, indices: list[int]) -> int:
        """Return how many examples these chunks have."""
        return sum(len(range(len(self.run))[self._span(index)]) for index in indices)

    def sample(self, indices: list[int], batch: int, progress: ProgressCallback) -> None:
        """Sample and write these chunks; `progress(done)` is called with the number of finished examples."""
        before = 0
        for index in indices:
            part = self.run.subset(self._span(index))
            batches = part.batches(batch, lambda done, start=before: progress(start + done))  # type: ignore[misc]
            values = np.concatenate([each.values.numpy() for each in batches])
            with atomic(self._file(index)) as temporary:
                np.savez(temporary, values=values)
            before += len(part)

    def values(self) -> Iterator[NDArray[np.generic]]:
        """Yield the values of all chunks in order, uint8 [n, C, H, W] or float32 [n, D].

        Removes a damaged chunk and raises `InkwashError`.
        """
        for index in range(len(self)):
            try:
                # The archive contains its own checksum (CRC-32).
                found = npz.read(self._file(index).read_bytes())["values"]
                if len(found) != self.examples([index]):
                    raise ValueError(f"{len(found):,} examples for {self.examples([index]):,}")
            except npz.READ_ERRORS as error:
                self._file(index).unlink(missing_ok=True)
                message = f"{self._file(index)} was damaged ({error}) and has been removed: repeat the command with --continue"
                raise InkwashError(message, code="damaged-file") from None
            yield found

    def remove(self) -> None:
        """Remove the folder, once the target has been written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _record_file(self) -> Path:
        return self.folder / "draw.json"

    def _file(self, index: int) -> Path:
        return self.folder / f"{index:06d}.npz"

    def _span(self, index: int) -> slice:
        return slice(index * self.size, (index + 1) * self.size)
