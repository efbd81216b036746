"""Curves show the numbers that they were given, say what they mean, and touch no global state."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from inkwash.errors import UsageError
from inkwash.viz import curves
from inkwash.viz.curves import loss_against_noise, schedule_curves, training_curve

CODES = np.linspace(0.05, 0.95, 10)


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figures that are saved, so that a test can ask their axes."""
    pages = []
    written = curves.save
    monkeypatch.setattr(curves, "save", lambda page, path: (pages.append(page), written(page, path)))
    return pages


def lines(page, axis=0):
    return {line.get_label(): line for line in page.axes[axis].lines}


def test_losses_are_plotted_in_the_order_of_noise_levels(tmp_path, drawn):
    losses = CODES**3
    shuffled = np.random.default_rng(0).permutation(10)
    loss_against_noise(tmp_path / "a.png", CODES[shuffled], losses[shuffled], losses[shuffled] / 2)
    shown = lines(drawn[0])
    assert np.array_equal(shown["network, held out"].get_xydata(), np.stack([CODES, losses], axis=1))
    assert np.array_equal(shown["exact denoiser of the train set, on the train set"].get_ydata(), losses / 2)
    assert drawn[0].axes[0].get_yscale() == "log"


def test_levels_without_a_finite_loss_are_left_out(tmp_path, drawn):
    losses = np.where(CODES > 0.5, np.nan, 0.5)
    loss_against_noise(tmp_path / "a.png", CODES, losses)
    assert len(lines(drawn[0])["network, held out"].get_xdata()) == (CODES <= 0.5).sum()
    assert drawn[0].axes[0].get_yscale() == "linear"


def test_a_training_curve_marks_the_best_held_out_step_and_milestones(tmp_path, drawn):
    rows = [{"step": step, "loss": 1 / step, "heldout": None} for step in range(1, 1001)]
    rows[299]["heldout"], rows[599]["heldout"], rows[899]["heldout"] = 0.5, 0.25, 0.375
    training_curve(tmp_path / "a.png", rows, milestones=[1, 10, 100])
    shown = lines(drawn[0])
    assert "held out, best 0.25 at step 600" in shown
    assert shown["samples"].get_xdata().tolist() == [1, 10, 100]
    assert drawn[0].axes[0].get_xscale() == drawn[0].axes[0].get_yscale() == "log"


def test_the_running_mean_keeps_a_line_and_reduces_noise(tmp_path, drawn):
    steps = np.arange(1, 2001)
    noise = np.random.default_rng(0).standard_normal(2000)
    for losses in (5.0 + steps, 100 + noise):
        training_curve(
            tmp_path / "a.png",
            [{"step": int(s), "loss": float(v)} for s, v in zip(steps, losses, strict=True)],
        )
    straight, calm = (next(line.get_ydata() for name, line in lines(page).items() if "mean" in name) for page in drawn)
    assert np.allclose(straight[:-30], (5.0 + steps)[:-30])
    assert calm[200:-30].std() < 0.3


def test_a_schedule_has_its_terminal_snr_in_the_legend_and_is_scaled_only_when_sigma_is_large(tmp_path, drawn):
    u = np.linspace(0, 1, 11)
    levels = {"flow": (u, 1 - u, u), "karras": (u, np.ones(11), 80 * u**7)}
    schedule_curves(tmp_path / "a.png", levels)
    mixture, ratio = drawn[0].axes
    for line in mixture.lines:
        assert line.get_ydata().max() <= 1
    assert np.array_equal(mixture.lines[1].get_ydata(), u)
    flow, karras = (line.get_label() for line in ratio.lines)
    assert flow == "flow: ends at pure noise, SNR 0"
    assert "karras (scaled to norm 1)" in karras and "SNR 1.6e-04" in karras
    assert ratio.lines[0].get_ydata()[[0, 5, -1]].tolist() == [20, 0, -20]


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_the_same_curve_gives_the_same_bytes(tmp_path, suffix):
    for name in ("a", "b"):
        loss_against_noise(tmp_path / f"{name}{suffix}", CODES, CODES)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_pyplot_and_its_settings_do_not_change(tmp_path, monkeypatch):
    import matplotlib

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    before = matplotlib.rcParams.copy()
    training_curve(tmp_path / "a.png", [{"step": 1, "loss": 0.5}])
    assert matplotlib.rcParams.copy() == before


def test_curves_without_values_are_refused_and_leave_no_file(tmp_path):
    for request in (
        lambda: loss_against_noise(tmp_path / "a.png", CODES, CODES[:3]),
        lambda: loss_against_noise(tmp_path / "a.png", CODES, CODES * np.nan),
        lambda: loss_against_noise(tmp_path / "a.jpg", CODES, CODES),
        lambda: training_curve(tmp_path / "a.png", []),
        lambda: training_curve(tmp_path / "a.png", [{"step": 1, "loss": float("nan")}]),
        lambda: schedule_curves(tmp_path / "a.png", {}),
    ):
        with pytest.raises(UsageError):
            request()
    assert not list(tmp_path.iterdir())
