"""The card of an experiment: a record of what was asked, done and found, in Markdown."""

from __future__ import annotations

import datetime
from typing import Any

from inkwash.evaluation.formatting import number
from inkwash.lab.experiment import Experiment, Verdict
from inkwash.lab.folder import LabFolder, Request
from inkwash.lab.results import Result, Results
from inkwash.runs.folder import commit

COUNTS = {"steps", "images", "parameters", "evaluations"}
"""Scores that are whole numbers."""

CHANCE = (
    "Chance, where the verdict names it, is that of the samples' seeds: another training of the same model moves every "
    "figure as well."
)


def written(
    experiment: Experiment,
    request: Request,
    folder: LabFolder,
    results: Results,
    verdict: Verdict | None,
    status: str,
    machine: dict[str, Any],
) -> str:
    """Return the card as far as the experiment has come; `machine` is what `hardware.describe` says."""
    told = "Not yet." if verdict is None else f"**{verdict.outcome.capitalize()}.** {verdict.words}"
    sections = [
        f"# {experiment.name}",
        f"**Date**: {datetime.date.today().isoformat()}  \n**Status**: {status}  \n**Type**: experiment",
        f"## Objective\n{experiment.objective}",
        f"## Hypothesis\n{claim(experiment, request.run)}",
        f"## Verdict\n{told}",
        "## Configuration\n" + _configuration(experiment, request, results),
        "## Hardware\n" + _machine(machine),
        f"## Results\n### Quantitative\n{table(results)}\n\n{CHANCE}",
        _figures(experiment, folder),
        "### Qualitative\n" + _pictures(folder, results),
        "## Observations\n" + _observations(results),
        f"## Next steps\n{experiment.next or 'Not stated.'}",
        f"## Reproduce\n```bash\n{request.command}\n```",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def claim(experiment: Experiment, run: str | None = None) -> str:
    """Return the hypothesis with the system that claims it; with `run`, the model that it is tested on instead."""
    if run is None:
        return f"{experiment.claimed_by}: {experiment.hypothesis}" if experiment.claimed_by else experiment.hypothesis
    source = f"claimed by {experiment.claimed_by}, " if experiment.claimed_by else ""
    return f"{experiment.hypothesis} ({source}tested here on {run})"


def table(results: Results) -> str:
    """Return all scores as a table in Markdown: a row a measure, a column an arm, real images and the floor beside."""
    names = [_cell(arm.name) for arm in results.arms]
    lines = [
        "| " + " | ".join(["measure", *names, "real test set", "floor at this N"]) + " |",
        "|---|" + "---:|" * (len(names) + 2),
    ]
    for key, scores in results.scores().items():
        said = next(score.words for score in scores if score is not None)
        values = [_figure(key, None if score is None else score.value) for score in scores]
        real = next((score.real for score in scores if score is not None and score.real is not None), None)
        floor = next((score.floor for score in scores if score is not None and score.floor is not None), None)
        lines.append("| " + " | ".join([_cell(said), *values, _figure(key, real), _figure(key, floor)]) + " |")
    return "\n".join(lines)


def _configuration(experiment: Experiment, request: Request, results: Results) -> str:
    count = results.arms[0].count
    lines = [f"- **Images**: {count:,} per variant, seeds 0 to {count - 1:,}, against {results.data}"]
    if any("trained" in arm.about for arm in results.arms):
        lines.append(f"- **Trained here**: {request.planned or request.length or experiment.length}, the same for all")
    return "\n".join(lines + [f"- **{arm.name}**: {_words(arm)}" for arm in results.arms])


def _words(arm: Result) -> str:
    return "; ".join(f"{key} {text}" for key, text in arm.about.items())


def _machine(machine: dict[str, Any]) -> str:
    names = {"hardware": "Processor", "device": "Device", "threads": "Threads", "torch": "torch"}
    lines = [f"- **{label}**: {machine[key]}" for key, label in names.items()]
    return "\n".join([*lines, f"- **Commit**: {commit() or 'not under version control'}"])


def _figures(experiment: Experiment, folder: LabFolder) -> str:
    there = [plot for plot in experiment.plots if (folder.pictures / f"{plot.name}.png").is_file()]
    return "\n\n".join(f"![{plot.title}](pictures/{plot.name}.png)" for plot in there)


def _pictures(folder: LabFolder, results: Results) -> str:
    found = [f"{arm.name}: {each.words}\n\n![{each.words}]({each.file})" for arm in results.arms for each in arm.shown]
    if folder.same_seeds.is_file():
        shown = f"pictures/{folder.same_seeds.name}"
        found.insert(0, f"The same seeds in every row.\n\n![the same seeds of every variant]({shown})")
    return "\n\n".join(found) or "None yet."


def _observations(results: Results) -> str:
    lines = [f"- **{arm.name}**: {' '.join(arm.remarks)}" for arm in results.arms if arm.remarks]
    return "\n".join(lines) or "- none"


def _figure(key: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if key in COUNTS else number(key, value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
