"""Curves: loss against noise level, loss against training step, and noise schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inkwash.core.levels import Level, describe_terminal_snr
from inkwash.errors import UsageError
from inkwash.viz.style import COLOURS, FONT_SIZE, FOREGROUND, MUTED, THIN, figure, legend, save, set_labels

FloatArray = NDArray[np.float64]


def loss_against_noise(
    path: str | Path,
    c_noise: ArrayLike,
    losses: ArrayLike,
    memorizing: ArrayLike | None = None,
    title: str = "Validation loss by noise level",
    unit: str = "mean squared error per value",
) -> None:
    """Plot the validation `losses` against `c_noise`, in [0, 1] from clean to noise, both [L], to `path`.

    `memorizing`, [L], is the loss of the memorizing denoiser on the training set at the same levels; a network with this
    loss would have memorized the training set. `unit` is that of the losses; their axis is logarithmic when they
    span more than a factor of 20. Raises `UsageError` for different lengths or when no loss is finite.
    """
    columns = [_series(column) for column in (c_noise, losses, *([] if memorizing is None else [memorizing]))]
    if len({len(column) for column in columns}) != 1:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise UsageError(
            f"noise levels and losses have different lengths, {lengths}: give one of each for every level",
            code="invalid-data",
            field="losses",
        )
    finite = np.isfinite(columns[1])
    if not finite.any():
        raise UsageError(
            f"no loss is finite for {Path(path).name}: measure at least one level", code="invalid-data", field="losses"
        )
    order = np.argsort(columns[0][finite])
    level, loss, *memorized = (column[finite][order] for column in columns)

    fig, (ax,) = figure()
    ax.plot(level, loss, "o-", color=COLOURS[0], markersize=3, label="network, validation images")
    for curve in memorized:
        ax.plot(level, curve, "--", color=COLOURS[1], label="memorizing denoiser, train images")
        legend(ax)
    _log_where_wide(ax, "y", np.concatenate([loss, *memorized]))
    # The loss of the memorizing denoiser falls to 1e-14, which would flatten the curve of the network.
    ax.set_ylim(bottom=max(ax.get_ylim()[0], float(loss.min()) / 30) if memorized else None)
    ax.set_xlim(0, 1)
    set_labels(ax, title, "c_noise = (2/π)·atan(σ/α): 0 is clean, 1 is noise", unit)
    save(fig, path)


def training_curve(
    path: str | Path,
    rows: Sequence[Mapping[str, Any]],
    milestones: Sequence[int] = (),
    title: str = "Loss during training",
    unit: str = "mean squared error per value",
) -> None:
    """Plot the `rows` of a training log, each with "step" and "loss" or "validation", to `path`.

    Single losses are faint, their running mean over 2 % of the rows is dark; `milestones` are the steps of samples,
    marked along the bottom. Both axes are logarithmic when their values span more than a factor of 20; `unit` is that
    of the losses. Raises `UsageError` when no row has a finite loss.
    """
    steps, losses = _column(rows, "loss")
    validated_steps, validation = _column(rows, "validation")
    if not len(steps) and not len(validated_steps):
        raise UsageError(
            f"no loss is finite for {Path(path).name}: train at least one step", code="invalid-data", field="rows"
        )

    fig, (ax,) = figure()
    if len(steps):
        half = len(losses) // 100
        if half:
            ax.plot(steps, losses, color=MUTED, linewidth=THIN, alpha=0.5)
        words = f"loss, mean of {2 * half + 1} rows" if half else "loss"
        line = "-" if len(steps) > 1 else "o"
        ax.plot(steps, _running_mean(losses, half), line, color=COLOURS[0], label=words)
    if len(validated_steps):
        best = int(np.argmin(validation))
        words = f"validation loss, best {validation[best]:.4g} at step {validated_steps[best]:,.0f}"
        ax.plot(validated_steps, validation, "o-", color=COLOURS[1], markersize=3, label=words)
        ax.plot(validated_steps[best], validation[best], "o", color=COLOURS[1], markersize=8, fillstyle="none")
    if len(milestones):
        heights = np.full(len(milestones), 0.015)
        style: dict[str, Any] = {"color": FOREGROUND, "markersize": 4, "transform": ax.get_xaxis_transform()}
        ax.plot(milestones, heights, "^", label="samples", **style)
    # Steps are integers.
    ax.locator_params(axis="x", integer=True)
    _log_where_wide(ax, "x", np.concatenate([steps, validated_steps]))
    _log_where_wide(ax, "y", np.concatenate([losses, validation]))
    set_labels(ax, title, "training step", f"loss, {unit}")
    legend(ax)
    save(fig, path)


def schedule_curves(
    path: str | Path,
    named_levels: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    title: str = "Noise schedules",
) -> None:
    """Plot each schedule's (u, alpha, sigma), all [L] with u in [0, 1] from clean to noisy, to `path`.

    Left alpha and sigma, right the log-SNR 2·log(alpha/sigma), limited to ±20; the legend contains the terminal SNR.
    A schedule whose sigma exceeds 1.5 is divided by sqrt(alpha² + sigma²), and the legend says so.
    Raises `UsageError` when there is no schedule.
    """
    if not named_levels:
        raise UsageError(
            f"no schedule is given for {Path(path).name}: name at least one", code="invalid-data", field="named_levels"
        )
    fig, (coefficients, ratio) = figure(columns=2, width=9.6, height=4.2 + 0.18 * len(named_levels))
    for index, (name, levels) in enumerate(named_levels.items()):
        u, alpha, sigma = (_series(part) for part in levels)
        order = np.argsort(u)
        u, alpha, sigma = u[order], alpha[order], sigma[order]
        colour = COLOURS[index % len(COLOURS)]
        norm = np.hypot(alpha, sigma) if sigma.max() > 1.5 else np.ones_like(sigma)
        rescaled = " (scaled to norm 1)" if sigma.max() > 1.5 else ""
        coefficients.plot(u, alpha / norm, color=colour)
        coefficients.plot(u, sigma / norm, color=colour, linestyle="--")
        with np.errstate(divide="ignore"):
            log_snr = 2 * (np.log(alpha) - np.log(sigma))
        words = f"{name}{rescaled}: {describe_terminal_snr(Level(alpha[-1], sigma[-1]))}"
        ratio.plot(u, np.clip(log_snr, -20, 20), color=colour, label=words)
    coefficients.set_xlim(0, 1)
    coefficients.set_ylim(-0.02, 1.05)
    ratio.set_xlim(0, 1)
    ratio.set_ylim(-21, 21)
    set_labels(coefficients, f"{title}: α solid, σ dashed", "u: 0 is clean, 1 is noisy", "α of image, σ of noise")
    set_labels(ratio, "Log-SNR, 2·log(α/σ)", "u: 0 is clean, 1 is noisy", "nats")
    fig.legend(loc="outside lower left", frameon=False, fontsize=FONT_SIZE, labelcolor=FOREGROUND)
    save(fig, path)


def _series(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> tuple[FloatArray, FloatArray]:
    pairs = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    table = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    table = table[np.isfinite(table).all(axis=1)]
    table = table[np.argsort(table[:, 0], kind="stable")]
    return table[:, 0], table[:, 1]


def _running_mean(values: FloatArray, half: int) -> FloatArray:
    """Return the mean over `half` values on each side, fewer at the start, where a loss falls fastest."""
    index = np.arange(len(values))
    reach = np.minimum(index // 5, half)
    first, last = index - reach, np.minimum(index + reach + 1, len(values))
    total = np.cumsum(np.append(0.0, values))
    mean: FloatArray = (total[last] - total[first]) / (last - first)
    return mean


def _log_where_wide(ax: Any, axis: str, values: FloatArray) -> None:
    positive = values[values > 0]
    # A logarithmic axis cannot show 0, so that a single 0 keeps the axis linear.
    if len(positive) == len(values) and positive.max() > 20 * positive.min():
        ax.set(**{f"{axis}scale": "log"})
