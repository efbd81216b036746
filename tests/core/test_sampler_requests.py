"""Settings of samplers, their numbers of network evaluations, and the frames that they yield."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from raised import code_and_field
from torch import Tensor

from inkwash.core import CLEAN, SAMPLERS, SCHEDULES, Cosine, Counted, Flow, GaussianDenoiser, Linear, Sampler
from inkwash.core.samplers import parse_sampler

Draws = Callable[..., Callable[[int], Tensor]]
DENOISE = GaussianDenoiser(torch.zeros(2).double(), torch.eye(2).double())
every_sampler = pytest.mark.parametrize("kind", SAMPLERS)
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)


@every_sampler
@every_schedule
@pytest.mark.parametrize("steps", [1, 2, 5, 30])
def test_paths_are_finite_and_cost_the_stated_evaluations(kind: str, schedule: str, steps: int, draws: Draws) -> None:
    counted = Counted(DENOISE)
    sampler = Sampler(SCHEDULES[schedule](), kind, steps=steps)
    for frame in sampler(counted, draws(3, 2)):
        assert torch.isfinite(frame.x).all() and torch.isfinite(frame.denoised).all()
    assert sampler.evaluations == counted.count
    for now, nxt in pairwise(sampler.schedule.levels(steps)[:-1]):
        fraction = sampler.fresh_noise_fraction(now, nxt)
        assert fraction.dtype is torch.float64 and 0 <= fraction <= 1


@every_sampler
def test_path_has_one_frame_per_level_and_ends_with_the_last_prediction(kind: str, draws: Draws) -> None:
    schedule = Cosine()
    frames = list(Sampler(schedule, kind, steps=6)(DENOISE, draws(3, 2)))
    assert [frame.level.c_noise for frame in frames] == [level.c_noise for level in schedule.levels(6)]
    assert frames[-1].level is CLEAN
    assert torch.equal(frames[-1].x, frames[-2].denoised) and torch.equal(frames[-1].x, frames[-1].denoised)
    assert all(torch.equal(frame.denoised, DENOISE(frame.x, frame.level)) for frame in frames[:-1])


@every_sampler
def test_a_state_of_float32_stays_float32(kind: str, draws: Draws) -> None:
    single = GaussianDenoiser(torch.zeros(2), torch.eye(2))
    noise = draws(3, 2)
    frames = list(Sampler(Flow(), kind, steps=5)(single, lambda draw: noise(draw).float()))
    assert {frame.x.dtype for frame in frames} == {torch.float32}
    *_, exact = Sampler(Flow(), kind, steps=5)(DENOISE, noise)
    torch.testing.assert_close(frames[-1].x.double(), exact.x, rtol=0, atol=1e-5)


@every_sampler
def test_noise_is_requested_only_for_positive_fractions(kind: str, draws: Draws) -> None:
    requested: list[int] = []

    def noise(draw: int) -> Tensor:
        requested.append(draw)
        return draws(3, 2)(draw)

    sampler = Sampler(Linear(T=50), kind, steps=5)
    list(sampler(DENOISE, noise))
    steps = list(pairwise(sampler.schedule.levels(5)[:-1]))
    assert requested == [0] + [
        k for k, (now, nxt) in enumerate(steps, start=1) if sampler.fresh_noise_fraction(now, nxt) > 0
    ]


@every_sampler
def test_samples_do_not_depend_on_the_batch(kind: str, draws: Draws) -> None:
    sampler, noise = Sampler(Cosine(), kind, steps=5), draws(7, 2)
    *_, together = sampler(DENOISE, noise)
    for row in range(7):
        *_, single = sampler(DENOISE, lambda draw, row=row: noise(draw)[row : row + 1])  # type: ignore[misc]
        torch.testing.assert_close(single.x, together.x[row : row + 1], rtol=0, atol=1e-13)


def test_start_image_is_mixed_with_the_first_noise(draws: Draws) -> None:
    schedule, picture, noise = Linear(T=50), torch.full((3, 2), 0.7, dtype=torch.float64), draws(3, 2)
    first = next(Sampler(schedule, "ddim", steps=5)(DENOISE, noise, start=picture))
    torch.testing.assert_close(first.x, first.level.mix(picture, noise(0)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"kind": "dimm"}, ("unknown-name", "sampler")),
        ({"steps": 51}, ("out-of-range", "steps")),
        ({"kind": "ddim", "eta": 1.5}, ("out-of-range", "eta")),
        ({"kind": "dpm++2m-sde", "eta": -0.5}, ("out-of-range", "eta")),
        ({"kind": "dpm++2m-sde", "eta": float("inf")}, ("out-of-range", "eta")),
        ({"kind": "ddim", "eta": -0.1}, ("out-of-range", "eta")),
        ({"kind": "ddim", "eta": float("nan")}, ("out-of-range", "eta")),
        ({"temperature": -1.0}, ("out-of-range", "temperature")),
        *(
            ({"kind": kind, "eta": 0.5}, ("no-effect", "eta"))
            for kind, rules in SAMPLERS.items()
            if rules.max_eta is None
        ),
    ],
    ids=str,
)
def test_invalid_sampler_settings_raise_usage_errors(settings: dict[str, Any], expected: tuple[str, str]) -> None:
    assert code_and_field(lambda: Sampler(Linear(T=50), **{"steps": 10, **settings})) == expected


@every_schedule
@pytest.mark.parametrize("steps", [0, -1])
def test_steps_below_one_are_refused(schedule: str, steps: int) -> None:
    assert code_and_field(lambda: Sampler(SCHEDULES[schedule](), steps=steps)) == ("out-of-range", "steps")


@every_sampler
def test_parse_sampler_reads_name_and_steps(kind: str) -> None:
    assert parse_sampler(kind) == (kind, None)
    assert parse_sampler(f"{kind}:25") == (kind, 25)


@pytest.mark.parametrize(
    "text", ["", "dpm", "ddim:", "ddim:ten", "ddim:2.5", "ddim:5:5", "ddim:--5", "ddim:²", "ddim: 5"]
)
def test_parse_sampler_refuses_unknown_names_and_steps(text: str) -> None:
    code = "invalid-value" if text.startswith("ddim") else "unknown-name"
    assert code_and_field(lambda: parse_sampler(text)) == (code, "sampler")
