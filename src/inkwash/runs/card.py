"""The record of a run: its plots and its card, an experiment record in Markdown."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from typing import Any

from inkwash.config.recipe import Recipe
from inkwash.config.sections import AttributeLossConfig, DistillationConfig
from inkwash.core import Target
from inkwash.core.levels import describe_terminal_snr
from inkwash.data.spec import DatasetSpec
from inkwash.io import png_metadata
from inkwash.io.atomic import write_text
from inkwash.runs.folder import RunFolder
from inkwash.runs.history import History, validation_unit
from inkwash.text.printing import quoted
from inkwash.training import ema
from inkwash.training.objective import SAMPLER
from inkwash.training.state import TrainingProgress


def write_card(
    folder: RunFolder,
    recipe: Recipe,
    spec: DatasetSpec,
    progress: TrainingProgress,
    total: int | None,
    pretrained: dict[str, Any] | None = None,
) -> None:
    """Write the plots and the card of a run up to its current step.

    `total` is None before the first plan; `pretrained` is the metadata of the model that training started from.
    """
    rows = folder.rows()
    validated = [row for row in rows if row["kind"] == "held-out"]
    trained = [row for row in rows if row["kind"] == "train"]
    memorizing = folder.read_memorizing_loss() if folder.memorizing_loss.is_file() else None
    _draw_plots(folder, recipe, trained, validated, memorizing)
    write_text(folder.card, _card(folder, recipe, spec, progress, total, pretrained, trained, validated, memorizing))


def _draw_plots(
    folder: RunFolder, recipe: Recipe, trained: list[dict[str, Any]], validated: list[dict[str, Any]], memorizing: Any
) -> None:
    from inkwash.viz import curves

    if validated:
        last = validated[-1]
        curves.loss_against_noise(
            folder.path / "loss-against-noise.png",
            last["codes"],
            last["losses"],
            memorizing["losses"] if memorizing else None,
            f"Validation loss by noise level, {recipe.name}, step {last['step']}",
            validation_unit(recipe),
        )
    if trained:
        History.of(recipe, [*trained, *validated]).save(folder.path / "loss.png")


def _card(
    folder: RunFolder,
    recipe: Recipe,
    spec: DatasetSpec,
    progress: TrainingProgress,
    total: int | None,
    pretrained: dict[str, Any] | None,
    trained: list[dict[str, Any]],
    validated: list[dict[str, Any]],
    memorizing: Any,
) -> str:
    experiment = recipe.experiment
    session = folder.sessions()[-1] if folder.sessions() else {}
    status = f"stopped at step {progress.step:,}" + (f" of {total:,}" if total else "")
    status = "complete" if total is not None and progress.step >= total else status
    name = folder.path.name
    sections = [
        f"# {recipe.name}: {name}",
        f"**Date**: {datetime.date.today().isoformat()}  \n**Status**: {status}  \n**Type**: {experiment.type}",
        f"## Objective\n{experiment.objective or recipe.about or 'Not stated.'}",
        f"## Hypothesis\n{experiment.hypothesis or 'Not stated.'}",
        "## Configuration\n" + bullets(_configuration(recipe, spec, pretrained).items()),
        "## Hardware\n" + bullets(machine_lines(session).items()),
        "## Results\n### Quantitative\n" + bullets(_figures(recipe, progress, trained, validated, memorizing).items()),
        "![validation loss by noise level](loss-against-noise.png)\n\n![training loss](loss.png)" if validated else "",
        "### Qualitative\n" + _pictures(folder),
        "## Observations\n" + bullets(_observations(recipe, spec, progress, validated, memorizing).items()),
        f"## Next steps\n{experiment.next or 'Not stated.'}",
        f"## Sample from it\n```bash\ninkwash sample {quoted(folder.path.as_posix())} "
        f"--sampler {recipe.sampling.sampler} -n 64 -o samples.png\n```",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _configuration(recipe: Recipe, spec: DatasetSpec, pretrained: dict[str, Any] | None) -> dict[str, str]:
    training, distilled = recipe.training, recipe.training.guidance != 1
    low, high = training.guidance_interval
    return {
        "Data": f"{spec.data}, {spec.count:,} train examples of {'×'.join(map(str, spec.shape))}, "
        f"std {spec.data_std:.3f}, SHA-256 {spec.sha256[:12]}",
        "Network": f"{recipe.network.kind} {recipe.network.options}"
        + (
            f", conditioned on the class in {1 - training.label_dropout:.0%} of examples"
            if recipe.network.conditional
            else ""
        ),
        **({"Started from": f"{pretrained['model']} ({pretrained['weights']})"} if pretrained else {}),
        **({"Distilled": _distilled(recipe.distillation)} if recipe.distillation else {}),
        "Target": recipe.target + (", clipped to the range of pixels" if recipe.clip else ""),
        "Schedule": repr(recipe.schedule),
        "Noise levels in training": repr(recipe.density),
        "Loss weight": repr(recipe.weight),
        **({"Guidance distilled": f"{training.guidance:g}, at u from {low:g} to {high:g}"} if distilled else {}),
        **({"Attribute loss": _attribute_loss(recipe.attribute_loss)} if recipe.attribute_loss else {}),
        "Optimizer": repr(recipe.optimizer),
        "Length": f"{training.length}, batch {training.batch}, seed {training.seed}",
        "EMA": f"half-life {training.ema}",
    }


def _attribute_loss(options: AttributeLossConfig) -> str:
    low, high = options.interval
    return f"weight {options.weight:g}, of images of {SAMPLER}:{options.steps}, by predictions at u from {low:g} to {high:g}"


def _distilled(options: DistillationConfig) -> str:
    low, high = options.interval
    return f"into one evaluation at u = {options.start:g}, by an adversarial loss at u from {low:g} to {high:g}"


def machine_lines(session: dict[str, Any]) -> dict[str, str]:
    """Return label -> value of the machine and commit in the entry of a session."""
    names = {"hardware": "Processor", "device": "Device", "threads": "Threads", "torch": "torch", "commit": "Commit"}
    return {label: str(session[key]) for key, label in names.items() if session.get(key)}


def _figures(
    recipe: Recipe,
    progress: TrainingProgress,
    trained: list[dict[str, Any]],
    validated: list[dict[str, Any]],
    memorizing: Any,
) -> dict[str, str]:
    found = {"Steps": f"{progress.step:,}, {progress.step * recipe.training.batch:,} images"}
    if trained:
        seconds = trained[-1]["seconds"]
        found["Training time"] = (
            f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
        ) + f", {trained[-1]['images'] / max(seconds, 1e-9):.0f} images/s"
        found["Training loss"] = f"{trained[-1]['loss']:.4f}"
    if validated:
        found["Validation loss"] = f"{validated[-1]['loss']:.4f} (best {min(row['loss'] for row in validated):.4f})"
    if memorizing:
        found["Loss of the memorizing denoiser on the train set"] = (
            f"{sum(memorizing['losses']) / len(memorizing['losses']):.4f}"
        )
    return found


def _pictures(folder: RunFolder) -> str:
    pictures = sorted(
        folder.samples.glob("[!.]*.png"), key=lambda file: (png_metadata.read_metadata(file) or {}).get("step", 0)
    )
    return "\n\n".join(f"**{file.stem}**\n\n![{file.stem}](samples/{file.name})" for file in pictures) or "None yet."


def _observations(
    recipe: Recipe, spec: DatasetSpec, progress: TrainingProgress, validated: list[dict[str, Any]], memorizing: Any
) -> dict[str, str]:
    terminal = recipe.schedule.terminal
    left = progress.start_left
    found = {
        "EMA": f"{left:.1%} weight on initial parameters"
        + (": too early to sample from it" if left > ema.MAX_INIT_WEIGHT else ""),
        "Noisiest level": describe_terminal_snr(terminal),
    }
    if validated and memorizing:
        determinant = Target(recipe.target, spec.data_std).determinant(terminal)
        gap = validated[-1]["losses"][-1] / memorizing["losses"][-1] if memorizing["losses"][-1] > 0 else math.inf
        if determinant != 0 and math.isfinite(gap):
            found["At the noisiest level"] = f"the validation loss is {gap:.2f} times that of the memorizing denoiser"
    if len(validated) > 1:
        change = validated[-1]["loss"] / validated[-2]["loss"] - 1
        found["Since the previous validation"] = f"the validation loss changed by {change:+.1%}"
    return found


def bullets(lines: Iterable[tuple[str, str]]) -> str:
    """Return a Markdown list of names and texts."""
    return "\n".join(f"- **{name}**: {text}" for name, text in lines) or "- none"
