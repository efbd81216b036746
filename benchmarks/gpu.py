"""Everything that needs a GPU, in one command of at most eight minutes: tests, training to a quality, distillation.

    python benchmarks/gpu.py --data FOLDER                                   # writes gpu.json and gpu.md
    python benchmarks/gpu.py --data digits --device cpu --short --out folder

runs the tests marked `cuda`, trains `fast` on as many images as ten minutes of the CPU record and measures FD on the way,
and times steps of `one-step` at growing batches. After the deadline the rest is left out; every part is written when done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from cyclopts import App

from inkwash import data as datasets
from inkwash.config import recipe as recipes
from inkwash.evaluation import reference
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import ModelTask
from inkwash.hardware import devices
from inkwash.io.atomic import write_text
from inkwash.runs.environment import commit
from inkwash.sampling.request import SampleRequest
from inkwash.training.trainer import Trainer

ROOT = Path(__file__).parents[1]
IMAGES = 424_064
"""Images that `fast` is trained on in ten minutes on two cores with bfloat16: see benchmarks/notes.md, "Records again"."""
FRACTIONS = (0.1, 0.3, 1.0)
"""Fractions of the training after which samples are measured."""
COUNT, BATCHES, TIMED_STEPS, WARM_UP = 10_000, (128, 512, 2048), 50, 5
SHARE = 0.7
"""Fraction of the deadline within which the training ends, so that time is left for its samples and for one-step."""
SHORT_CHANGES = ("network.widths=[8,16]", "network.dim=16", "training.batch=16", "sampling.sampler=ddim:2")
app = App()


@dataclass
class Report:
    """The results so far, written to `out` after each part; `deadline` is a moment of `clock`."""

    out: Path
    deadline: float
    clock: Callable[[], float] = time.perf_counter
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """The seconds up to the deadline."""
        return self.deadline - self.clock()

    def add(self, part: str, value: Any) -> None:
        """Store and print the result of a part."""
        self.results[part] = value
        write_text(self.out / "gpu.json", json.dumps(self.results, indent=1) + "\n")
        write_text(self.out / "gpu.md", table(self.results))
        print(f"{part}, {self.left:.0f} s left: {json.dumps(value)}", file=sys.stderr, flush=True)


@app.default
def main(
    data: str = "mnist", device: str = "cuda", out: Path = Path(), minutes: float = 8.0, short: bool = False
) -> None:
    """Run all parts on `device` within `minutes`; `short` is a form of seconds that tests the script."""
    report = Report(out, time.perf_counter() + 60 * minutes)
    place = devices.device(device)
    out.mkdir(parents=True, exist_ok=True)
    report.add("machine", devices.environment_info(place) | {"commit": commit(), "data": data, "short": short})
    if not short:
        report.add("tests", run_tests(report.left))
    for name, rows in (
        ("fast", train(report, data, place, short)),
        ("one-step", distill(report, data, place, "digits" if short else "fast", short)),
    ):
        found: list[dict[str, Any]] = []
        for row in rows:
            found.append(row)
            report.add(name, found)
    report.add("seconds", round(60 * minutes - report.left, 1))


def run_tests(left: float) -> str:
    """Return the last line of the tests marked `cuda`."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "cuda", "tests"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=left / 3, check=False)
    except subprocess.TimeoutExpired:
        return f"stopped after {left / 3:.0f} s"
    return (done.stdout.strip().splitlines() or ["no output"])[-1]


def train(report: Report, data: str, device: torch.device, short: bool) -> Iterator[dict[str, Any]]:
    """Train `fast`; yield images, seconds of training alone, and FD after each fraction, up to the deadline."""
    loaded = datasets.load(data)
    recipe = recipes.load("fast").with_changes(
        [*(SHORT_CHANGES if short else ()), f"training.length={160 if short else IMAGES} images"]
    )
    trainer = Trainer(recipe, loaded, device=device)
    against = reference.for_data(loaded)
    total, batch = trainer.state.total_steps, recipe.training.batch
    marks = {max(1, round(total * fraction)) for fraction in FRACTIONS}
    limit, seconds, begun = SHARE * report.left, 0.0, report.clock()
    for event in trainer.steps():
        stopped = seconds + report.clock() - begun > limit
        if event.number not in marks and not stopped:
            continue
        synchronize(device)
        seconds += report.clock() - begun
        request = SampleRequest(precision="auto")
        task = ModelTask(Setting(trainer.ema_model, request), 200 if short else COUNT, write_quality=False)
        scores = {score.key: score.value for score in task.run(against).evaluation.scores}
        yield {
            "images": event.number * batch,
            "seconds": round(seconds, 2),
            "images_per_second": round(event.number * batch / seconds),
            "fd": {key: scores.get(key) for key in ("fd.a", "fd.b", "fd.c", "accuracy.a", "recall")},
            "stopped": stopped,
        }
        if stopped or report.left < 0:
            return
        begun = report.clock()


def distill(report: Report, data: str, device: torch.device, teacher: str, short: bool) -> Iterator[dict[str, Any]]:
    """Yield images per second of `one-step` at each batch, while time is left."""
    loaded = datasets.load(data)
    for batch in (16, 32) if short else BATCHES:
        if report.left < 0:
            return
        recipe = recipes.load("one-step").with_changes(
            [f"training.batch={batch}", f"training.length={(2 if short else WARM_UP + TIMED_STEPS)} steps"]
        )
        trainer = Trainer(recipe, loaded, pretrained=teacher, device=device)
        warm_up, begun, timed = (1 if short else WARM_UP), report.clock(), 0
        for event in trainer.steps():
            timed = event.number - warm_up
            if timed == 0:
                synchronize(device)
                begun = report.clock()
            elif report.left < 0:
                break
        synchronize(device)
        if timed > 0:
            yield {"batch": batch, "images_per_second": round(timed * batch / (report.clock() - begun))}


def synchronize(device: torch.device) -> None:
    """Wait for the operations that run on `device`."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def table(results: dict[str, Any]) -> str:
    """Return the results so far as Markdown."""
    machine = results["machine"]
    lines = [f"{machine['hardware']}, torch {machine['torch']}, commit {machine['commit']}", ""]
    if "tests" in results:
        lines += [f"Tests marked `cuda`: {results['tests']}", ""]
    lines += [
        "| training | images or batch | seconds | images / s | FD A | FD B | FD C |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in results.get("fast", []):
        distances = " | ".join(
            "" if row["fd"][key] is None else f"{row['fd'][key]:.3f}" for key in ("fd.a", "fd.b", "fd.c")
        )
        lines.append(
            f"| fast | {row['images']:,} | {row['seconds']:.1f} | {row['images_per_second']:,} | {distances} |"
        )
    for row in results.get("one-step", []):
        lines.append(f"| one-step | batch {row['batch']:,} |  | {row['images_per_second']:,} |  |  |  |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    app()
