"""Curves of losses and schedules: values, labels, scales, and no change of global state."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inkwash.errors import UsageError
from inkwash.viz.curves import loss_against_noise, schedule_curves, training_curve

C_NOISE = np.linspace(0.05, 0.95, 10)


def lines(figure: Figure) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in figure.axes[0].lines}


def test_losses_are_plotted_in_the_order_of_noise_levels(tmp_path: Path, figures: list[Figure]) -> None:
    losses = C_NOISE**3
    shuffled = np.random.default_rng(0).permutation(10)
    loss_against_noise(tmp_path / "a.png", C_NOISE[shuffled], losses[shuffled], losses[shuffled] / 2)
    shown = lines(figures[0])
    assert np.array_equal(shown["network, validation images"].get_xydata(), np.stack([C_NOISE, losses], axis=1))
    assert np.array_equal(shown["memorizing denoiser, train images"].get_ydata(), losses / 2)
    assert figures[0].axes[0].get_yscale() == "log"


def test_levels_without_a_finite_loss_are_left_out(tmp_path: Path, figures: list[Figure]) -> None:
    loss_against_noise(tmp_path / "a.png", C_NOISE, np.where(C_NOISE > 0.5, np.nan, 0.5))
    assert np.array_equal(lines(figures[0])["network, validation images"].get_xdata(), C_NOISE[C_NOISE <= 0.5])
    assert figures[0].axes[0].get_yscale() == "linear"


def test_a_training_curve_marks_the_best_validation_and_milestones(tmp_path: Path, figures: list[Figure]) -> None:
    rows = [{"step": step, "loss": 1 / step} for step in range(1, 1001)]
    rows += [{"step": step, "validation": loss} for step, loss in ((300, 0.5), (600, 0.25), (900, 0.375))]
    training_curve(tmp_path / "a.png", rows, milestones=[1, 10, 100])
    shown = lines(figures[0])
    assert "validation loss, best 0.25 at step 600" in shown
    assert np.array_equal(shown["samples"].get_xdata(), [1, 10, 100])
    assert figures[0].axes[0].get_xscale() == figures[0].axes[0].get_yscale() == "log"


def test_the_running_mean_keeps_a_line_and_reduces_noise(tmp_path: Path, figures: list[Figure]) -> None:
    steps = np.arange(1, 2001)
    for losses in (5.0 + steps, 100 + np.random.default_rng(0).standard_normal(2000)):
        rows = [{"step": int(step), "loss": float(loss)} for step, loss in zip(steps, losses, strict=True)]
        training_curve(tmp_path / "a.png", rows)
    straight, calm = (np.asarray(lines(figure)["loss, mean of 41 rows"].get_ydata()) for figure in figures)
    assert np.allclose(straight[:-30], (5.0 + steps)[:-30])
    assert calm[200:-30].std() < 0.3


def test_a_schedule_has_its_terminal_snr_and_is_scaled_only_when_sigma_is_large(
    tmp_path: Path, figures: list[Figure]
) -> None:
    u = np.linspace(0, 1, 11)
    schedule_curves(tmp_path / "a.png", {"flow": (u, 1 - u, u), "karras": (u, np.ones(11), 80 * u**7)})
    coefficients, ratio = figures[0].axes
    assert all(np.max(line.get_ydata()) <= 1 for line in coefficients.lines)
    assert np.array_equal(coefficients.lines[1].get_ydata(), u)
    flow, karras = (str(line.get_label()) for line in ratio.lines)
    assert flow == "flow: ends at pure noise, SNR 0"
    assert "karras (scaled to norm 1)" in karras and "SNR 1.6e-04" in karras
    assert np.asarray(ratio.lines[0].get_ydata())[[0, 5, -1]].tolist() == [20, 0, -20]


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_the_same_curve_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        loss_against_noise(tmp_path / f"{name}{suffix}", C_NOISE, C_NOISE)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_long_vertical_label_is_wrapped(tmp_path: Path, figures: list[Figure]) -> None:
    loss_against_noise(
        tmp_path / "a.png", C_NOISE, C_NOISE, unit="a unit that is described in many more words than fit"
    )
    ax = figures[0].axes[0]
    assert ax.yaxis.label.get_window_extent().height <= ax.get_window_extent().height


def test_pyplot_and_its_settings_do_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    before = matplotlib.rcParams.copy()
    training_curve(tmp_path / "a.png", [{"step": 1, "loss": 0.5}])
    assert matplotlib.rcParams.copy() == before


@pytest.mark.parametrize(
    ("plot", "code", "field"),
    [
        (lambda: loss_against_noise("a.png", C_NOISE, C_NOISE[:3]), "invalid-data", "losses"),
        (lambda: loss_against_noise("a.png", C_NOISE, C_NOISE * np.nan), "invalid-data", "losses"),
        (lambda: loss_against_noise("a.jpg", C_NOISE, C_NOISE), "wrong-file", "path"),
        (lambda: training_curve("a.png", []), "invalid-data", "rows"),
        (lambda: training_curve("a.png", [{"step": 1, "loss": float("nan")}]), "invalid-data", "rows"),
        (lambda: schedule_curves("a.png", {}), "invalid-data", "named_levels"),
    ],
)
def test_curves_without_values_are_refused_and_leave_no_file(plot: Callable[[], None], code: str, field: str) -> None:
    with pytest.raises(UsageError) as error:
        plot()
    assert (error.value.code, error.value.field) == (code, field)
    assert not list(Path().iterdir())
