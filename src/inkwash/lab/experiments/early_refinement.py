"""Where on the way from noise to picture the picture is decided."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from inkwash.core import Frame
from inkwash.evaluation.score import Score
from inkwash.lab.experiment import Arm, Experiment, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.measurement import Finding, Lab, Picture, Ready
from inkwash.lab.results import Results, Series
from inkwash.sampling.run import resolve, to_arrays, to_output

BATCH = 100
DECIDED = 0.9
"""The share of images that must show their final class for the class to count as decided."""
SHOWN, MOMENTS = 6, 10


def path(arm: Ready, lab: Lab) -> Iterator[Finding]:
    """Hold the image guessed at each step against the final one: how far it has come, and whether its class is there."""
    model, steps = arm.setting.model, arm.setting.sampler.steps
    distance = torch.zeros(steps, dtype=torch.float64)
    decided = torch.zeros(steps, dtype=torch.float64)
    with lab.watch.drawing(arm.name, lab.count) as done:
        run = resolve(replace(arm.setting.settings, n=lab.count), model)
        for first in range(0, lab.count, BATCH):
            part = run.part(slice(first, first + BATCH))
            way = list(part.frames())
            final = lab.seen(to_output(model, way[-1].x))
            for step, frame in enumerate(way[:-1]):
                seen = lab.seen(to_output(model, frame.denoised))
                distance[step] += ((frame.denoised - way[-1].x) ** 2).flatten(1).mean(1).sqrt().sum().cpu()
                decided[step] += (seen == final).sum()
            if first == 0:
                yield _strip(arm, way)
            done(first + len(part))
    way_done, share = 1 - distance / distance[0], decided / lab.count
    u = arm.setting.sampler.schedule.grid(steps)
    half = steps // 2
    yield Series("u", "u: 0 is clean, 1 is noisy", tuple(u.tolist()))
    yield Series("way", "share of the way from the first guess to the picture", tuple(way_done.tolist()))
    yield Series("class", "share of guesses that show the final class", tuple(share.tolist()))
    yield Score("half.way", "share of the way done after half of the steps", float(way_done[half]))
    yield Score("half.class", "share of classes decided after half of the steps", float(share[half]))
    # the first step from which on it stays decided
    open_steps = (share < DECIDED).nonzero().flatten()
    first = min(steps - 1, int(open_steps[-1]) + 1 if len(open_steps) else 0)
    yield Score("decided.u", f"u from which on {DECIDED:.0%} of classes are decided", float(u[first]))


def _strip(arm: Ready, way: list[Frame]) -> Picture:
    from inkwash.viz import grids

    model = arm.setting.model
    chosen = sorted({round(k * (len(way) - 1) / (MOMENTS - 1)) for k in range(MOMENTS)})
    header = [f"{float(way[k].level.c_noise):.2f}" for k in chosen]
    sheet = grids.strip([to_arrays(to_output(model, way[k].denoised[:SHOWN])) for k in chosen], header, 2)
    return Picture("guesses", "the picture guessed at noise level codes from 1 (noise) to 0 (clean)", sheet)


def verdict(found: Results) -> Verdict:
    """The first half of the steps does more than half of the way, and leaves hardly a class open."""
    parts = []
    for arm in found.arms:
        way, decided = arm.value("half.way"), arm.value("half.class")
        parts.append((way > 0.5, f"{arm.name}: half of the steps make {way:.0%} of the way to the picture,"))
        u = arm.value("decided.u")
        parts.append(
            (decided >= DECIDED, f"{decided:.0%} of classes are decided by then, {DECIDED:.0%} from u = {u:.2f} on.")
        )
    return weigh(*parts)


EXPERIMENT = Experiment(
    name="early-refinement",
    claimed_by="ddim-300",
    objective="Watch the picture that is guessed at each step: how far it is from the one that comes out, and when its "
    "class is settled.",
    hypothesis="Most of a picture is made in the first steps away from noise, where a digit becomes that digit.",
    arms=(Arm("ddim:50", "ddim-300", "ddim:50"), Arm("ddpm:100", "ddim-300", "ddpm:100")),
    measures=(path,),
    verdict=verdict,
    plots=(Plot("path", "Where the picture is decided", ("way", "class"), x="u"),),
    next="Steps placed where the guess moves most: inkwash evaluate ddim-300 --sampler ddim:20 --schedule karras.",
    count=200,
)
