"""Time to quality: train from nothing for so many minutes, draw 10,000 images unchosen, and ask every judge.

    python benchmarks/records.py RECIPE --data FOLDER --minutes 3 --note "what changed"

does so for three seeds and adds a line to benchmarks/records.md. Without --note it is a trial, and only printed.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from cyclopts import App
from documents import QUALITY, figure

from inkwash import hardware, model
from inkwash.drawing import Settings
from inkwash.evaluation import panels
from inkwash.evaluation.drawn import Setting
from inkwash.evaluation.entries import drawn_entry
from inkwash.files import write_text
from inkwash.runs.folder import commit

HERE = Path(__file__).parent
KEPT = HERE / "records.json"
COUNT, MOST_EVALUATIONS = 10_000, 40
RULES = """\
The clock is that of `inkwash train RECIPE --minutes M`, from the shell to its end, with planning, measuring, pictures and
checkpoints. Images are seeds 0 to 9,999 with labels in train proportions, unguided, at most 40 network evaluations each.
The figure is FD to the train set over that of the real test set, the mean over the training seeds."""
SCORES = ("fd.a", "fd.b", "fd.c", "accuracy.a", "recall", "zero")
Trial = dict[str, Any]
app = App()


@app.default
def main(
    recipe: str,
    /,
    data: str,
    minutes: float,
    sampler: str | None = None,
    seeds: str = "0,1,2",
    change: list[str] | None = None,
    note: str | None = None,
    n: int = COUNT,
) -> None:
    """Try RECIPE, with `change` KEY=VALUE of it, for so many minutes; with a `note` the result is kept as a record."""
    hardware.keep_memory()
    changes = change or []
    at = commit()
    trials = [tried(recipe, data, minutes, int(seed), changes, sampler, n) for seed in seeds.split(",")]
    means = {key: statistics.mean(trial[key] for trial in trials) for key in trials[0] if key != "seed"}
    print(json.dumps({"mean": means}), flush=True)
    if note is None:
        return
    machine = hardware.describe(torch.device("cpu"))
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else []
    kept.append(
        {
            "note": note,
            "recipe": recipe,
            "changes": changes,
            "minutes": minutes,
            "machine": f"{machine['hardware']}, {machine['threads']} threads, torch {machine['torch']}",
            "commit": at,
            "trials": trials,
        }
    )
    write_text(KEPT, json.dumps(kept, indent=1) + "\n")
    write_text(HERE / "records.md", page(kept))


def tried(
    recipe: str, data: str, minutes: float, seed: int, changes: list[str], sampler: str | None, count: int
) -> Trial:
    """Return what one training from `seed` came to: seconds by the clock, images seen, and every score."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        command = [sys.executable, "-m", "inkwash", "train", recipe, "--data", data, "--minutes", f"{minutes:g}"]
        command += ["--seed", f"{seed}", "--out", str(run), "--quiet"]
        begun = time.perf_counter()
        subprocess.run([*command, *(part for change in changes for part in ("--set", change))], check=True)
        seconds = time.perf_counter() - begun
        trained = model.load(run)
        setting = Setting(trained, Settings(sampler, guidance=1.0 if trained.conditional else None, precision="auto"))
        if setting.sampler.evaluations > MOST_EVALUATIONS:
            sys.exit(f"{setting.words} takes {setting.sampler.evaluations} evaluations: {MOST_EVALUATIONS} are allowed")
        found = drawn_entry(setting, count, panels.for_facts(trained.facts, data))
    scores = {score.key: score for score in found.evaluation.scores if score.value is not None}
    trial: Trial = {
        "seed": seed,
        "seconds": seconds,
        "images": trained.step * trained.recipe.training.batch,
        "evaluations": found.evaluations,
        **{f"times.{key}": scores[key].ratio for key in SCORES if key.startswith("fd.") and key in scores},
        **{key: scores[key].value for key in SCORES if key in scores},
    }
    told = ", ".join(f"{key} {value:.4g}" for key, value in trial.items())
    print(told, file=sys.stderr, flush=True)
    return trial


def page(kept: list[dict[str, Any]]) -> str:
    """Return benchmarks/records.md."""
    heads = ["minutes", "FD A, times the real test set's", *(QUALITY.get(key, key) for key in SCORES), "images seen"]
    lines = [f"| {' | '.join([*heads, 'what changed', 'commit'])} |", "|" + "---:|" * len(heads) + "---|---|"]
    for record in kept:
        trials = record["trials"]
        means = {key: statistics.mean(trial[key] for trial in trials) for key in trials[0]}
        ratios = ", ".join(f"{trial['times.fd.a']:.2f}" for trial in trials)
        cells = [
            f"{record['minutes']:g}",
            f"**{means['times.fd.a']:.2f}** ({ratios})",
            *(figure(key, means[key]) if key in means else "" for key in SCORES),
            f"{means['images']:,.0f}",
            record["note"],
            record["commit"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    machines = "; ".join(dict.fromkeys(record["machine"] for record in kept))
    return f"""# Records: time to quality

How good a model gets in so many minutes from nothing. {RULES}

Verify one: `python benchmarks/records.py fast --data FOLDER --minutes 3`. Machine: {machines}.

{chr(10).join(lines)}
"""


if __name__ == "__main__":
    app()
