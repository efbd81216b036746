"""Curves that answer a question at a glance: is the loss good, is training done, what does a schedule do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inkwash.core.levels import Level
from inkwash.core.terminal_snr import terminal_words
from inkwash.errors import UsageError
from inkwash.viz.style import COLOURS, FAINT, INK, LOOK, describe, figure, legend, save

Series = NDArray[np.float64]


def loss_against_noise(
    path: str | Path,
    codes: ArrayLike,
    losses: ArrayLike,
    floor: ArrayLike | None = None,
    title: str = "Held-out loss by noise level",
    unit: str = "mean squared error per value",
) -> None:
    """Draw the held-out `losses` over the level `codes` in [0, 1] (0 clean, 1 noise), both [L], to `path`.

    `floor`, [L], is the loss at the same levels of the exact denoiser of the train set on its own examples, which
    has memorised them: where it is far below, learning it would be copying. `unit` names what the losses are; their
    axis is logarithmic where they span more than a factor of 20. Raises `UsageError` for lengths that differ or when
    no loss is finite.
    """
    columns = [_series(column) for column in (codes, losses, *([] if floor is None else [floor]))]
    if len({len(column) for column in columns}) != 1:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise UsageError(f"noise levels and losses differ in length ({lengths}): give one of each a level")
    finite = np.isfinite(columns[1])
    if not finite.any():
        raise UsageError(f"no finite loss to draw in {Path(path).name}: measure at least one level")
    order = np.argsort(columns[0][finite])
    code, loss, *floors = (column[finite][order] for column in columns)

    page, (ax,) = figure()
    ax.plot(code, loss, "o-", color=COLOURS[0], markersize=3, label="network, held out")
    for below in floors:
        ax.plot(code, below, "--", color=COLOURS[1], label="exact denoiser of the train set, on the train set")
        legend(ax)
    _log_where_wide(ax, "y", np.concatenate([loss, *floors]))
    # the memorised end of the floor reaches 1e-14 and would flatten the curve that people look at
    ax.set_ylim(bottom=max(ax.get_ylim()[0], float(loss.min()) / 30) if floors else None)
    ax.set_xlim(0, 1)
    describe(ax, title, "noise level code, (2/π)·atan(σ/α): 0 is clean, 1 is noise", unit)
    save(page, path)


def training_curve(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    milestones: Sequence[int] = (),
    title: str = "Loss while training",
    unit: str = "mean squared error per value",
) -> None:
    """Draw the `rows` of a training log, each with "step", "loss" and at times "heldout", to `path`.

    Single losses are faint, their running mean over 2 % of the rows is dark; `milestones` are steps marked
    along the bottom, where samples were drawn. Both axes are logarithmic where their values span more than a
    factor of 20; `unit` names what the losses are. Raises `UsageError` when no row has a finite loss.
    """
    steps, losses = _column(rows, "loss")
    held_steps, held = _column(rows, "heldout")
    if not len(steps) and not len(held_steps):
        raise UsageError(f"no finite loss to draw in {Path(path).name}: train at least one step")

    page, (ax,) = figure()
    if len(steps):
        half = len(losses) // 100
        if half:
            ax.plot(steps, losses, color=FAINT, linewidth=LOOK["hair"], alpha=0.5)
        words = f"loss, mean of {2 * half + 1} rows" if half else "loss"
        line = "-" if len(steps) > 1 else "o"
        ax.plot(steps, _running_mean(losses, half), line, color=COLOURS[0], label=words)
    if len(held_steps):
        best = int(np.argmin(held))
        words = f"held out, best {held[best]:.4g} at step {held_steps[best]:,.0f}"
        ax.plot(held_steps, held, "o-", color=COLOURS[1], markersize=3, label=words)
        ax.plot(held_steps[best], held[best], "o", color=COLOURS[1], markersize=8, fillstyle="none")
    if len(milestones):
        feet = np.full(len(milestones), 0.015)
        ax.plot(
            milestones,
            feet,
            "^",
            color=INK,
            markersize=4,
            transform=ax.get_xaxis_transform(),
            label="samples drawn",
        )
    # there is no half step to put a tick at
    ax.locator_params(axis="x", integer=True)
    _log_where_wide(ax, "x", np.concatenate([steps, held_steps]))
    _log_where_wide(ax, "y", np.concatenate([losses, held]))
    describe(ax, title, "training step", f"loss, {unit}")
    legend(ax)
    save(page, path)


def schedule_curves(
    path: str | Path,
    named_levels: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    title: str = "Noise schedules",
) -> None:
    """Draw each schedule's (u, alpha, sigma), all [L] with u in [0, 1] from clean to noisy, to `path`.

    Left alpha and sigma, right the log-SNR 2·log(alpha/sigma), cut at ±20; the legend says in words at what
    SNR each schedule ends. A schedule whose sigma exceeds 1.5 is drawn divided by sqrt(alpha² + sigma²) and
    says so. Raises `UsageError` when there is no schedule.
    """
    if not named_levels:
        raise UsageError(f"no schedule to draw in {Path(path).name}: name at least one")
    page, (mixture, ratio) = figure(columns=2, width=9.6, height=4.2 + 0.18 * len(named_levels))
    for index, (name, levels) in enumerate(named_levels.items()):
        u, alpha, sigma = (_series(part) for part in levels)
        order = np.argsort(u)
        u, alpha, sigma = u[order], alpha[order], sigma[order]
        colour = COLOURS[index % len(COLOURS)]
        norm = np.hypot(alpha, sigma) if sigma.max() > 1.5 else np.ones_like(sigma)
        rescaled = " (scaled to norm 1)" if sigma.max() > 1.5 else ""
        mixture.plot(u, alpha / norm, color=colour)
        mixture.plot(u, sigma / norm, color=colour, linestyle="--")
        with np.errstate(divide="ignore"):
            log_snr = 2 * (np.log(alpha) - np.log(sigma))
        words = f"{name}{rescaled}: {terminal_words(Level(alpha[-1], sigma[-1]))}"
        ratio.plot(u, np.clip(log_snr, -20, 20), color=colour, label=words)
    mixture.set_xlim(0, 1)
    mixture.set_ylim(-0.02, 1.05)
    ratio.set_xlim(0, 1)
    ratio.set_ylim(-21, 21)
    describe(
        mixture,
        f"{title}: α solid, σ dashed",
        "u: 0 is clean, 1 is noisy",
        "α of image, σ of noise",
    )
    describe(ratio, "Log-SNR, 2·log(α/σ)", "u: 0 is clean, 1 is noisy", "nats")
    page.legend(loc="outside lower left", frameon=False, fontsize=LOOK["size"], labelcolor=INK)
    save(page, path)


def _series(values: ArrayLike) -> Series:
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[Series, Series]:
    pairs = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    table = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    table = table[np.isfinite(table).all(axis=1)]
    table = table[np.argsort(table[:, 0], kind="stable")]
    return table[:, 0], table[:, 1]


def _running_mean(values: Series, half: int) -> Series:
    """Return the mean over `half` neighbours a side, fewer at the start, where a loss falls fastest."""
    index = np.arange(len(values))
    reach = np.minimum(index // 5, half)
    first, last = index - reach, np.minimum(index + reach + 1, len(values))
    total = np.cumsum(np.append(0.0, values))
    mean: Series = (total[last] - total[first]) / (last - first)
    return mean


def _log_where_wide(ax: Any, axis: str, values: Series) -> None:
    positive = values[values > 0]
    # a zero has no place on a logarithmic axis, so that one zero keeps it linear
    if len(positive) == len(values) and positive.max() > 20 * positive.min():
        ax.set(**{f"{axis}scale": "log"})
