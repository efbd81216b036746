"""Images encoded as the noises of a sampling path that ends at them, from which other conditions give an edited image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from inkwash.core.denoisers import Denoiser
from inkwash.core.levels import CLEAN, broadcast_like
from inkwash.core.samplers import Frame, NoiseSource, Sampler
from inkwash.core.shapes import Images


class Encoding(NamedTuple):
    """The noises [B, ...] of the start and of each step, and the image [B, ...] that the path from them ends at."""

    noises: list[Images]
    reconstruction: Images


def encode(sampler: Sampler, denoise: Denoiser, images: Images, noise: NoiseSource) -> Encoding:
    """Return the noises with which the path of `sampler`, started at `images`, follows the forward process of `images`.

    The path of a sampler with fresh noise reaches any states if its noises are chosen: CycleDiffusion, Wu & De la Torre
    (2022), Algorithm 1. The states are those of q(x_s | x_t, image) with the standard normals `noise(k)`: Song et al.
    (2021), Eq. 7. For images of the distribution that `denoise` has learned, and small steps, the noises are standard normals
    as well. Only the last prediction, at the cleanest level, differs from `images`.
    """
    noises, error = [noise(0)], noise(0)
    past: Sequence[Frame] = ()
    for step, (now, nxt) in enumerate(pairwise(sampler.levels), start=1):
        x = now.mix(images, error)
        frame = Frame(now, x, denoise(x, now))
        if nxt is CLEAN:
            break
        image, past = sampler.refined(denoise, frame, nxt, past)
        fraction = sampler.fresh_noise_fraction(now, nxt)
        retained, fresh = (1 - fraction).sqrt(), fraction.sqrt()
        # The noise makes up for the difference of both images, in units of the fresh noise.
        weight = (nxt.alpha / nxt.sigma - retained * now.alpha / now.sigma) / fresh
        noises.append(noise(step) + broadcast_like(weight, x) * (images - image))
        error = broadcast_like(retained, x) * error + broadcast_like(fresh, x) * noise(step)
    return Encoding(noises, frame.denoised)
