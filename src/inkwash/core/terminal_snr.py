"""How near a schedule's noisiest level comes to the pure noise that drawing starts from, and how to say it."""

from __future__ import annotations

from inkwash.core.levels import Level

CLOSE = 0.02
"""The share of image below which a level passes for pure noise: T = 1000 with betas 1e-4..0.02 leaves 0.6 %."""


def image_left(level: Level) -> float:
    """Return alpha over the norm of (alpha, sigma), in [0, 1]: the share of image in one `level`."""
    return float(level.alpha / (level.alpha**2 + level.sigma**2).sqrt())


def terminal_words(level: Level) -> str:
    """Say in words how much image is left at a schedule's noisiest `level`.

    Where more than `CLOSE` is left, sampling from pure noise starts where training never was.
    """
    left = image_left(level)
    if left == 0:
        return "ends at pure noise, SNR 0"
    snr = f"SNR {float((level.alpha / level.sigma) ** 2):.1e}" if level.sigma else "SNR infinite"
    if left < CLOSE:
        return f"ends close to pure noise, {snr}"
    return f"ends with {left:.0%} of the image left, {snr}: pure noise is a wrong start"
