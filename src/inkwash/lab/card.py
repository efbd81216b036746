"""The card of an experiment: a Markdown record of claim, verdict, configuration, machine and results."""

from __future__ import annotations

import datetime
from typing import Any

from inkwash.lab.experiment import Experiment, Verdict
from inkwash.lab.folder import LabFolder, LabRequest
from inkwash.lab.results import Results, format_value
from inkwash.runs.card import bullets, machine_lines
from inkwash.runs.environment import commit

CHANCE = (
    "Intervals and margins are over the seeds of the samples; they do not include the variation between training runs."
)


def render(
    experiment: Experiment,
    request: LabRequest,
    folder: LabFolder,
    results: Results,
    verdict: Verdict | None,
    status: str,
    machine: dict[str, Any],
) -> str:
    """Return the card of the results so far; `machine` is the result of `devices.environment_info`."""
    machine = machine | {"commit": commit() or "not under version control"}
    sections = [
        f"# {experiment.name}",
        f"**Date**: {datetime.date.today().isoformat()}  \n**Status**: {status}  \n**Type**: experiment",
        f"## Objective\n{experiment.objective}",
        f"## Hypothesis\n{experiment.claim(request.run)}",
        "## Verdict\n" + (f"**{verdict.outcome.capitalize()}.** {verdict.words}" if verdict else "Not yet."),
        "## Configuration\n" + _configuration(experiment, request, results),
        "## Hardware\n" + bullets(machine_lines(machine).items()),
        f"## Results\n### Quantitative\n{table(results)}\n\n{CHANCE}",
        *(
            f"![{plot.title}](pictures/{plot.name}.png)"
            for plot in experiment.plots
            if (folder.pictures / f"{plot.name}.png").is_file()
        ),
        "### Qualitative\n" + _pictures(folder, results),
        "## Observations\n" + _observations(results),
        f"## Next steps\n{experiment.next or 'Not stated.'}",
        f"## Reproduce\n```bash\n{request.command}\n```",
    ]
    return "\n\n".join(sections) + "\n"


def table(results: Results) -> str:
    """Return all scores as a Markdown table: a row for each score, a column for each variant, then as many real images."""
    names = [_cell(each.name) for each in results.variants]
    rows = [
        ["measure", *names, "real test images", "real train images"],
        ["---", *["---:"] * (len(names) + 2)],
    ]
    for key, scores in results.scores().items():
        found = [score for score in scores if score is not None]
        real = next((score.real for score in found if score.real is not None), None)
        floor = next((score.floor for score in found if score.floor is not None), None)
        values = [*(None if score is None else score.value for score in scores), real, floor]
        rows.append([_cell(found[0].words), *(format_value(key, value) for value in values)])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _configuration(experiment: Experiment, request: LabRequest, results: Results) -> str:
    count = results.variants[0].count
    lines = [f"- **Images**: {count:,} per variant, seeds 0 to {count - 1:,}, against {results.data}"]
    if any("trained" in each.about for each in results.variants):
        lines.append(f"- **Trained here**: {request.planned or request.length or experiment.length}, the same for all")
    for each in results.variants:
        lines.append(f"- **{each.name}**: {'; '.join(f'{key} {text}' for key, text in each.about.items())}")
    return "\n".join(lines)


def _pictures(folder: LabFolder, results: Results) -> str:
    found = [f"{each.name}: {p.words}\n\n![{p.words}]({p.file})" for each in results.variants for p in each.shown]
    if folder.same_seeds.is_file():
        file = f"pictures/{folder.same_seeds.name}"
        found.insert(0, f"The same seeds in every row.\n\n![the same seeds of every variant]({file})")
    return "\n\n".join(found) or "None yet."


def _observations(results: Results) -> str:
    return bullets((each.name, " ".join(each.remarks)) for each in results.variants if each.remarks)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
