"""The exercises of lessons 6 to 10: sampling, solvers, guidance, measuring and one step."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from inkwash.core import CLEAN, Cosine, Frame, Guided, LogLinear, Sampler
from inkwash.core.rng import Stream, normals
from inkwash.data import points
from inkwash.lessons.verdict import Verdict, as_result, equal_result
from inkwash.lessons.worlds import blurred_moons, two_classes
from inkwash.metrics.memorization import NEAR_COPY_QUANTILE, near_copy_rate
from inkwash.metrics.nearest_neighbours import nearest_neighbour

ODE_TOLERANCE = 0.03
"""Mean distance to the solution of the ODE that 20 steps of a solver of second order stay below."""


def step_of_a_path(answer: object) -> Verdict:
    """Lesson 6: a function (x, denoised, now, nxt, f, z) -> x at `nxt`, with the fraction `f` of the noise replaced by `z`."""
    image, noise, fresh = (normals(0, torch.arange(16), draw, Stream.EXTRACTOR_SHIFT, (2,)) for draw in range(3))
    now, nxt = Cosine()(0.7), Cosine()(0.5)
    for fraction in (0.0, 0.36, 1.0):
        expected = nxt.mix(image, (1 - fraction) ** 0.5 * noise + fraction**0.5 * fresh)
        arguments = (now.mix(image, noise), image, now, nxt, fraction, fresh)
        verdict = equal_result(answer, arguments, expected, f"for f = {fraction:g}")
        if not verdict:
            return verdict
    return Verdict(True, "equal to a step of Sampler for f = 0, 0.36 and 1")


def rule_of_second_order(answer: object) -> Verdict:
    """Lesson 7: a refinement rule as in `inkwash.core.samplers`, whose error falls with an order of at least 2."""
    if not callable(answer):
        return Verdict(False, f"the answer is {type(answer).__name__}; give a function")
    world, schedule = blurred_moons(), LogLinear(8.0, -8.0)
    start = normals(0, torch.arange(32), 0, Stream.EXTRACTOR_SHIFT, (2,)).double()
    *_, last = Sampler(schedule, "dpm++3m", 400)(world, lambda k: start)
    errors = []
    for steps in (20, 40):
        x = start
        past: list[Frame] = []
        for now, nxt in pairwise(schedule.levels(steps)):
            denoised = world(x, now)
            past = [*past[-2:], Frame(now, x, denoised)]
            image = denoised
            if nxt is not CLEAN:
                result = as_result(answer(world, x, denoised, now, nxt, past[:-1]))
                if isinstance(result, Verdict):
                    return result
                image = result
                if image.shape != x.shape:
                    return Verdict(False, f"its result has the shape {list(image.shape)}; it must be {list(x.shape)}")
            x = image if nxt is CLEAN else nxt.mix(image, now.noise_in(x, image))
        errors.append(float((x - last.x).norm(dim=1).mean()))
    order = math.log2(errors[0] / errors[1]) if min(errors) > 0 else math.nan
    found = f"its error is {errors[0]:.2g} in 20 steps and {errors[1]:.2g} in 40: order {order:.2f}"
    return Verdict(order > 1.7, found if order > 1.7 else f"{found}; it must be about 2 or more")


def guided_prediction(answer: object) -> Verdict:
    """Lesson 8: a function (denoise, x, level, label, weight) -> the guided image, classifier-free guidance."""
    world, level = two_classes(), Cosine()(0.6)
    x = normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,)).double()
    label = torch.arange(64) % 2
    for weight in (1.0, 0.0, 3.0):
        expected = Guided(world, weight)(x, level, label)
        verdict = equal_result(answer, (world, x, level, label, weight), expected, f"for the weight {weight:g}")
        if not verdict:
            return verdict
    return Verdict(True, "equal to Guided for the weights 0, 1 and 3")


def fraction_of_copies(answer: object) -> Verdict:
    """Lesson 9: a function (samples, train, held_out) -> the fraction of near-copies, all [N, D]."""
    moons = points.load("moons")
    assert moons.test_values is not None
    train, held_out, others = moons.values[:400], moons.test_values[:400], moons.test_values[400:700]
    noise = normals(0, torch.arange(300), 0, Stream.EXTRACTOR_SHIFT, (2,))
    limit = float(nearest_neighbour(held_out, train)[0].quantile(NEAR_COPY_QUANTILE))
    sets = {
        "copies with a little noise": train[:300] + limit / 3 * noise,
        "copies with more noise": train[:300] + 3 * limit * noise,
        "held-out points": others,
    }
    for name, samples in sets.items():
        expected = torch.tensor(near_copy_rate(nearest_neighbour(samples, train)[0], limit))
        verdict = equal_result(answer, (samples, train, held_out), expected, f"for {name}")
        if not verdict:
            return verdict
    return Verdict(True, "equal to near_copy_rate for copies, noisy copies and held-out points")


def end_of_a_path(answer: object) -> Verdict:
    """Lesson 10: a function (denoise, noise [B, 2]) -> [B, 2], where the probability-flow ODE of the cosine schedule ends."""
    if not callable(answer):
        return Verdict(False, f"the answer is {type(answer).__name__}; give a function")
    world, noise = blurred_moons(), normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,)).double()
    *_, last = Sampler(Cosine(), "dpm++2m", 200)(world, lambda k: noise)
    found = as_result(answer(world, noise))
    if isinstance(found, Verdict):
        return found
    if found.shape != noise.shape:
        return Verdict(False, f"its result has the shape {list(found.shape)}; it must be {list(noise.shape)}")
    away = float((found - last.x).norm(dim=1).mean())
    reason = f"its points are {away:.3f} from the ends of the ODE on average"
    return Verdict(
        away < ODE_TOLERANCE, reason if away < ODE_TOLERANCE else f"{reason}; it must be {ODE_TOLERANCE} or less"
    )
