"""Time to quality: train from scratch for a given length, sample 10,000 images, and measure all scores.

    python benchmarks/records.py RECIPE --data FOLDER --length "3 minutes" --note "what changed"

trains with three seeds and adds a line to benchmarks/records.md. Lengths in minutes are records, of the class bfloat16 or
float32 by the precision that the machine trains in; "--change training.precision=float32" gives one of float32 on a machine
with bfloat16, which is then a record of that machine in float32, not of a slower one. Lengths in images are
trials, which are comparable on a busy machine too: `--seeds 0 --n 5000 --predicted "what it should do"`. Without --note the
result is only printed.
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
from documents import MORE, QUALITY, block, figure

from inkwash import model
from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.core import Sampler
from inkwash.core.samplers import SAMPLERS, parse_sampler
from inkwash.evaluation import reference
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import ModelTask
from inkwash.hardware import devices
from inkwash.io.atomic import write_text
from inkwash.runs.environment import commit
from inkwash.sampling.request import SampleRequest

HERE = Path(__file__).parent
STORED = HERE / "records.json"
SPEED = HERE.parent / "docs" / "speed.md"
COUNT, MAX_EVALUATIONS = 10_000, 40
RULES = """\
The clock is that of `inkwash train RECIPE --minutes M`, from the shell to its end, with planning, measuring, pictures
and checkpoints; a run may miss its minutes by a little either way, and says so. Images are seeds 0 to 9,999 with labels
in train proportions, unguided, at most 40 network evaluations each; guidance may be learnt (training.guidance), not
added in drawing. The figure is FD to the train set over that of the real test set, the mean over the training seeds."""
TRIALS = """
## Trials

So many images of training, one seed unless more are in brackets. Differences of one seed below a tenth are noise.

"""
SCORES = ("fd.a", "fd.b", "fd.c", "accuracy.a", "recall", "zero")
Trial = dict[str, Any]
app = App()


@app.default
def main(
    recipe: str,
    /,
    data: str,
    length: str,
    sampler: str | None = None,
    seeds: str = "0,1,2",
    change: list[str] | None = None,
    note: str | None = None,
    predicted: str = "",
    n: int = COUNT,
) -> None:
    """Train RECIPE with each `change` KEY=VALUE for `length`; with a `note` the result is stored."""
    devices.configure_malloc()
    changes = change or []
    code = commit()
    chosen, cpu = recipes.load(recipe).with_changes(changes), torch.device("cpu")
    require_few_evaluations(chosen, sampler)
    trials = [run_trial(recipe, data, length, int(seed), changes, sampler, n) for seed in seeds.split(",")]
    print(json.dumps({"mean": mean(trials)}), flush=True)
    if note is None:
        return
    machine = devices.environment_info(cpu)
    entries = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else []
    entries.append(
        {
            "note": note,
            "recipe": recipe,
            "changes": changes,
            "predicted": predicted,
            "length": length,
            "n": n,
            "precision": "float32" if devices.precision(chosen.training.precision, cpu) is None else "bfloat16",
            "machine": f"{machine['hardware']}, {machine['threads']} threads, torch {machine['torch']}",
            "commit": code,
            "trials": trials,
        }
    )
    write_text(STORED, json.dumps(entries, indent=1) + "\n")
    publish(entries)


def require_few_evaluations(chosen: Recipe, sampler: str | None) -> None:
    """Exit before training when a sample takes more network evaluations than the rules allow."""
    name = sampler or chosen.sampling.sampler
    kind, steps = parse_sampler(name)
    levels = chosen.sampling.schedule or chosen.schedule
    needed = Sampler(levels, kind, steps or SAMPLERS[kind].default_steps or levels.num_timesteps or 1000).evaluations
    if needed > MAX_EVALUATIONS:
        sys.exit(f"{name} takes {needed} network evaluations per image: at most {MAX_EVALUATIONS} are allowed")


def run_trial(
    recipe: str, data: str, length: str, seed: int, changes: list[str], sampler: str | None, count: int
) -> Trial:
    """Return the result of one training with `seed`: wall time, number of training images, and all scores."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "inkwash", "train", recipe, "--data", data, "--seed", f"{seed}"]
        command += ["--out", str(run), "--quiet", "--set", f"training.length={length}"]
        begun = time.perf_counter()
        subprocess.run([*command, *(part for change in changes for part in ("--set", change))], check=True)
        seconds = time.perf_counter() - begun
        trained = model.load(run)
        setting = Setting(
            trained, SampleRequest(sampler=sampler, guidance=1.0 if trained.conditional else None, precision="auto")
        )
        found = ModelTask(setting, count).run(reference.for_spec(trained.spec, data))
    scores = {score.key: score for score in found.evaluation.scores if score.value is not None}
    trial: Trial = {
        "seed": seed,
        "seconds": seconds,
        "images": trained.step * trained.recipe.training.batch,
        "sampler": setting.sampler_name,
        "evaluations": found.evaluations,
        **{f"times.{key}": scores[key].ratio for key in SCORES if key.startswith("fd.") and key in scores},
        **{key: scores[key].value for key in SCORES if key in scores},
    }
    figures = [f"{key} {value if isinstance(value, str) else format(value, '.4g')}" for key, value in trial.items()]
    print(", ".join(figures), file=sys.stderr, flush=True)
    return trial


def mean(trials: list[Trial]) -> dict[str, float]:
    """Return the mean of every figure over the training seeds."""
    return {key: statistics.mean(trial[key] for trial in trials) for key in trials[0] if key not in ("seed", "sampler")}


def publish(entries: list[dict[str, Any]]) -> None:
    """Write benchmarks/records.md, and the best result of each length into docs/speed.md."""
    write_text(HERE / "records.md", page(entries))
    write_text(SPEED, block(SPEED.read_text(encoding="utf-8"), "records", short(entries)))


def short(entries: list[dict[str, Any]]) -> str:
    """Return the table of docs/speed.md: the best result of each length in minutes."""
    heads = [
        "training",
        "FD A ÷ real",
        "FD B ÷ real",
        "FD C ÷ real",
        "accuracy A",
        "exactly black pixels %",
        "images seen",
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    best: dict[str, dict[str, Any]] = {}
    for each in entries:
        before = best.get(_class(each))
        if "minute" in each["length"] and (before is None or _score(each) < _score(before)):
            best[_class(each)] = each
    for length, each in best.items():
        means = mean(each["trials"])
        cells = [
            length,
            *(f"{means[f'times.{key}']:.2f}" for key in ("fd.a", "fd.b", "fd.c")),
            figure("accuracy.a", means["accuracy.a"]),
            figure("zero", means["zero"]),
            f"{means['images']:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    machines, commits = (", ".join(dict.fromkeys(each[key] for each in best.values())) for key in ("machine", "commit"))
    return "\n".join([*lines, "", f"*{machines}; at {commits}.*"])


def _class(each: dict[str, Any]) -> str:
    """Return the length and the precision: records of machines with and without native bfloat16 are not compared."""
    return f"{each['length']}, {each['precision']}"


def _score(each: dict[str, Any]) -> float:
    return mean(each["trials"])["times.fd.a"]


def page(entries: list[dict[str, Any]]) -> str:
    """Return benchmarks/records.md."""
    records = [each for each in entries if "minute" in each["length"]]
    trials = [each for each in entries if each not in records]
    machines = "; ".join(dict.fromkeys(each["machine"] for each in entries))
    return f"""# Records: time to quality

How good a model gets in so many minutes from nothing.

{RULES}

Verify one: `python benchmarks/records.py fast --data FOLDER --length "3 minutes"`; on a machine that multiplies bfloat16
natively, `--change training.precision=float32` gives a record of the class float32. Machine: {machines}.

{_table(records)}

What was tried on the way, wins and losses alike: [notes.md](notes.md).
{TRIALS + _table(trials) if trials else ""}"""


def _table(entries: list[dict[str, Any]]) -> str:
    predicted, timed = any(each["predicted"] for each in entries), any("minute" in each["length"] for each in entries)
    heads = [
        "length",
        "what changed",
        *(["predicted"] if predicted else []),
        "FD A, times the real test set's",
        "against the best before",
        "FD B",
        "FD C",
    ]
    heads += [
        *(QUALITY.get(key) or MORE[key] for key in SCORES if not key.startswith("fd.")),
        *(["seconds by the clock"] if timed else []),
        "images seen",
        "N",
        "sampler",
        "commit",
    ]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    best: dict[tuple[str, int], float] = {}
    for each in entries:
        trials, means = each["trials"], mean(each["trials"])
        ratios = [f"{trial['times.fd.a']:.2f}" for trial in trials]
        score, kind = means["times.fd.a"], (_class(each), each["n"])
        before = best.get(kind)
        best[kind] = min(score, before or score)
        cells = [
            _class(each),
            " ".join([each["note"], *(f"`{change}`" for change in each["changes"])]),
            *([each["predicted"]] if predicted else []),
            f"**{score:.2f}**" + (f" ({', '.join(ratios)})" if len(trials) > 1 else ""),
            "" if before is None else f"{(score / before - 1) * 100:+.0f}%",
            *(f"{means[f'times.{key}']:.2f}" for key in ("fd.b", "fd.c")),
            *(figure(key, means[key]) for key in SCORES if not key.startswith("fd.")),
            *([f"{means['seconds']:.0f}"] if timed else []),
            f"{means['images']:,.0f}",
            f"{each['n']:,}",
            trials[0]["sampler"],
            each["commit"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    app()
