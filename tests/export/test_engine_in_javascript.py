"""The JavaScript engine equals Python: random numbers bit for bit, schedules and trajectories up to rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from inkwash.core import (
    SAMPLERS,
    SCHEDULES,
    WARPS,
    Clipped,
    Cosine,
    Denoiser,
    Guided,
    Inpainted,
    Labelled,
    Level,
    Sampler,
    Schedule,
    Shift,
    Stretch,
    Target,
    Warped,
    WeightedPair,
)
from inkwash.core.rng import Stream, normals, slerp
from inkwash.core.targets import TARGETS
from inkwash.web.figures import schedule_options

Run = Callable[..., Any]


def test_normals_equal_those_of_python(javascript: Run) -> None:
    counters = [(0, 0), (1, 3), (2**31, 7), (2**53 - 1, 2**31)]
    code = """
    import { SAMPLE, normals } from "@/noise.js";
    console.log(JSON.stringify(given.map(([seed, counter]) => Array.from(normals(seed, counter, SAMPLE, 785)))));
    """
    for (seed, counter), found in zip(counters, javascript(code, counters), strict=True):
        in_python = normals(seed, 0, counter, Stream.SAMPLE, (785,))[0]
        in_javascript = torch.tensor(found)
        # Logarithm and cosine may differ in the last bit of a double, which rounding to float32 mostly hides.
        assert (in_python == in_javascript).double().mean() > 0.999
        torch.testing.assert_close(in_javascript, in_python, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("t", [0, 0.3, 1])
def test_spherical_interpolation_equals_that_of_python(javascript: Run, t: float) -> None:
    code = """
    import { SAMPLE, normals, slerp } from "@/noise.js";
    const [start, end] = [1, 2].map((seed) => normals(seed, 0, SAMPLE, 50));
    console.log(JSON.stringify(Array.from(slerp(start, end, given))));
    """
    start, end = (normals(seed, 0, 0, Stream.SAMPLE, (50,)) for seed in (1, 2))
    in_python = slerp(start, end, torch.tensor([t], dtype=torch.float64))[0]
    torch.testing.assert_close(torch.tensor(javascript(code, t)), in_python, rtol=1e-6, atol=1e-7)


CHOSEN: list[Schedule] = [build() for build in SCHEDULES.values()]
CHOSEN += [Warped(Cosine(), build()) for build in WARPS.values()]
CHOSEN += [Warped(Warped(Cosine(), Shift(1.5)), Stretch(0.6)), SCHEDULES["linear"](T=300)]


@pytest.mark.parametrize("schedule", CHOSEN, ids=lambda schedule: str(schedule_options(schedule)))
def test_levels_equal_those_of_python(javascript: Run, schedule: Schedule) -> None:
    code = """
    import { build } from "@/schedules.js";
    const made = build(given);
    console.log(JSON.stringify([1, 2, 7, 50, 300].map((n) => made.levels(n).map(({ alpha, sigma }) => [alpha, sigma]))));
    """
    for n, found in zip((1, 2, 7, 50, 300), javascript(code, schedule_options(schedule)), strict=True):
        in_python = [[float(level.alpha), float(level.sigma)] for level in schedule.levels(n)]
        np.testing.assert_allclose(found, in_python, rtol=1e-9, atol=1e-12)


def towards_label(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
    """A closed-form denoiser that depends on level and label."""
    shift = 0 if label is None else torch.where(label >= 0, 0.1 * (label + 1), 0).reshape(-1, 1).to(x)
    return torch.tanh(0.6 * x) * (1 - 0.3 * float(level.c_noise)) + shift


SETUP = """
    import { frames } from "@/samplers.js";
    import { build } from "@/schedules.js";
    import { SAMPLE, normals, slerp } from "@/noise.js";
    import { clipped, guided, inpainted, weightedPair, withLabels } from "@/denoisers.js";
    import { CLEAN, cNoise } from "@/levels.js";
    const size = 6, seeds = [0, 1, 2];
    const shift = (label, at) => {
      const value = label ? label[Math.floor(at / size)] : -1;
      return value >= 0 ? 0.1 * (value + 1) : 0;
    };
    const known = async (x, level, label) =>
      x.map((value, at) => Math.tanh(0.6 * value) * (1 - 0.3 * cNoise(level)) + shift(label, at));
    const noise = (counter) =>
      Float32Array.from(seeds.flatMap((seed) => Array.from(normals(seed, counter, SAMPLE, size))));
"""


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize("schedule", [Cosine(), SCHEDULES["karras"](), SCHEDULES["linear"](T=300)], ids=repr)
def test_every_sampler_has_the_trajectory_of_python(javascript: Run, kind: str, schedule: Schedule) -> None:
    program = (
        SETUP
        + """
    const found = [];
    for await (const frame of frames(known, build(given.schedule).levels(9), given.kind, noise))
      found.push([Array.from(frame.x), Array.from(frame.denoised)]);
    console.log(JSON.stringify(found));
    """
    )
    seeds = torch.arange(3)
    path = Sampler(schedule, kind, 9)(towards_label, lambda counter: normals(seeds, 0, counter, Stream.SAMPLE, (6,)))
    for (x, denoised), frame in zip(
        javascript(program, {"schedule": schedule_options(schedule), "kind": kind}), path, strict=True
    ):
        torch.testing.assert_close(torch.tensor(x), frame.x.flatten(), rtol=2e-5, atol=2e-5)
        torch.testing.assert_close(torch.tensor(denoised), frame.denoised.flatten(), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("wrapped", ["guided", "clipped", "inpainted", "weightedPair"])
def test_every_denoiser_wrapper_equals_that_of_python(javascript: Run, wrapped: str) -> None:
    program = (
        SETUP
        + """
    const at = build(given.schedule), labels = [3, 0, -1], keep = [true, false, false, true, false, false];
    const made = {
      guided: withLabels(guided(known, 2.5, [at.level(0.3), at.level(0.8)], clipped(known)), labels),
      clipped: clipped((x, level, label) => known(x.map((value) => 9 * value), level, label)),
      inpainted: inpainted(known, Float32Array.from([9, 8, 7, 6, 5, 4]), keep),
      weightedPair: weightedPair(withLabels(known, labels), withLabels(known, [1, 1, 1]), [0, 0.25, 1]),
    }[given.wrapped];
    const found = [];
    for (const u of [0.1, 0.5, 0.9]) found.push(Array.from(await made(noise(0), at.level(u), null)));
    console.log(JSON.stringify(found));
    """
    )
    at, labels = Cosine(), torch.tensor([3, 0, -1])
    keep = torch.tensor([True, False, False, True, False, False])
    wrappers: dict[str, Denoiser] = {
        "guided": Labelled(Guided(towards_label, 2.5, at(0.3), at(0.8), Clipped(towards_label)), labels),
        "clipped": Clipped(lambda x, level, label=None: towards_label(9 * x, level, label)),
        "inpainted": Inpainted(towards_label, torch.tensor([9.0, 8, 7, 6, 5, 4]), keep),
        "weightedPair": WeightedPair(
            Labelled(towards_label, labels),
            Labelled(towards_label, torch.ones(3, dtype=torch.int64)),
            torch.tensor([0, 0.25, 1], dtype=torch.float64),
        ),
    }
    x = normals(torch.arange(3), 0, 0, Stream.SAMPLE, (6,))
    for u, found in zip(
        (0.1, 0.5, 0.9), javascript(program, {"schedule": schedule_options(at), "wrapped": wrapped}), strict=True
    ):
        torch.testing.assert_close(torch.tensor(found), wrappers[wrapped](x, at(u)).flatten(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_solved_for_the_image(javascript: Run, target: str) -> None:
    program = """
    import { imageOf } from "@/levels.js";
    const { target, levels, std, x, prediction } = given;
    const image = ([alpha, sigma]) => Array.from(imageOf(target, { alpha, sigma }, std, x, prediction));
    console.log(JSON.stringify(levels.map(image)));
    """
    levels = [Level(0.9, math.sqrt(0.19)), Level(0.5, 0.8), Level(1.0, 3.0)]
    x, prediction = ([round(math.sin(k + shift), 3) for k in range(8)] for shift in (0, 1))
    given = {"target": target, "std": 0.6, "x": x, "prediction": prediction}
    given["levels"] = [[float(level.alpha), float(level.sigma)] for level in levels]
    for level, found in zip(levels, javascript(program, given), strict=True):
        in_python = Target(target, 0.6).image(level, torch.tensor(x), torch.tensor(prediction))
        torch.testing.assert_close(torch.tensor(found), in_python, rtol=1e-5, atol=1e-5)
