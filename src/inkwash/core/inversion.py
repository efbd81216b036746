"""The deterministic path backwards, from images to the noise that they are sampled from: DDIM inversion, Song et al. (2021)."""

from __future__ import annotations

from itertools import pairwise

from inkwash.core.denoisers import Denoiser
from inkwash.core.levels import CLEAN, broadcast_like
from inkwash.core.samplers import Sampler
from inkwash.core.shapes import Images

ITERATIONS = 4
"""Network evaluations for a step backwards. One is the usual DDIM inversion, whose errors add up along the path."""


def invert(sampler: Sampler, denoise: Denoiser, images: Images, iterations: int = ITERATIONS) -> Images:
    """Return the noise [B, ...] from which first-order steps without fresh noise on the levels of `sampler` give `images`.

    A step from (alpha, sigma) to (a, s) is x' = a D + s e, with the prediction D = denoise(x) and its noise e. Fixed-point
    iteration solves it for x, Pan et al. (2023), Section 3.2: x = (alpha / a) x' + (sigma - alpha s / a) e(x), and at noisy
    levels x = (sigma / s) x' + (alpha - sigma a / s) D(x), as e(x) is nearly x there, and the other form would not converge.
    """
    x = images
    for nxt, now in pairwise(reversed(sampler.levels)):
        noisy = nxt is not CLEAN and bool(now.log_snr < 0)
        ratio = now.sigma / nxt.sigma if noisy else now.alpha / nxt.alpha
        weight = broadcast_like(now.alpha - ratio * nxt.alpha if noisy else now.sigma - ratio * nxt.sigma, x)
        x = scaled = broadcast_like(ratio, x) * x
        for _ in range(iterations):
            denoised = denoise(x, now)
            x = scaled + weight * (denoised if noisy else now.noise_in(x, denoised))
    return x / broadcast_like(sampler.levels[0].sigma, x)
