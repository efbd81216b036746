"""At which noise level the sample is determined."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from inkwash.core import Frame
from inkwash.evaluation.scores import Score
from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.measures import Finding, LoadedVariant, MeasureContext, Picture
from inkwash.lab.results import Results, Series
from inkwash.model import Model
from inkwash.sampling.run import resolve, to_output

BATCH = 100
DECIDED = 0.9
"""The fraction of images that must have their final class for the class to count as decided."""
ROWS, COLUMNS = 6, 10


def path(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
    """Compare the x0 prediction of each step with the final image: relative distance, and equality of class."""
    model, steps = variant.setting.model, variant.setting.sampler.steps
    distance, same_class = torch.zeros(2, steps, dtype=torch.float64)
    run = resolve(replace(variant.setting.request, n=context.count), model)
    with context.progress.sampling(variant.name, context.count) as done:
        for first in range(0, context.count, BATCH):
            part = run.subset(slice(first, first + BATCH))
            *frames, last = part.frames()
            final = context.classify(to_output(model, last.x))
            for step, frame in enumerate(frames):
                distance[step] += ((frame.denoised - last.x) ** 2).flatten(1).mean(1).sqrt().sum().cpu()
                same_class[step] += (context.classify(to_output(model, frame.denoised)) == final).sum()
            if first == 0:
                yield _strip(model, [*frames, last])
            done(first + len(part))
    progress, same_class = 1 - distance / distance[0], same_class / context.count
    u, half = variant.setting.sampler.schedule.grid(steps), steps // 2
    yield Series("u", "u: 0 is clean, 1 is noisy", tuple(u.tolist()))
    yield Series("way", "1 - distance to the final image / that of the first prediction", tuple(progress.tolist()))
    yield Series("class", "fraction of predictions with the final class", tuple(same_class.tolist()))
    yield Score("half.way", "progress to the final image after half of the steps", float(progress[half]))
    yield Score("half.class", "fraction of classes decided after half of the steps", float(same_class[half]))
    # The step after the last one at which too few are decided.
    undecided = (same_class < DECIDED).nonzero().flatten().tolist()
    decided = min(steps - 1, max(undecided, default=-1) + 1)
    yield Score("decided.u", f"u below which {DECIDED:.0%} of classes are decided", float(u[decided]))


def _strip(model: Model, frames: list[Frame]) -> Picture:
    from inkwash.viz.samples import trajectory_strip

    predictions = [frame._replace(x=frame.denoised[:ROWS]) for frame in frames]
    image = trajectory_strip(model, predictions, COLUMNS, scale=2)
    return Picture("predictions", "x0 predictions by c_noise, from 1 (noise) to 0 (clean)", image)


def verdict(results: Results) -> Verdict:
    """The first half of the steps makes more than half of the progress and decides nearly all classes."""
    parts = []
    for each in results.variants:
        way, decided = each.value("half.way"), each.value("half.class")
        parts.append((way > 0.5, f"{each.name}: half of the steps make {way:.0%} of the progress to the final image;"))
        u = each.value("decided.u")
        parts.append(
            (decided >= DECIDED, f"{decided:.0%} of classes are decided by then, {DECIDED:.0%} from u = {u:.2f} on.")
        )
    return Verdict.of(*parts)


EXPERIMENT = Experiment(
    name="early-refinement",
    claimed_by="ddim-300",
    objective="Compare the x0 prediction of each step with the final image: their distance, and whether they have one class.",
    hypothesis="Most of an image is determined in the first steps from noise, including which digit it becomes.",
    variants=(Variant("ddim:50", "ddim-300", "ddim:50"), Variant("ddpm:100", "ddim-300", "ddpm:100")),
    measures=(path,),
    verdict=verdict,
    plots=(Plot("path", "x0 predictions along the path", ("way", "class"), x="u"),),
    next="Steps at the noise levels where the prediction changes most: inkwash evaluate ddim-300 --sampler ddim:20 "
    "--schedule karras.",
    count=200,
)
