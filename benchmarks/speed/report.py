"""The figures of a run: one row for each workload, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from .timing import Quartiles, Workload

Seconds = Mapping[Workload, Sequence[float]]
"""Seconds of the described work, one for each trial."""


@dataclass(frozen=True)
class Row:
    """What a workload came to; rates and ratios are taken trial by trial, None where they have no meaning."""

    model: str
    name: str
    precision: str
    seconds: Quartiles
    images_per_second: Quartiles | None
    gflops: Quartiles | None
    share_of_peak: Quartiles | None
    times_reference: Quartiles | None
    memory: int | None
    trials: tuple[float, ...]

    @classmethod
    def of(cls, work: Workload, seconds: Seconds, peaks: Mapping[str, Workload]) -> Row:
        """Return the row of `work`; `peaks` are the convolutions by precision, timed in the same trials."""
        own = tuple(seconds[work])
        gflops = [work.flops / each / 1e9 for each in own] if work.flops else []
        peak = peaks.get(work.precision)
        best = [(peak.flops or 0) / each / 1e9 for each in seconds[peak]] if peak else []
        reference = seconds[work.reference] if work.reference else []
        return cls(
            work.model,
            work.name,
            work.precision,
            Quartiles.of(own),
            Quartiles.of(work.images / each for each in own) if work.images else None,
            Quartiles.of(gflops) if gflops else None,
            Quartiles.of(rate / most for rate, most in zip(gflops, best, strict=False)) if gflops and best else None,
            Quartiles.of(long / short for long, short in zip(reference, own, strict=True)) if reference else None,
            work.memory() if work.memory else None,
            own,
        )


def table(rows: Sequence[Row]) -> Table:
    """Return the medians, with the quartiles of the seconds, as a table."""
    headings = ("", "type", "seconds", "quartiles", "images/s", "GFLOP/s", "of peak", "diffusers ÷", "MB")
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings:
        made.add_column(heading, justify="left" if heading in ("", "type") else "right", no_wrap=heading != "")
    for row in rows:
        made.add_row(
            f"{row.model}: {row.name}" if row.model else row.name,
            row.precision,
            _number(row.seconds.median),
            f"{_number(row.seconds.low)}-{_number(row.seconds.high)}",
            _number(row.images_per_second.median) if row.images_per_second else "",
            _number(row.gflops.median) if row.gflops else "",
            f"{row.share_of_peak.median:.0%}" if row.share_of_peak else "",
            f"{row.times_reference.median:.2f}" if row.times_reference else "",
            f"{row.memory / 1e6:,.0f}" if row.memory else "",
        )
    return made


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
