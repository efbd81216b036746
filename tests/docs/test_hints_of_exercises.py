"""Each likely wrong answer of an exercise gets the hint of its mistake, and of no other."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from lesson_cells import LESSONS
from torch import Tensor

from inkwash.core import SAMPLERS, Cosine, Level, Linear, Quadratic, Sampler
from inkwash.lessons import check
from inkwash.lessons.worlds import ten_points

POINTS = ten_points()


def weighted(logits: Tensor, dim: int = 1) -> Tensor:
    return torch.softmax(logits, dim) @ POINTS


def squared(x: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(x, centres.to(x)) ** 2


DENOISERS: dict[str, Any] = {
    "ignores-x": lambda x, level: POINTS.mean(0).repeat(len(x), 1),
    "no-alpha": lambda x, level: weighted(-squared(x, POINTS) / (2 * level.sigma.float() ** 2)),
    "no-sigma": lambda x, level: weighted(-squared(x, level.alpha * POINTS)),
    "no-two": lambda x, level: weighted(-squared(x, level.alpha * POINTS) / level.sigma.float() ** 2),
    "sigma-not-squared": lambda x, level: weighted(-squared(x, level.alpha * POINTS) / (2 * level.sigma.float())),
    "distance-not-squared": lambda x, level: weighted(
        -squared(x, level.alpha * POINTS).sqrt() / (2 * level.sigma.float() ** 2)
    ),
    "sign": lambda x, level: weighted(squared(x, level.alpha * POINTS) / (2 * level.sigma.float() ** 2)),
    "nearest": lambda x, level: POINTS[squared(x, level.alpha * POINTS).argmin(1)],
    "mean-of-noised-points": lambda x, level: (
        level.alpha.float() * weighted(-squared(x, level.alpha * POINTS) / (2 * level.sigma.float() ** 2))
    ),
    "sum-over-x": lambda x, level: weighted(-squared(x, level.alpha * POINTS) / (2 * level.sigma.float() ** 2), 0),
}
NOISES: dict[str, Any] = {
    "v-itself": lambda v, x, level: v,
    "image": lambda v, x, level: level.alpha * x - level.sigma * v,
    "sign": lambda v, x, level: level.sigma * x - level.alpha * v,
    "swapped": lambda v, x, level: level.alpha * x + level.sigma * v,
}


def loss(reduced: Any, clean: bool = False, target: str = "v") -> Any:
    def each(denoiser: Any, points: Tensor, u: Tensor, noise: Tensor) -> Tensor:
        level = Cosine()(u)
        given = points if clean else level.mix(points, noise)
        wanted = {"v": denoiser.target.of(level, points, noise), "points": points, "noise": noise}[target]
        return reduced(denoiser.output(given, level) - wanted)

    return each


LOSSES = {
    "zeros": lambda denoiser, points, u, noise: torch.zeros(len(points)),
    "sum": loss(lambda error: (error**2).sum(dim=1)),
    "mean-of-all": loss(lambda error: (error**2).mean()),
    "mean-over-points": loss(lambda error: (error**2).mean(dim=0)),
    "each-coordinate": loss(lambda error: error**2),
    "not-squared": loss(lambda error: error.mean(dim=1)),
    "absolute": loss(lambda error: error.abs().mean(dim=1)),
    "root": loss(lambda error: (error**2).sum(dim=1).sqrt()),
    "clean-input": loss(lambda error: (error**2).mean(dim=1), clean=True),
    "target-points": loss(lambda error: (error**2).mean(dim=1), target="points"),
    "target-noise": loss(lambda error: (error**2).mean(dim=1), target="noise"),
}
STEPS: dict[str, Any] = {
    "all-fresh": lambda x, image, now, nxt, f, z: nxt.mix(image, z),
    "none-fresh": lambda x, image, now, nxt, f, z: nxt.mix(image, now.noise_in(x, image)),
    "no-roots": lambda x, image, now, nxt, f, z: nxt.mix(image, (1 - f) * now.noise_in(x, image) + f * z),
    "one-root": lambda x, image, now, nxt, f, z: nxt.mix(image, (1 - f) * now.noise_in(x, image) + math.sqrt(f) * z),
    "f-as-a-factor": lambda x, image, now, nxt, f, z: nxt.mix(
        image, math.sqrt(1 - f**2) * now.noise_in(x, image) + f * z
    ),
    "exchanged": lambda x, image, now, nxt, f, z: nxt.mix(
        image, math.sqrt(f) * now.noise_in(x, image) + math.sqrt(1 - f) * z
    ),
    "noise-added": lambda x, image, now, nxt, f, z: nxt.mix(image, now.noise_in(x, image) + math.sqrt(f) * z),
    "same-level": lambda x, image, now, nxt, f, z: now.mix(
        image, math.sqrt(1 - f) * now.noise_in(x, image) + math.sqrt(f) * z
    ),
    "noised-twice": lambda x, image, now, nxt, f, z: nxt.mix(
        x, math.sqrt(1 - f) * now.noise_in(x, image) + math.sqrt(f) * z
    ),
    "noise-at-next": lambda x, image, now, nxt, f, z: nxt.mix(
        image, math.sqrt(1 - f) * nxt.noise_in(x, image) + math.sqrt(f) * z
    ),
}


def extrapolated(sign: float, part: float) -> Any:
    def refine(denoise: Any, x: Tensor, denoised: Tensor, now: Level, nxt: Level, past: Any) -> Tensor:
        if not past:
            return denoised
        h, before = nxt.log_snr - now.log_snr, now.log_snr - past[-1].level.log_snr
        return denoised + sign * part * h / before * (denoised - past[-1].denoised)

    return refine


RULES: dict[str, Any] = {
    "first-order": lambda denoise, x, denoised, now, nxt, past: denoise(x, now),
    "state": lambda denoise, x, denoised, now, nxt, past: nxt.mix(denoised, now.noise_in(x, denoised)),
    "noise": lambda denoise, x, denoised, now, nxt, past: now.noise_in(x, denoised),
    "end-only": lambda denoise, x, denoised, now, nxt, past: denoise(nxt.mix(denoised, now.noise_in(x, denoised)), nxt),
    "past-only": lambda denoise, x, denoised, now, nxt, past: past[-1].denoised if past else denoised,
    "empty-past": lambda denoise, x, denoised, now, nxt, past: 1.5 * denoised - 0.5 * past[-1].denoised,
    "full-step": extrapolated(1, 1),
    "backwards": extrapolated(-1, 0.5),
}
GUIDES: dict[str, Any] = {
    "no-weight": lambda denoise, x, level, label, w: denoise(x, level, label),
    "any-class-alone": lambda denoise, x, level, label, w: denoise(x, level, None),
    "no-difference": lambda denoise, x, level, label, w: w * denoise(x, level, label),
    "sum": lambda denoise, x, level, label, w: denoise(x, level, None) + w * denoise(x, level, label),
    "from-the-class": lambda denoise, x, level, label, w: (
        denoise(x, level, label) + w * (denoise(x, level, label) - denoise(x, level, None))
    ),
    "reversed": lambda denoise, x, level, label, w: (
        denoise(x, level, None) + w * (denoise(x, level, None) - denoise(x, level, label))
    ),
    "exchanged": lambda denoise, x, level, label, w: (
        denoise(x, level, label) + w * (denoise(x, level, None) - denoise(x, level, label))
    ),
}


def nearest(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b).min(1).values


def share(near: Tensor) -> Tensor:
    return near.double().mean()


COPIES: dict[str, Any] = {
    "exact-copies": lambda s, train, held: share(nearest(s, train) == 0),
    "complement": lambda s, train, held: share(nearest(s, train) > nearest(held, train).quantile(0.01)),
    "count": lambda s, train, held: (nearest(s, train) <= nearest(held, train).quantile(0.01)).sum(),
    "other-end": lambda s, train, held: share(nearest(s, train) <= nearest(held, train).quantile(0.99)),
    "percent": lambda s, train, held: share(nearest(s, train) <= nearest(held, train).quantile(1)),
    "limit-of-samples": lambda s, train, held: share(nearest(s, train) <= nearest(s, train).quantile(0.01)),
    "limit-of-train": lambda s, train, held: share(nearest(s, train) <= nearest(train, held).quantile(0.01)),
    "to-held-out": lambda s, train, held: share(nearest(s, held) <= nearest(held, train).quantile(0.01)),
    "all-pairs": lambda s, train, held: share(nearest(s, train) <= torch.cdist(held, train).quantile(0.01)),
}


def path(*settings: Any, fresh: Any = None, **options: Any) -> Any:
    def end(denoise: Any, noise: Tensor) -> Any:
        source = fresh or (lambda noise: lambda k: noise)
        *_, last = Sampler(Cosine(), *settings, **options)(denoise, source(noise))
        return last.x

    return end


ENDS: dict[str, Any] = {
    "one-evaluation": lambda denoise, noise: denoise(noise, Cosine()(1.0)),
    "start": lambda denoise, noise: next(iter(Sampler(Cosine(), "heun", 20)(denoise, lambda k: noise))).x,
    "frame": lambda denoise, noise: list(Sampler(Cosine(), "heun", 20)(denoise, lambda k: noise))[-1],
    "path": lambda denoise, noise: Sampler(Cosine(), "heun", 20)(denoise, lambda k: noise),
    "too-few-steps": path("ddim", 10),
    "not-the-ode": path(),
    "random": path("ddpm", 50, fresh=lambda noise: lambda k: torch.randn_like(noise) if k else noise),
}
ANSWERS: dict[int, dict[str, Any]] = {
    1: {
        "inverted": Level(0.894427, 0.447214),
        "squares": Level(0.2, 0.8),
        "amplitudes": (0.2425, 0.9701),
        "fraction-of-total": Level(0.5, 0.8660254),
        "not-variance-preserving": Level(0.5, 1.0),
    },
    2: DENOISERS,
    3: {
        "same-betas": Linear(300),
        "smaller-betas": Linear(300, 3e-5, 0.006),
        "too-small": Linear(300, 1e-4, 0.03),
        "too-large": Linear(300, 1e-4, 0.2),
    },
    4: NOISES,
    5: LOSSES,
    6: STEPS,
    7: RULES,
    8: GUIDES,
    9: COPIES,
    10: ENDS,
}


@pytest.mark.parametrize(("lesson", "mistake"), [(n, name) for n, answers in ANSWERS.items() for name in answers])
def test_a_likely_wrong_answer_gets_the_hint_of_its_mistake(lesson: int, mistake: str) -> None:
    verdict = check(lesson, ANSWERS[lesson][mistake])
    assert not verdict and verdict.mistake == mistake, verdict
    assert repr(verdict) == f"Not yet: {verdict.reason}"
    # A hint never is the size of an error alone.
    assert not verdict.reason.startswith("it differs by")


def test_every_lesson_recognises_mistakes_and_gives_each_its_own_hint() -> None:
    assert sorted(ANSWERS) == list(range(1, len(LESSONS) + 1))
    for lesson, answers in ANSWERS.items():
        assert len({check(lesson, answer).reason for answer in answers.values()}) == len(answers) >= 4


def test_another_wrong_answer_gets_the_size_of_its_error() -> None:
    for lesson, answer in {
        2: lambda x, level: 0.9 * x,
        4: lambda v, x, level: 2 * v,
        6: lambda x, image, now, nxt, f, z: 0 * x,
        8: lambda denoise, x, level, label, w: x,
    }.items():
        verdict = check(lesson, answer)
        assert (bool(verdict), verdict.mistake) == (False, "")
        assert verdict.reason.startswith("it differs by up to ")


def test_a_right_answer_has_no_mistake() -> None:
    assert check(7, SAMPLERS["heun"].refine).mistake == check(10, path("heun", 20)).mistake == ""


def test_an_error_of_a_rule_with_a_full_past_is_raised() -> None:
    def before(number: int) -> Any:
        return lambda denoise, x, denoised, now, nxt, past: past[-number].denoised if len(past) >= 2 else denoised

    assert not check(7, before(2)).mistake
    with pytest.raises(IndexError):
        check(7, before(3))


def test_a_schedule_of_another_kind_is_compared_by_its_last_level_alone() -> None:
    assert check(3, Quadratic(300, 1e-4, 0.0977))
    assert "betas" not in check(3, Cosine()).reason
