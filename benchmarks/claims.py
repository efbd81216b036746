"""The claims of the five systems, each tested by an experiment: their cards and one list of verdicts.

    python benchmarks/claims.py --data FOLDER

runs every experiment of `inkwash lab` into lab/, where each goes on from what it has, and copies what is to be read into
docs/lab.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from cyclopts import App

from inkwash.hardware import devices
from inkwash.io.atomic import write_text
from inkwash.lab import EXPERIMENTS
from inkwash.lab.folder import LabFolder, Request
from inkwash.lab.runner import prepare

DOCS = Path(__file__).parent.parent / "docs"
app = App()


@app.default
def main(data: str | None = None, lab: Path = Path("lab"), only: str | None = None, documents: bool = False) -> None:
    """Run the experiments (`only` one of them), and write the documents of all that have a verdict.

    `documents` runs nothing: docs/lab/README.md is written again from the stored results.
    """
    if documents:
        publish()
        return
    if data is None:
        sys.exit("give --data FOLDER, the MNIST to train on, or --documents")
    devices.keep_memory()
    for name, experiment in EXPERIMENTS.items():
        if only in (None, name):
            print(name, file=sys.stderr, flush=True)
            work = prepare(experiment, Request(name, data=data), lab / name)
            work.run()
            _keep(work.folder, DOCS / "lab" / name)
    publish()


def _keep(folder: LabFolder, place: Path) -> None:
    """Copy what is to be read: card, results and pictures, not the runs."""
    if place.is_dir():
        shutil.rmtree(place)
    shutil.copytree(folder.pictures, place / "pictures")
    for file in (folder.card, folder.results):
        shutil.copyfile(file, place / file.name)


def publish() -> None:
    """Write docs/lab/README.md, of the experiments that have a verdict."""
    found = [_told(name) for name in EXPERIMENTS if (DOCS / "lab" / name / "results.json").is_file()]
    some = [told for told in found if told["verdict"]]
    missing = [name for name in EXPERIMENTS if name not in {told["experiment"] for told in some}]
    write_text(DOCS / "lab" / "README.md", page(some, missing))


def _told(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((DOCS / "lab" / name / "results.json").read_text(encoding="utf-8"))
    return told


def page(found: list[dict[str, Any]], missing: list[str]) -> str:
    """Return docs/lab/README.md."""
    left = f"\nWithout a verdict yet: {', '.join(missing)}.\n" if missing else ""
    told = "\n\n".join(
        f"### [{each['experiment']}]({each['experiment']}/card.md)\n"
        f"*{each['claimed_by']}: {each['hypothesis']}*\n\n"
        f"**{each['verdict']['outcome'].capitalize()}.** {each['verdict']['words']}"
        for each in found
    )
    lines = [
        f"| {each['hypothesis']} | {each['claimed_by']} | [{each['experiment']}]({each['experiment']}/card.md) "
        f"| {each['verdict']['outcome']} |"
        for each in found
    ]
    summary = "\n".join(["| claim | of | experiment | verdict |", "|---|---|---|---|", *lines])
    return f"""# The claims, tested

What the documents of the five systems claim, each as an experiment that anyone can repeat: `inkwash lab NAME --data FOLDER`.
The verdict is a rule in the experiment's file, applied to what was measured. Cards hold every figure, machine, commit and
pictures; a commit with a + had changes that were not committed, which were these documents. Written by
`python benchmarks/claims.py --data FOLDER`; `--documents` only rewrites this page from the stored results.
{left}
{summary}

{told}
"""


if __name__ == "__main__":
    app()
