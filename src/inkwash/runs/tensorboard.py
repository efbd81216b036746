"""TensorBoard event files, written synchronously: the thread of torch's SummaryWriter fails with a traceback on a full disk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

FILE_PREFIX = "events.out.tfevents."


class TensorBoardWriter:
    """An event file in `folder`, numbered by session; its steps from `first` on replace those of earlier sessions.

    Raises `ImportError` when TensorBoard is not installed, `OSError` when the file cannot be written.
    """

    def __init__(self, folder: Path, first: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = Event, Summary
        folder.mkdir(parents=True, exist_ok=True)
        # Numbered after the existing files: torch's writer numbers by seconds, and clocks can be set back.
        before = (path.name.removeprefix(FILE_PREFIX).partition(".")[0] for path in folder.glob(f"{FILE_PREFIX}*"))
        number = max((int(each) for each in before if each.isdecimal()), default=0) + 1
        self._file: Any = (folder / f"{FILE_PREFIX}{number:010d}").open("ab", buffering=0)
        self._records = RecordWriter(self._file)
        self._write(step=first, file_version="brain.Event:2")
        self._write(step=first, session_log=SessionLog(status=SessionLog.START))

    def add(self, values: dict[str, float], step: int) -> None:
        """Write the values of one `step` by name."""
        summaries = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=self._summary(value=summaries))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, **fields: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **fields).SerializeToString())
