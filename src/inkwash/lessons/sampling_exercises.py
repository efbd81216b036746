"""The exercises of lessons 6 to 10: sampling, solvers, guidance, measuring and one step."""

from __future__ import annotations

import torch

from inkwash.core import Cosine
from inkwash.core.rng import Stream, normals
from inkwash.lessons.verdict import Verdict, equal_result


def step_of_a_path(answer: object) -> Verdict:
    """Lesson 6: a function (x, guess, now, nxt, f, z) -> x at `nxt`, with the fraction `f` of the noise replaced by `z`."""
    image, noise, fresh = (normals(0, torch.arange(16), draw, Stream.EXTRACTOR_SHIFT, (2,)) for draw in range(3))
    now, nxt = Cosine()(0.7), Cosine()(0.5)
    for fraction in (0.0, 0.36, 1.0):
        expected = nxt.mix(image, (1 - fraction) ** 0.5 * noise + fraction**0.5 * fresh)
        arguments = (now.mix(image, noise), image, now, nxt, fraction, fresh)
        verdict = equal_result(answer, arguments, expected, f"for f = {fraction:g}")
        if not verdict:
            return verdict
    return Verdict(True, "equal to a step of Sampler for f = 0, 0.36 and 1")
