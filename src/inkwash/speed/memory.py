"""Peak memory of a piece of work, measured in a fresh process that does nothing else: python -m inkwash.speed.memory."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from inkwash.config import plugins
from inkwash.hardware import devices
from inkwash.speed import children
from inkwash.speed.drawing import Drawing
from inkwash.speed.subjects import Subject
from inkwash.speed.training import Training

STEPS = 4
"""Training steps or sampling steps after which memory does not grow any more."""


@dataclass(frozen=True)
class Errand:
    """What the child is to do: some steps of training `name`, or of drawing 64 images from it; `own` is --with's file."""

    work: Literal["train", "draw"]
    name: str
    precision: str
    device: str
    sampler: str | None = None
    own: str | None = None

    def do(self) -> None:
        """Do it here."""
        if self.own is not None:
            plugins.load(Path(self.own))
        devices.keep_memory()
        place = devices.device(self.device)
        subject = Subject.of(self.name, place)
        if self.work == "draw":
            Drawing(subject, self.sampler, self.precision).begin(STEPS)
            return
        training = Training(subject, place, self.precision)
        for _ in range(STEPS):
            training.step()


def of(errand: Errand) -> int | None:
    """Return the bytes that a fresh process needs at most for `errand`, Python, torch and data included.

    On cuda it is the device's memory. None where the system does not tell. Raises `InkwashError` when it fails.
    """
    told: dict[str, Any] = json.loads(children.python(["-m", __name__, json.dumps(asdict(errand))]).splitlines()[-1])
    return told["bytes"]


def most(device: str) -> int | None:
    """Return the most bytes that this process has held so far, on cuda those of the device; None where unknown."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    # not ru_maxrss on Linux: there a child's begins at that of the process that started it
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        held = next((line.split() for line in lines if line.startswith("VmHWM:")), None)
        return None if held is None else int(held[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    asked = Errand(**json.loads(sys.argv[1]))
    asked.do()
    print(json.dumps({"bytes": most(devices.device(asked.device).type)}))
