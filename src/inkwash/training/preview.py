"""The samples of a training run: the same seeds at every milestone, so that the images can be compared."""

from __future__ import annotations

from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import SampleBatch, resolve

MAX_CLASSES = 10
ROWS = 8
"""Images of each class; without classes the grid is a square of as many rows."""
POINTS = 2000


def preview_classes(model: Model) -> list[int] | None:
    """Return the classes of a preview, one per column of its grid; None for points and unconditional models."""
    if not model.conditional or model.spec.is_points:
        return None
    return list(range(len(model.spec.classes)))[:MAX_CLASSES]


def preview(model: Model, process_group: ProcessGroup = SINGLE_PROCESS) -> SampleBatch:
    """Sample 8 images per class, 64 images without classes, or 2,000 points, by the recipe's preview sampler.

    Seeds are 0, 1, 2, ...; the processes of `process_group` share the work, and each returns all samples.
    """
    classes = preview_classes(model)
    count = POINTS if model.spec.is_points else ROWS * (len(classes) if classes else ROWS)
    request = SampleRequest(
        n=count,
        label=None if classes is None else tuple(classes),
        sampler=model.recipe.sampling.preview,
        precision=model.recipe.training.precision,
    )
    run = resolve(request, model)
    (shard,) = run.subset(process_group.shard(count)).batches(size=count)
    return SampleBatch(process_group.all_gather(shard.values, count), run.labels, run.seeds)
