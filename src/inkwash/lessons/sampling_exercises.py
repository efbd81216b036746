"""The exercises of lessons 6, 8 and 9: steps, guidance and measuring."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from inkwash.core import Cosine, Guided, Level
from inkwash.core.rng import Stream, normals
from inkwash.data import points
from inkwash.lessons.verdict import Mistake, Verdict, compare
from inkwash.lessons.worlds import two_classes
from inkwash.metrics.memorization import NEAR_COPY_QUANTILE, near_copy_rate
from inkwash.metrics.nearest_neighbours import nearest_neighbour


def step_of_a_path(answer: object) -> Verdict:
    """Lesson 6: a function (x, denoised, now, nxt, f, z) -> x at `nxt`, with the fraction `f` of the noise replaced by `z`."""
    image, noise, fresh = (normals(0, torch.arange(16), draw, Stream.EXTRACTOR_SHIFT, (2,)) for draw in range(3))
    now, nxt = Cosine()(0.7), Cosine()(0.5)
    x = now.mix(image, noise)

    def step(
        kept: Callable[[float], float], drawn: Callable[[float], float], to: Level = nxt, predicted: Tensor = image
    ) -> Callable[..., Tensor]:
        """Return a step to the level `to` with these factors of the noise in x and of the fresh noise."""
        return lambda x, denoised, now, nxt, f, z: to.mix(predicted, kept(f) * noise + drawn(f) * z)

    def root(f: float) -> float:
        return f**0.5

    def rest(f: float) -> float:
        return (1 - f) ** 0.5

    mistakes = (
        Mistake(
            "all-fresh",
            "it draws all noise anew, whatever f is; keep the part 1 - f of now.noise_in(x, denoised)",
            step(lambda f: 0, lambda f: 1),
        ),
        Mistake("none-fresh", "it ignores f and z", step(lambda f: 1, lambda f: 0)),
        Mistake(
            "no-roots",
            "f is a fraction of the variance: multiply the noises by the square roots of 1 - f and f",
            step(lambda f: 1 - f, lambda f: f),
        ),
        Mistake(
            "one-root",
            "the squares of the factors must add to 1: take the square root of 1 - f too",
            step(lambda f: 1 - f, root),
        ),
        Mistake(
            "f-as-a-factor",
            "f is the fraction of the variance, so the factor of z is its square root",
            step(lambda f: (1 - f * f) ** 0.5, lambda f: f),
        ),
        Mistake("exchanged", "the factors are exchanged: f is the fraction that is replaced by z", step(root, rest)),
        Mistake(
            "noise-added",
            "it adds z to all of the noise, which grows: keep only the part 1 - f",
            step(lambda f: 1, root),
        ),
        Mistake("same-level", "it mixes at the level `now`; the step ends at `nxt`", step(rest, root, to=now)),
        Mistake(
            "noised-twice", "it mixes x with noise; mix the prediction of the image", step(rest, root, predicted=x)
        ),
        Mistake(
            "noise-at-next",
            "x is at the level `now`: its noise is now.noise_in(x, denoised)",
            lambda x, denoised, now, nxt, f, z: nxt.mix(denoised, rest(f) * nxt.noise_in(x, denoised) + root(f) * z),
        ),
    )
    return compare(
        answer,
        step(rest, root),
        {f"for f = {f:g}": (x, image, now, nxt, f, fresh) for f in (0.36, 0.0, 1.0)},
        "equal to a step of Sampler for f = 0, 0.36 and 1",
        mistakes,
    )


def guided_prediction(answer: object) -> Verdict:
    """Lesson 8: a function (denoise, x, level, label, weight) -> the guided image, classifier-free guidance."""
    world, level = two_classes(), Cosine()(0.6)
    x = normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,)).double()
    label = torch.arange(64) % 2
    of_class, of_any = world(x, level, label), world(x, level)

    def mixed(of_any_class: Callable[[float], float], of_the_class: Callable[[float], float]) -> Callable[..., Tensor]:
        """Return a function that adds the two predictions with these factors, functions of the weight."""
        return lambda denoise, x, level, label, w: of_any_class(w) * of_any + of_the_class(w) * of_class

    mistakes = (
        Mistake(
            "no-weight",
            "it ignores the weight: follow the arrow between the two predictions, weight times as far",
            mixed(lambda w: 0, lambda w: 1),
        ),
        Mistake("any-class-alone", "it ignores the label", mixed(lambda w: 1, lambda w: 0)),
        Mistake(
            "no-difference",
            "it scales the prediction; scale its difference from the one for any class",
            mixed(lambda w: 0, lambda w: w),
        ),
        Mistake(
            "sum",
            "it adds the whole prediction for the class; add its difference from the one for any class",
            mixed(lambda w: 1, lambda w: w),
        ),
        Mistake(
            "from-the-class",
            "it starts at the prediction for the class, which is the w of the paper; start at that for any class",
            mixed(lambda w: -w, lambda w: 1 + w),
        ),
        Mistake(
            "reversed",
            "the arrow points away from the class: exchange the two predictions in the difference",
            mixed(lambda w: 1 + w, lambda w: -w),
        ),
        Mistake(
            "exchanged",
            "the two predictions are exchanged: weight 1 is the prediction for the class",
            mixed(lambda w: w, lambda w: 1 - w),
        ),
    )
    return compare(
        answer,
        lambda denoise, x, level, label, weight: Guided(world, weight)(x, level, label),
        {f"for the weight {weight:g}": (world, x, level, label, weight) for weight in (3.0, 1.0, 0.0)},
        "equal to Guided for the weights 0, 1 and 3",
        mistakes,
    )


def fraction_of_copies(answer: object) -> Verdict:
    """Lesson 9: a function (samples, train, held_out) -> the fraction of near-copies, all [N, D]."""
    moons = points.load("moons")
    assert moons.test_values is not None
    train, held_out, others = moons.values[:400], moons.test_values[:200], moons.test_values[400:700]
    noise = normals(0, torch.arange(300), 0, Stream.EXTRACTOR_SHIFT, (2,))
    limit = float(nearest_neighbour(held_out, train)[0].quantile(NEAR_COPY_QUANTILE))
    sets = {
        "copies with a little noise": train[:300] + limit / 3 * noise,
        "copies with more noise": train[:300] + 3 * limit * noise,
        "held-out points": others,
    }

    def right(samples: Tensor, train: Tensor, held_out: Tensor) -> Tensor:
        return torch.tensor(near_copy_rate(nearest_neighbour(samples, train)[0], limit))

    def fraction(
        of: Callable[..., Tensor], limit_of: Callable[..., Tensor], quantile: float = NEAR_COPY_QUANTILE
    ) -> Callable[..., Tensor]:
        """Return the fraction of the distances `of` that are at most the quantile of the distances `limit_of`."""
        return lambda *sets: (of(*sets) <= limit_of(*sets).quantile(quantile)).double().mean()

    # By `torch.cdist` as in answers: for two equal points it returns about 1e-4.
    def to_train(samples: Tensor, train: Tensor, held_out: Tensor) -> Tensor:
        return torch.cdist(samples, train).min(1).values

    def from_held_out(samples: Tensor, train: Tensor, held_out: Tensor) -> Tensor:
        return torch.cdist(held_out, train).min(1).values

    mistakes = (
        Mistake(
            "exact-copies",
            "it counts exact copies only; compare the distances with a limit from held_out",
            lambda *sets: (to_train(*sets) == 0).double().mean(),
        ),
        Mistake(
            "complement",
            "it is the fraction of the others: copies are at most as far as the limit",
            lambda *sets: 1 - right(*sets),
        ),
        Mistake("count", "it is a number of samples; return the fraction", lambda *sets: len(sets[0]) * right(*sets)),
        Mistake(
            "other-end",
            "99 % of held_out are nearer than its limit; 99 % must be farther: quantile(0.01)",
            fraction(to_train, from_held_out, 1 - NEAR_COPY_QUANTILE),
        ),
        Mistake(
            "percent",
            "quantile takes a number from 0 to 1: 1 is the largest distance, 0.01 has 1 % below it",
            fraction(to_train, from_held_out, 1.0),
        ),
        Mistake(
            "limit-of-samples",
            "its limit is of the distances of the samples; take that of the distances of held_out",
            fraction(to_train, to_train),
        ),
        Mistake(
            "limit-of-train",
            "its limit is of the distances from train to held_out; take those from held_out to train",
            fraction(to_train, lambda samples, train, held_out: torch.cdist(train, held_out).min(1).values),
        ),
        Mistake(
            "to-held-out",
            "it measures how near the samples are to held_out; copies are near to train",
            fraction(lambda samples, train, held_out: torch.cdist(samples, held_out).min(1).values, from_held_out),
        ),
        Mistake(
            "all-pairs",
            "its limit is of the distances of all pairs; take the nearest of train for each of held_out: min(1).values",
            fraction(to_train, lambda samples, train, held_out: torch.cdist(held_out, train).flatten()),
        ),
    )
    return compare(
        answer,
        right,
        {f"for {name}": (samples, train, held_out) for name, samples in sets.items()},
        "equal to near_copy_rate for copies, noisy copies and held-out points",
        mistakes,
    )
