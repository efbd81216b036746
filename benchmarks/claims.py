"""Test the claims of the five systems: write the cards of all experiments and the list of verdicts to docs/lab.

    python benchmarks/claims.py --data FOLDER

runs every experiment of `inkwash lab` in lab/, new or resumed, and copies card, results and images.
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
from inkwash.lab.folder import LabFolder, LabRequest
from inkwash.lab.run import prepare

DOCS = Path(__file__).parent.parent / "docs"
app = App()


@app.default
def main(data: str | None = None, lab: Path = Path("lab"), only: str | None = None, documents: bool = False) -> None:
    """Run the experiments, or `only` one, and write the documents of all that have a verdict.

    With `documents`, only docs/lab/README.md is written, from the stored results.
    """
    if documents:
        publish()
        return
    if data is None:
        sys.exit("give --data FOLDER, the MNIST to train on, or --documents")
    devices.configure_malloc()
    for name, experiment in EXPERIMENTS.items():
        if only in (None, name):
            print(name, file=sys.stderr, flush=True)
            lab_run = prepare(experiment, LabRequest(name, data=data), lab / name)
            lab_run.run()
            _copy(lab_run.folder, DOCS / "lab" / name)
    publish()


def _copy(folder: LabFolder, target: Path) -> None:
    """Copy card, results and images, but not the runs."""
    if target.is_dir():
        shutil.rmtree(target)
    shutil.copytree(folder.pictures, target / "pictures")
    for file in (folder.card, folder.results):
        shutil.copyfile(file, target / file.name)


def publish() -> None:
    """Write docs/lab/README.md from the results of the experiments that have a verdict."""
    files = {name: DOCS / "lab" / name / "results.json" for name in EXPERIMENTS}
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files.values() if file.is_file()]
    complete = [record for record in records if record["verdict"]]
    missing = [name for name in EXPERIMENTS if name not in {record["experiment"] for record in complete}]
    write_text(DOCS / "lab" / "README.md", page(complete, missing))


def page(records: list[dict[str, Any]], missing: list[str]) -> str:
    """Return docs/lab/README.md."""
    left = f"\nWithout a verdict yet: {', '.join(missing)}.\n" if missing else ""
    sections = "\n\n".join(
        f"### [{each['experiment']}]({each['experiment']}/card.md)\n"
        f"*{each['claimed_by']}: {each['hypothesis']}*\n\n"
        f"**{each['verdict']['outcome'].capitalize()}.** {each['verdict']['words']}"
        for each in records
    )
    lines = [
        f"| {each['hypothesis']} | {each['claimed_by']} | [{each['experiment']}]({each['experiment']}/card.md) "
        f"| {each['verdict']['outcome']} |"
        for each in records
    ]
    summary = "\n".join(["| claim | by | experiment | verdict |", "|---|---|---|---|", *lines])
    return f"""# The claims, tested

Each claim in the documents of the five systems is tested by an experiment: `inkwash lab NAME --data FOLDER` repeats it. The
verdict is computed from the scores by a rule in the experiment's file. A card has all scores, the machine, the commit and
pictures; "+" after a commit marks uncommitted changes, which were these documents. `python benchmarks/claims.py --data
FOLDER` writes this folder; `--documents` writes only this page, from the stored results.
{left}
{summary}

{sections}
"""


if __name__ == "__main__":
    app()
