"""Speed on a terminal: the machine, what each model came to, how long a start takes, and the ratios to diffusers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich import box
from rich.table import Table

from inkwash.cli.console import Console
from inkwash.speed.against import Ratio, Rival
from inkwash.speed.drawing import MANY, Pace
from inkwash.speed.plan import Report
from inkwash.speed.training import Throughput
from inkwash.speed.trials import Spread

Row = tuple[str, ...]


def show(report: Report) -> None:
    """Print the heading, one table a model, and those of starts and ratios where they were timed."""
    console = Console(highlight=False, markup=False, emoji=False)
    _heading(console, report)
    measured: list[Throughput | Pace] = [*report.training, *report.drawing]
    for name in dict.fromkeys(each.name for each in measured):
        training = [each for each in report.training if each.name == name]
        drawing = [each for each in report.drawing if each.name == name]
        console.print(_title(next(each for each in measured if each.name == name), training), style="bold")
        rows = [row for each in training for row in _trained(each)] + [row for each in drawing for row in _drawn(each)]
        console.print(_table(("", "type", "median", "quartiles", "GFLOP/s", "of peak", "MB"), rows))
    if report.starting:
        console.print("From the shell to the end of the command, in a process of its own", style="bold")
        rows = [(each.command, *_figures(each.seconds)) for each in report.starting]
        console.print(_table(("", "seconds", "quartiles"), rows))
    for rival in report.rivals:
        console.print(_beside(rival), style="bold")
        ratios = [each for each in report.against if each.name == rival.name]
        console.print(_table(("seconds", "type", "inkwash", "diffusers", "times", "quartiles"), map(_compared, ratios)))
        for work, same in groupby((each for each in ratios if each.timed < each.evaluations), lambda each: each.work):
            each = next(same)
            console.print(f"{work}: {each.timed} of its {each.evaluations} steps timed, the rest told from them")


def _heading(console: Console, report: Report) -> None:
    machine = report.machine
    code = f"commit {machine['commit']}" if machine["commit"] else "no commit"
    console.print(
        f"inkwash {machine['inkwash']} ({code}), python {machine['python']}, torch {machine['torch']}, {machine['system']}"
    )
    console.print(
        f"{machine['hardware']}, {machine['cores']} cores, device {machine['device']}, threads: {machine['threads']}"
    )
    turns = "1 trial" if report.trials == 1 else f"{report.trials} trials, all in turn: median and quartiles"
    console.print(f"{turns}; a first turn is thrown away")
    for peak in report.peaks:
        console.print(
            f"peak of a 3x3 convolution, {peak.precision}: {peak.gflops.median:,.0f} GFLOP/s "
            f"({_quartiles(peak.gflops)}), {peak.convolution}",
            soft_wrap=True,
        )
    console.print()


def _title(first: Throughput | Pace, training: list[Throughput]) -> str:
    data = f"; trains on {training[0].data}, {training[0].batch} a step" if training else ""
    return f"{first.name}: {first.parameters:,} parameters, {first.forward_flops / 1e6:,.1f} MFLOP a forward{data}"


def _trained(each: Throughput) -> list[Row]:
    return [("training, images/s", each.precision, *_figures(each.images_per_second), *_cost(each))]


def _drawn(each: Pace) -> list[Row]:
    sampler = f"{each.sampler} ({each.evaluations})"
    return [
        (f"{MANY} by {sampler}, s", each.precision, *_figures(each.seconds), *_cost(each)),
        ("one image, ms", each.precision, *_figures(_thousandths(each.one_image))),
        ("one evaluation, ms", each.precision, *_figures(_thousandths(each.one_evaluation))),
    ]


def _compared(each: Ratio) -> Row:
    medians = (f"{spread.median:.3g}" for spread in (each.ours, each.theirs))
    return each.work, each.precision, *medians, f"{each.ratio.median:.2f}", _quartiles(each.ratio)


def _beside(rival: Rival) -> str:
    theirs, ours = (f"{count:,}" for count in rival.parameters)
    their_flops, our_flops = (f"{flops / 1e6:,.1f}" for flops in rival.forward_flops)
    return (
        f"{rival.name} beside diffusers {rival.diffusers}, UNet2DModel {rival.widths}: parameters {ours} and {theirs}, "
        f"MFLOP a forward {our_flops} and {their_flops}"
    )


def _cost(each: Throughput | Pace) -> Row:
    memory = "" if each.memory is None else f"{each.memory / 1e6:,.0f}"
    return f"{each.gflops.median:,.0f}", f"{each.share_of_peak.median:.0%}", memory


def _figures(spread: Spread) -> Row:
    return _number(spread.median), _quartiles(spread)


def _quartiles(spread: Spread) -> str:
    return f"{_number(spread.low)}-{_number(spread.high)}"


def _number(value: float) -> str:
    """Three digits that matter, and those before the point up to 10,000."""
    if value >= 10_000:
        return f"{value / 1000:,.1f}k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _thousandths(seconds: Spread) -> Spread:
    return Spread(1000 * seconds.median, 1000 * seconds.low, 1000 * seconds.high)


def _table(headings: Row, rows: Iterable[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="left" if heading == "type" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
