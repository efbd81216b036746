"""How training scales on the cores at hand: python benchmarks/scaling.py. Ratios of one run, taken in turn.

Strong: the recipe's batch shared by more processes, one thread each. Weak: as many times the batch as there are processes.
Beside them the threads of one process. Seconds of a step are medians of turns, starts and measurements left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cyclopts import App
from rich.console import Console
from rich.table import Table

from inkwash.config import recipe

app = App()


@app.default
def main(name: str = "fast", data: str | None = None, most: int | None = None, turns: int = 3, steps: int = 60) -> None:
    """Time a step of the recipe `name` on 1, 2, 4 … up to `most` processes (default: the cores), each `turns` times."""
    cores = most or os.cpu_count() or 1
    batch = recipe.load(name).training.batch
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64) if count <= cores]
    # Columns: processes, threads of each, batch.
    kinds = [(count, 1, batch) for count in counts] + [(count, 1, batch * count) for count in counts[1:]]
    kinds += [(1, count, batch) for count in counts[1:]]
    taken: dict[tuple[int, int, int], list[float]] = {kind: [] for kind in kinds}
    with TemporaryDirectory() as place:
        for turn in range(turns):
            for kind in kinds:
                print(
                    f"turn {turn + 1} of {turns}: {kind[0]} processes, {kind[1]} threads, batch {kind[2]}",
                    file=sys.stderr,
                )
                taken[kind].append(seconds(Path(place), name, data, *kind, steps))
    table = Table("", "processes", "threads each", "batch", "images/s", "times 1 process", "of ideal", title=name)
    base = taken[1, 1, batch]
    for processes, threads, size in kinds:
        own = taken[processes, threads, size]
        faster = statistics.median(one * size / (other * batch) for one, other in zip(base, own, strict=True))
        what = "threads" if threads > 1 else "" if processes == 1 else "strong" if size == batch else "weak"
        rate = size / statistics.median(own)
        ideal = faster / (processes * threads)
        table.add_row(what, *map(str, (processes, threads, size)), f"{rate:,.0f}", f"{faster:.2f}", f"{ideal:.0%}")
    Console(width=100).print(table)


def seconds(place: Path, name: str, data: str | None, processes: int, threads: int, batch: int, steps: int) -> float:
    """Return the seconds of a step: from the tenth on, up to the last before the run is measured."""
    folder = place / f"{processes}-{threads}-{batch}"
    words = [
        "train",
        name,
        "--steps",
        str(steps),
        "--set",
        f"training.batch={batch}",
        "--set",
        "sampling.preview=ddim:1",
    ]
    words += ["--set", f'training.milestones=["{steps} steps"]', "--checkpoint-every", f"{steps} steps", "--quiet"]
    words += ["--data", data] if data else []
    words += ["--processes", str(processes)] if processes > 1 else []
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    number = len(list(place.glob(f"{folder.name}-*")))
    out = folder.with_name(f"{folder.name}-{number}")
    subprocess.run([sys.executable, "-m", "inkwash", *words, "--out", str(out)], check=True, env=environment)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    moments = {row["step"]: row["seconds"] for row in rows if row["kind"] == "train"}
    last = max(at for at in moments if at <= steps)
    return (moments[last] - moments[10]) / (last - 10)


if __name__ == "__main__":
    app()
