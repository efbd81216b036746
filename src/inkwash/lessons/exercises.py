"""The exercises of the lessons, by the number of the lesson: each checks an answer against what the package computes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from inkwash.core import Cosine, EmpiricalDenoiser, Level, Linear, NetDenoiser, Schedule, Target
from inkwash.core.levels import signal_fraction
from inkwash.core.rng import Stream, normals, uniforms
from inkwash.data import points
from inkwash.errors import UsageError
from inkwash.lessons import sampling_exercises
from inkwash.lessons.verdict import TOLERANCE, Verdict, equal_result
from inkwash.lessons.worlds import ten_points
from inkwash.nets import MLP
from inkwash.objectives import Denoising


def check(lesson: int, answer: object) -> Verdict:
    """Return whether `answer` solves the exercise of `lesson`.

    Raises `UsageError` for a lesson without an exercise. An answer that is a function is called; what it raises is raised.
    """
    if lesson not in EXERCISES:
        numbers = ", ".join(map(str, EXERCISES))
        raise UsageError(f"lesson {lesson} has no exercise: give one of {numbers}", code="unknown-name", field="lesson")
    return EXERCISES[lesson](answer)


def _level_of_equal_power(answer: object) -> Verdict:
    """Lesson 1: a level with alpha^2 + sigma^2 = 1 whose signal has a quarter of the power of its noise."""
    level = answer if isinstance(answer, Level) else Level(*answer) if isinstance(answer, tuple) else None
    if level is None:
        return Verdict(False, f"the answer is {type(answer).__name__}; give a Level, as in Level(0.8, 0.6)")
    power, ratio = float(level.alpha**2 + level.sigma**2), float(torch.exp(level.log_snr))
    if abs(power - 1) > TOLERANCE:
        return Verdict(False, f"alpha^2 + sigma^2 is {power:.3f}; it must be 1")
    if abs(ratio - 0.25) > TOLERANCE:
        return Verdict(False, f"alpha^2 / sigma^2 is {ratio:.3f}; it must be 0.25")
    return Verdict(True, f"{level} has the signal-to-noise ratio {ratio:.2f}")


def _denoiser_of_ten_points(answer: object) -> Verdict:
    """Lesson 2: a function (x [B, 2], level) -> [B, 2] that is the exact denoiser of `ten_points`."""
    exact = EmpiricalDenoiser(ten_points())
    x = normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,))
    for level in (Level(0.9, 0.44), Level(0.6, 0.8), Level(0.2, 0.98)):
        verdict = equal_result(answer, (x, level), exact(x, level), f"at {level}")
        if not verdict:
            return verdict
    return Verdict(True, "equal to EmpiricalDenoiser at three noise levels, for 64 values of x")


def _schedule_of_300_steps(answer: object) -> Verdict:
    """Lesson 3: a schedule of 300 timesteps that ends with as little signal as `Linear()` does after 1000."""
    if not isinstance(answer, Schedule) or answer.num_timesteps != 300:
        return Verdict(False, f"the answer is {answer}; give a schedule of 300 timesteps, as in Linear(T=300)")
    left, most = signal_fraction(answer.terminal), signal_fraction(Linear().terminal)
    if left > 1.1 * most:
        return Verdict(False, f"its last level keeps {left:.2%} of the signal; Linear() keeps {most:.2%}")
    if left < most / 10:
        return Verdict(
            False, f"its last level keeps {left:.4%} of the signal, far less than the {most:.2%} of Linear()"
        )
    return Verdict(True, f"its last level keeps {left:.2%} of the signal, and that of Linear() {most:.2%}")


def _noise_from_v(answer: object) -> Verdict:
    """Lesson 4: a function (v, x, level) -> noise, where alpha^2 + sigma^2 = 1."""
    image, noise = (normals(0, torch.arange(16), draw, Stream.EXTRACTOR_SHIFT, (1, 8, 8)) for draw in (0, 1))
    for u in (0.1, 0.5, 0.9):
        level = Cosine()(u)
        v = Target("v").of(level, image, noise)
        verdict = equal_result(answer, (v, level.mix(image, noise), level), noise, f"at u = {u}")
        if not verdict:
            return verdict
    return Verdict(True, "the noise is recovered at three noise levels")


def _loss_of_each_point(answer: object) -> Verdict:
    """Lesson 5: a function (denoiser, points [B, 2], u [B], noise [B, 2]) -> [B], the loss of a network that predicts v."""
    moons = points.load("moons")
    net = MLP(2, width=16, depth=1)
    with torch.no_grad():
        for draw, weight in enumerate(net.parameters()):
            weight.copy_(0.3 * normals(0, 0, draw, Stream.EXTRACTOR_SHIFT, weight.shape)[0])
    denoiser = NetDenoiser(net, Target("v", moons.data_std))
    u = uniforms(0, torch.arange(64), 0, Stream.EXTRACTOR_ORDER)[:, 0]
    noise = normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,))
    with torch.no_grad():
        expected = Denoising(Cosine())(denoiser, moons.values[:64], None, u, noise)
        return equal_result(
            answer, (denoiser, moons.values[:64], u, noise), expected, "for 64 points", "equal to Denoising(Cosine())"
        )


EXERCISES: dict[int, Callable[[object], Verdict]] = {
    1: _level_of_equal_power,
    2: _denoiser_of_ten_points,
    3: _schedule_of_300_steps,
    4: _noise_from_v,
    5: _loss_of_each_point,
    6: sampling_exercises.step_of_a_path,
    7: sampling_exercises.rule_of_second_order,
    8: sampling_exercises.guided_prediction,
    9: sampling_exercises.fraction_of_copies,
    10: sampling_exercises.end_of_a_path,
}
