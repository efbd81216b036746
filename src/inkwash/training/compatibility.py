"""Checks that recipe, network, data and checkpoint fit each other."""

from __future__ import annotations

from torch import nn

from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.io.checkpoints import Checkpoint


def require_trainable(recipe: Recipe, spec: DatasetSpec, net: nn.Module, process_group: ProcessGroup) -> None:
    """Raise `UsageError` for clipped points, and for guidance distilled into BatchNorm networks by several processes."""
    if recipe.clip and spec.is_points:
        message = f"clip has no effect on the points of {spec.data}, which have no range: --set clip=false"
        raise UsageError(message, code="no-effect", field="clip")
    if recipe.training.guidance == 1 or process_group.is_single:
        return
    if any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules()):
        raise UsageError(
            "guidance cannot be distilled into a BatchNorm network by several processes, because the sizes of their "
            "second evaluations differ: set training.guidance=1, or train in one process",
            code="unsupported",
            field="training.guidance",
        )


def require_same_run(checkpoint: Checkpoint, recipe: Recipe, spec: DatasetSpec, source: str) -> None:
    """Raise `InkwashError`, naming `source`, when `checkpoint` is of other data than `spec` or of another recipe."""
    trained_on = DatasetSpec.from_dict(checkpoint.header["facts"])
    if trained_on.sha256 != spec.sha256:
        raise InkwashError(
            f"{source} was trained on {trained_on.data} ({trained_on.sha256[:12]}), this is {spec.data} "
            f"({spec.sha256[:12]}): give the same --data, or start a new run",
            code="mismatch",
            field="data",
        )
    changed = recipes.changed_sections(checkpoint.header["recipe"], recipe.to_dict())
    if changed:
        raise InkwashError(
            f"{source} is of another recipe ({', '.join(changed)} changed): "
            "undo the change in recipe.toml, or start a new run",
            code="mismatch",
            field="recipe",
        )
