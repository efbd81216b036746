"""The controls: real images with a known corruption, and the measures that detect each.

    python benchmarks/controls.py --data FOLDER

writes docs/controls.md in some minutes on 2 cores. Exits with an error when a corruption is not detected, or when
uncorrupted images are graded as corrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from cyclopts import App
from documents import MORE, QUALITY, figure

from inkwash.evaluation import controls, reference
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.scores import Evaluation
from inkwash.hardware import devices
from inkwash.io.atomic import write_text
from inkwash.runs.environment import commit

TARGET = Path(__file__).parent.parent / "docs" / "controls.md"
COLUMNS = QUALITY | {key: MORE[key] for key in ("accuracy.a", "unsure.a", "zero", "copies")}
app = App()


@app.default
def main(data: str, n: int = 10_000) -> None:
    """Measure every control of DATA at N images and write docs/controls.md."""
    devices.configure_malloc()
    chosen = reference.for_data(data)
    found, wrong = {}, []
    for name in controls.CONTROLS:
        found[name] = controls.measure_control(name, chosen, n)
        found_by = controls.detected(found[name])
        print(f"{name:20} detected by: {', '.join(found_by) or 'nothing'}", file=sys.stderr, flush=True)
        if bool(found_by) == (name in controls.UNCORRUPTED):
            wrong.append(name)
    write_text(TARGET, page(found, chosen, n))
    if wrong:
        sys.exit(f"graded wrongly: {', '.join(wrong)}")


def page(found: dict[str, Evaluation], chosen: Reference, n: int) -> str:
    """Return the document."""
    machine = devices.environment_info(torch.device("cpu"))
    lines = [
        f"| {name} | {evaluation.count:,} | "
        + " | ".join(_cell(evaluation, key) for key in COLUMNS)
        + f" | {', '.join(controls.detected(evaluation)) or '-'} |"
        for name, evaluation in found.items()
    ]
    apart = controls.fd_between_test_halves(chosen)
    noise = {std: controls.fd_of_unclipped_noise(chosen, std, n) for std in (0.05, 0.1)}
    loud = [
        f"{std:g}: " + ", ".join(f"{judge.upper()} {fd:.3f}" for judge, fd in by.items()) for std, by in noise.items()
    ]
    return f"""# Controls

Real images of {
        chosen.extractor_set.spec.data
    }, each set degraded in one way, to show which measures detect it. The first two rows are
not degraded and must pass. Written by `python benchmarks/controls.py --data FOLDER -n {n}` on
{machine["hardware"]}, {machine["threads"]} threads, torch {machine["torch"]}, commit {commit()}.

| set | N | {" | ".join(COLUMNS.values())} | caught by |
|---|---|{"---|" * (len(COLUMNS) + 1)}
{chr(10).join(lines)}

The train split is disjoint from the images of the nearest-neighbour measures. Its FD is slightly low, because the training
set contains it; the FD of real images that `evaluate` prints is measured on disjoint parts. The limits of detection are in
`src/inkwash/evaluation/controls.py`.

**Noise must be clamped and rounded to uint8, as every image is before scoring.** Without that, FD at standard deviation
{"; ".join(loud)}: judge B is nearly insensitive to it.

**The two halves of the test set come from different groups of writers.** FD between its halves: {
        ", ".join(f"{key} {value:.3f}" for key, value in apart.items())
    }. Therefore all of it is used as the reference, or a seeded permutation.
"""


def _cell(evaluation: Evaluation, key: str) -> str:
    return figure(key, evaluation[key].value) if key in evaluation else ""


if __name__ == "__main__":
    app()
