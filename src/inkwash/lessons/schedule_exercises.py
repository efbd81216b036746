"""The exercises of lessons 1 and 3, whose answers are a noise level and a schedule."""

from __future__ import annotations

import torch

from inkwash.core import Level, Linear, Schedule
from inkwash.core.levels import signal_fraction
from inkwash.lessons.verdict import TOLERANCE, Verdict

LEVELS = (
    ("inverted", (0.8**0.5, 0.2**0.5), "the SNR is 4: alpha^2 is four times sigma^2, and not a quarter of it"),
    ("squares", (0.2, 0.8), "0.2 and 0.8 are alpha^2 and sigma^2; take their square roots"),
    (
        "amplitudes",
        (17**-0.5, 4 * 17**-0.5),
        "alpha / sigma is 0.25; the SNR is the ratio of their squares, here 0.0625",
    ),
    (
        "fraction-of-total",
        (0.5, 0.75**0.5),
        "alpha^2 is a quarter of alpha^2 + sigma^2; it must be a quarter of sigma^2",
    ),
)
"""Likely wrong levels in lesson 1: the name of the mistake, (alpha, sigma), and the hint."""


def level_of_equal_power(answer: object) -> Verdict:
    """Lesson 1: a level with alpha^2 + sigma^2 = 1 whose signal has a quarter of the power of its noise."""
    level = answer if isinstance(answer, Level) else Level(*answer) if isinstance(answer, tuple) else None
    if level is None:
        return Verdict(False, f"the answer is {type(answer).__name__}; give a Level, as in Level(0.8, 0.6)")
    power, ratio = float(level.alpha**2 + level.sigma**2), float(torch.exp(level.log_snr))
    for name, wrong, hint in LEVELS:
        if torch.allclose(
            torch.stack([level.alpha, level.sigma]), torch.tensor(wrong).double(), atol=TOLERANCE, rtol=0
        ):
            return Verdict(False, hint, name)
    if abs(ratio - 0.25) <= TOLERANCE < abs(power - 1):
        hint = f"the SNR is right, but alpha^2 + sigma^2 is {power:.3f}: divide both numbers by its square root"
        return Verdict(False, hint, "not-variance-preserving")
    if abs(power - 1) > TOLERANCE:
        return Verdict(False, f"alpha^2 + sigma^2 is {power:.3f}; it must be 1")
    if abs(ratio - 0.25) > TOLERANCE:
        return Verdict(False, f"alpha^2 / sigma^2 is {ratio:.3f}; it must be 0.25")
    return Verdict(True, f"{level} has the signal-to-noise ratio {ratio:.2f}")


def schedule_of_300_steps(answer: object) -> Verdict:
    """Lesson 3: a schedule of 300 timesteps that ends with as little signal as `Linear()` does after 1000."""
    if not isinstance(answer, Schedule) or answer.num_timesteps != 300:
        return Verdict(False, f"the answer is {answer}; give a schedule of 300 timesteps, as in Linear(T=300)")
    left, most = signal_fraction(answer.terminal), signal_fraction(Linear().terminal)
    kept = f"its last level keeps {left:.3g} of the signal, and that of Linear() {most:.3g}"
    if most / 10 <= left <= 1.1 * most:
        return Verdict(True, kept)
    if not isinstance(answer, Linear):
        return Verdict(False, kept)
    total, wanted = float(answer.betas().sum()), float(Linear().betas().sum())
    sums = f"the betas sum to {total:.3g}, and those of Linear() to {wanted:.3g}; {kept}"
    if (answer.start, answer.end) == (Linear().start, Linear().end):
        return Verdict(False, f"these are the betas of 1000 timesteps, and only 300 of them: {sums}", "same-betas")
    if answer.end < Linear().end:
        return Verdict(False, f"fewer timesteps need larger betas, and these are smaller: {sums}", "smaller-betas")
    if total < wanted:
        return Verdict(False, f"the betas are too small: {sums}", "too-small")
    return Verdict(False, f"the betas are too large: {sums}", "too-large")
