"""The signal left at a schedule's noisiest level, where sampling starts from pure noise."""

from __future__ import annotations

from inkwash.core.levels import Level

NEAR_PURE_NOISE = 0.02
"""Signal fraction below which a level counts as pure noise: T = 1000 with betas 1e-4..0.02 leaves 0.6 %."""


def signal_fraction(level: Level) -> float:
    """Return alpha / sqrt(alpha^2 + sigma^2) of one `level`, in [0, 1]."""
    return float(level.alpha / (level.alpha**2 + level.sigma**2).sqrt())


def describe_terminal_snr(level: Level) -> str:
    """Return a description of the SNR at a schedule's noisiest `level`.

    With a signal fraction above `NEAR_PURE_NOISE`, pure noise is outside of the training distribution.
    """
    left = signal_fraction(level)
    if left == 0:
        return "ends at pure noise, SNR 0"
    snr = f"SNR {float((level.alpha / level.sigma) ** 2):.1e}" if level.sigma else "SNR infinite"
    if left < NEAR_PURE_NOISE:
        return f"ends close to pure noise, {snr}"
    return f"ends with {left:.0%} of the image left, {snr}: pure noise is a wrong start"
