"""The exercises of lessons 7 and 10, whose answers are compared with the solution of an ODE."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from inkwash.core import CLEAN, Cosine, Denoiser, Frame, Level, LogLinear, MixtureDenoiser, Sampler, Schedule
from inkwash.core.rng import Stream, normals
from inkwash.lessons.verdict import TOLERANCE, Mistake, Verdict, as_function, as_result, recognised
from inkwash.lessons.worlds import blurred_moons

ODE_TOLERANCE = 0.03
"""Mean distance to the solution of the ODE that 20 steps of a solver of second order stay below."""
FEW_EVALUATIONS = 40
"""Evaluations below which a wrong end is taken for that of too few steps."""


def rule_of_second_order(answer: object) -> Verdict:
    """Lesson 7: a refinement rule as in `inkwash.core.samplers`, whose error falls with an order of at least 2."""
    rule = as_function(answer)
    if isinstance(rule, Verdict):
        return rule
    world, schedule = blurred_moons(), LogLinear(8.0, -8.0)
    start = normals(0, torch.arange(32), 0, Stream.EXTRACTOR_SHIFT, (2,)).double()
    *_, last = Sampler(schedule, "dpm++3m", 400)(world, lambda k: start)
    errors = []
    for steps in (20, 40):
        x = _end(rule, world, schedule, start, steps)
        if isinstance(x, Verdict):
            return x
        errors.append(float((x - last.x).norm(dim=1).mean()))
    order = math.log2(errors[0] / errors[1]) if min(errors) > 0 else math.nan
    found = f"its error is {errors[0]:.2g} in 20 steps and {errors[1]:.2g} in 40: order {order:.2f}"
    return Verdict(order > 1.7, found if order > 1.7 else f"{found}; it must be about 2 or more")


def _end(
    rule: Callable[..., object], world: MixtureDenoiser, schedule: Schedule, x: Tensor, steps: int
) -> Tensor | Verdict:
    """Return where a rule takes `x`, or the verdict on a rule of which every step is that of a mistake."""
    past: list[Frame] = []
    calls: list[tuple[object, ...]] = []
    images = []
    for now, nxt in pairwise(schedule.levels(steps)):
        denoised = world(x, now)
        past = [*past[-2:], Frame(now, x, denoised)]
        image: Tensor | Verdict = denoised
        if nxt is not CLEAN:
            calls.append((world, x, denoised, now, nxt, past[:-1]))
            try:
                image = as_result(rule(*calls[-1]), x.shape)
            except IndexError:
                if len(past) > 2:
                    raise
                hint = f"`past` has {len(past) - 1} frames in step {len(past)}: return a prediction without them there"
                return Verdict(False, hint, "empty-past")
        if isinstance(image, Verdict):
            return image
        images.append(image)
        x = image if nxt is CLEAN else nxt.mix(image, now.noise_in(x, image))
    mistake = recognised(images[:-1], RULES, calls)
    return x if mistake is None else mistake


def _extrapolated(by: float) -> Callable[..., Tensor]:
    """Return the rule that extrapolates the last two predictions linearly, by the fraction `by` of the step."""

    def refine(denoise: Denoiser, x: Tensor, denoised: Tensor, now: Level, nxt: Level, past: list[Frame]) -> Tensor:
        if not past:
            return denoised
        ratio = (nxt.log_snr - now.log_snr) / (now.log_snr - past[-1].level.log_snr)
        return denoised + by * ratio * (denoised - past[-1].denoised)

    return refine


RULES = (
    Mistake(
        "first-order",
        "it uses the prediction at `now` alone, a rule of order 1: a second one is in `past`, or comes from `denoise`",
        lambda denoise, x, denoised, now, nxt, past: denoised,
    ),
    Mistake(
        "state",
        "it returns the state at `nxt`; return the image, from which the loop makes that state",
        lambda denoise, x, denoised, now, nxt, past: nxt.mix(denoised, now.noise_in(x, denoised)),
    ),
    Mistake(
        "noise",
        "it returns the noise; return the image that belongs to it: now.image_in(x, noise)",
        lambda denoise, x, denoised, now, nxt, past: now.noise_in(x, denoised),
    ),
    Mistake(
        "end-only",
        "it uses the prediction at the end of the step alone; take the mean of both noises",
        lambda denoise, x, denoised, now, nxt, past: denoise(nxt.mix(denoised, now.noise_in(x, denoised)), nxt),
    ),
    Mistake(
        "past-only",
        "it uses the prediction of the last step; extrapolate from it through `denoised`",
        lambda denoise, x, denoised, now, nxt, past: past[-1].denoised if past else denoised,
    ),
    Mistake(
        "full-step",
        "it extrapolates to the end of the step; the middle stands for the step: half as far",
        _extrapolated(1.0),
    ),
    Mistake(
        "backwards",
        "it goes back to the prediction of the last step; extrapolate in the other direction",
        _extrapolated(-0.5),
    ),
)
"""Likely wrong rules of lesson 7."""


def end_of_a_path(answer: object) -> Verdict:
    """Lesson 10: a function (denoise, noise [B, 2]) -> [B, 2], where the probability-flow ODE of the cosine schedule ends."""
    function = as_function(answer)
    if isinstance(function, Verdict):
        return function
    world, noise = blurred_moons(), normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,)).double()
    *_, last = Sampler(Cosine(), "dpm++2m", 200)(world, lambda k: noise)
    evaluations = 0

    def counted(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return world(x, level, label)

    answered = function(counted, noise)
    if isinstance(answered, Frame):
        return Verdict(False, "it returns a Frame; the points are its x", "frame")
    if isinstance(answered, Iterator | list):
        return Verdict(False, "it returns the path; the end is the x of its last frame: *_, last = path", "path")
    found = as_result(answered, noise.shape)
    if isinstance(found, Verdict):
        return found
    away = float((found - last.x).norm(dim=1).mean())
    reason = f"its points are {away:.3f} from the ends of the ODE on average"
    if away < ODE_TOLERANCE:
        return Verdict(True, reason)
    reason += f"; it must be {ODE_TOLERANCE} or less"
    if float((found - noise).abs().max()) < TOLERANCE:
        return Verdict(False, "it returns the noise: the end is the x of the last frame, not of the first", "start")
    if evaluations == 1:
        return Verdict(
            False, f"one evaluation of the teacher predicts the mean of the world: {reason}", "one-evaluation"
        )
    if float((torch.as_tensor(function(world, noise)) - found).abs().max()) > TOLERANCE:
        return Verdict(False, f"the same noise ends elsewhere each time; an ODE has no fresh noise: {reason}", "random")
    if evaluations < FEW_EVALUATIONS:
        return Verdict(False, f"{evaluations} evaluations are too few for this solver: {reason}", "too-few-steps")
    return Verdict(
        False,
        f"fresh noise or another start leads elsewhere; the ODE is the sampler ddim or heun: {reason}",
        "not-the-ode",
    )
