"""The claims of the five systems, each put to the test: their cards, one list of verdicts, and the README's.

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
from documents import block

from inkwash import hardware
from inkwash.files import write_text
from inkwash.lab import EXPERIMENTS
from inkwash.lab.folder import LabFolder, Request
from inkwash.lab.runner import prepare

DOCS = Path(__file__).parent.parent / "docs"
README = DOCS.parent / "README.md"
app = App()


@app.default
def main(data: str, lab: Path = Path("lab"), only: str | None = None) -> None:
    """Run the experiments (`only` one of them), and write the documents of all that have a verdict."""
    hardware.keep_memory()
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
    """Write docs/lab/README.md and the README's list, of the experiments that have a verdict."""
    found = [_told(name) for name in EXPERIMENTS if (DOCS / "lab" / name / "results.json").is_file()]
    some = [told for told in found if told["verdict"]]
    missing = [name for name in EXPERIMENTS if name not in {told["experiment"] for told in some}]
    write_text(DOCS / "lab" / "README.md", page(some, missing))
    write_text(README, block(README.read_text(encoding="utf-8"), "claims", short(some)))


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
    return f"""# The claims, put to the test

What the documents of the five systems say, each as an experiment that anyone can run again: `inkwash lab NAME --data FOLDER`.
The verdict is a rule in the experiment's file, read off what was measured. Cards hold every figure, machine, commit and
pictures; a commit with a + had changes that were not committed, which were these documents. Written by
`python benchmarks/claims.py --data FOLDER`.
{left}
{told}
"""


def short(found: list[dict[str, Any]]) -> str:
    """Return the README's list: claim and verdict."""
    lines = ["| claim | | verdict |", "|---|---|---|"]
    for each in found:
        name = each["experiment"]
        lines.append(f"| {each['hypothesis']} | [{name}](docs/lab/{name}/card.md) | {each['verdict']['outcome']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    app()
