"""The exercises of lessons 2, 4 and 5: the exact denoiser, targets and the loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from inkwash.core import Cosine, EmpiricalDenoiser, Level, NetDenoiser, Target
from inkwash.core.rng import Stream, normals, uniforms
from inkwash.data import points
from inkwash.lessons.verdict import Mistake, Verdict, compare
from inkwash.lessons.worlds import ten_points
from inkwash.nets import MLP
from inkwash.objectives import Denoising


def denoiser_of_ten_points(answer: object) -> Verdict:
    """Lesson 2: a function (x [B, 2], level) -> [B, 2] that is the exact denoiser of `ten_points`."""
    exact = EmpiricalDenoiser(ten_points())
    x = normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,))
    levels = (Level(0.9, 0.44), Level(0.6, 0.8), Level(0.2, 0.98))
    return compare(
        answer,
        exact,
        {f"at {level}": (x, level) for level in levels},
        "equal to EmpiricalDenoiser at three noise levels, for 64 values of x",
        _mistakes_of_the_denoiser(exact),
    )


def _mistakes_of_the_denoiser(exact: EmpiricalDenoiser) -> tuple[Mistake, ...]:
    points = exact.images

    def mean(
        exponent: Callable[[Tensor, float], Tensor], alpha: float | None = None, dim: int = 1
    ) -> Callable[..., Tensor]:
        """Return a denoiser whose weights are the softmax of `exponent`(squared distances, sigma) over `dim`."""

        def denoise(x: Tensor, level: Level) -> Tensor:
            scale = float(level.alpha) if alpha is None else alpha
            squared = (x[:, None] - scale * points).square().sum(-1)
            return torch.softmax(exponent(squared, float(level.sigma)), dim) @ points

        return denoise

    def right(squared: Tensor, sigma: float) -> Tensor:
        return -squared / (2 * sigma**2)

    return (
        Mistake(
            "ignores-x",
            "it returns the same point for every x; weigh the points by their distances from x",
            lambda x, level: points.mean(0).expand(len(x), 2),
        ),
        Mistake(
            "no-alpha",
            "alpha is left out of the distances: they are from x to alpha x_i, and not to x_i",
            mean(right, alpha=1.0),
        ),
        Mistake(
            "no-sigma",
            "sigma is left out: the squared distances are divided by 2 sigma^2",
            mean(lambda squared, sigma: -squared),
        ),
        Mistake(
            "no-two",
            "the squared distances are divided by sigma^2; the normal distribution divides them by 2 sigma^2",
            mean(lambda squared, sigma: -squared / sigma**2),
        ),
        Mistake(
            "sigma-not-squared",
            "the squared distances are divided by 2 sigma, and not by 2 sigma^2",
            mean(lambda squared, sigma: -squared / (2 * sigma)),
        ),
        Mistake(
            "distance-not-squared",
            "the distances are not squared",
            mean(lambda squared, sigma: -squared.sqrt() / (2 * sigma**2)),
        ),
        Mistake(
            "sign",
            "far points weigh more than near ones: the exponent has a minus sign",
            mean(lambda squared, sigma: squared / (2 * sigma**2)),
        ),
        Mistake(
            "nearest",
            "it returns the nearest point; return the mean of all, each with its weight",
            lambda x, level: points[torch.cdist(x, level.alpha.float() * points).argmin(1)],
        ),
        Mistake(
            "mean-of-noised-points",
            "it returns alpha times the prediction: the mean is over the points x_i, and not over alpha x_i",
            lambda x, level: level.alpha.float() * exact(x, level),
        ),
        Mistake(
            "sum-over-x",
            "the weights sum to 1 over the rows of x; for each x, the weights of the ten points sum to 1",
            mean(right, dim=0),
        ),
    )


def noise_from_v(answer: object) -> Verdict:
    """Lesson 4: a function (v, x, level) -> noise, where alpha^2 + sigma^2 = 1."""
    image, noise = (normals(0, torch.arange(16), draw, Stream.EXTRACTOR_SHIFT, (1, 8, 8)) for draw in (0, 1))
    cases = {
        f"at u = {u}": (Target("v").of(Cosine()(u), image, noise), Cosine()(u).mix(image, noise), Cosine()(u))
        for u in (0.1, 0.5, 0.9)
    }

    def combined(of_x: str, of_v: str, sign: int = 1) -> Callable[..., Tensor]:
        """Return the sum of x and v, each times the number of the level that is named."""
        return lambda v, x, level: getattr(level, of_x).float() * x + sign * getattr(level, of_v).float() * v

    mistakes = (
        Mistake("v-itself", "it returns v, which is noise only where sigma = 0", lambda v, x, level: v),
        Mistake(
            "image",
            "it returns the image x0; eliminate x0 from the two equations, not eps",
            combined("alpha", "sigma", -1),
        ),
        Mistake("sign", "the sign of v is wrong: v = alpha eps - sigma x0", combined("sigma", "alpha", -1)),
        Mistake("swapped", "alpha and sigma are exchanged", combined("alpha", "sigma")),
    )
    return compare(answer, lambda v, x, level: noise, cases, "the noise is recovered at three noise levels", mistakes)


def loss_of_each_point(answer: object) -> Verdict:
    """Lesson 5: a function (denoiser, points [B, 2], u [B], noise [B, 2]) -> [B], the loss of a network that predicts v."""
    moons = points.load("moons")
    net = MLP(2, width=16, depth=1)
    with torch.no_grad():
        for draw, weight in enumerate(net.parameters()):
            weight.copy_(0.3 * normals(0, 0, draw, Stream.EXTRACTOR_SHIFT, weight.shape)[0])
    u = uniforms(0, torch.arange(64), 0, Stream.EXTRACTOR_ORDER)[:, 0]
    noise = normals(0, torch.arange(64), 0, Stream.EXTRACTOR_SHIFT, (2,))
    arguments = (NetDenoiser(net, Target("v", moons.data_std)), moons.values[:64], u, noise)

    def error(input_: str = "x", target: str = "v") -> Callable[..., Tensor]:
        """Return a function that returns the error [B, 2] of a network that is given `input_` and compared with `target`."""

        def difference(denoiser: NetDenoiser, points: Tensor, u: Tensor, noise: Tensor) -> Tensor:
            level = Cosine()(u)
            inputs = {"x": level.mix(points, noise), "points": points}
            targets = {"v": denoiser.target.of(level, points, noise), "points": points, "noise": noise}
            return denoiser.output(inputs[input_], level) - targets[target]

        return difference

    def loss(reduce: Callable[[Tensor], Tensor], **wrong: str) -> Callable[..., Tensor]:
        return lambda *given: reduce(error(**wrong)(*given))

    def mean_square(each: Tensor) -> Tensor:
        return each.square().mean(1)

    mistakes = (
        Mistake(
            "zeros", "it returns zeros; compare the output of the denoiser with its target", loss(lambda e: 0 * e[:, 0])
        ),
        Mistake(
            "sum",
            "it is twice too large: take the mean over the coordinates, not their sum",
            loss(lambda e: e.square().sum(1)),
        ),
        Mistake(
            "mean-of-all",
            "it returns one number; return one loss for each point, the mean over dim=1",
            loss(lambda e: e.square().mean()),
        ),
        Mistake(
            "mean-over-points",
            "the mean is over the points; take it over the coordinates, dim=1",
            loss(lambda e: e.square().mean(0)),
        ),
        Mistake(
            "each-coordinate", "it returns a loss for each coordinate; take their mean over dim=1", loss(torch.square)
        ),
        Mistake("not-squared", "the error is not squared", loss(lambda e: e.mean(1))),
        Mistake("absolute", "it is the mean absolute error; square the error", loss(lambda e: e.abs().mean(1))),
        Mistake("root", "it is the length of the error; take the mean of its squares", loss(lambda e: e.norm(dim=1))),
        Mistake(
            "clean-input",
            "the network is given the points without noise; give it x = level.mix(points, noise)",
            loss(mean_square, input_="points"),
        ),
        Mistake(
            "target-points",
            "the output is compared with the points; this network predicts v: denoiser.target.of",
            loss(mean_square, target="points"),
        ),
        Mistake(
            "target-noise",
            "the output is compared with the noise; this network predicts v: denoiser.target.of",
            loss(mean_square, target="noise"),
        ),
    )
    with torch.no_grad():
        return compare(
            answer,
            lambda denoiser, points, u, noise: Denoising(Cosine())(denoiser, points, None, u, noise),
            {"for 64 points": arguments},
            "equal to Denoising(Cosine())",
            mistakes,
        )
