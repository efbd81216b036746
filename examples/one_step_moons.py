"""A one-step model of two moons on one page, distilled from the bundled model in half a minute.

    python examples/one_step_moons.py       writes out/one-step-moons.png

The teacher needs 20 steps of Heun's method, 39 evaluations of its network; the student maps noise to points in one. The
energy distances to held-out points are printed beside that of as many real points.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor

import inkwash
from inkwash.config import recipe
from inkwash.model import Model
from inkwash.training.distillation import energy_distance
from inkwash.viz import save_png, scatter

STEPS, SAMPLES = 1000, 2000
CHANGES = {
    "distillation": {"start": 0.8},
    "optimizer": {"kind": "adam", "lr": 1e-3, "betas": [0.0, 0.99], "decay": "linear"},
    "training.batch": 256,
    "training.ema": "8000 images",
    "sampling.sampler": "ddim:1",
    "sampling.preview": "ddim:1",
}
"""What distinguishes the student's recipe from the teacher's."""


def distill(teacher: Model, steps: int, seed: int = 0) -> Model:
    """Return the student of one evaluation after `steps` steps; with 0 steps it has the weights of `teacher`."""
    changed = recipe.load("moons").with_changes(
        CHANGES | {"training.length": f"{max(steps, 1)} steps", "training.seed": seed}
    )
    trainer = inkwash.Trainer(changed, pretrained=teacher)
    if steps:
        list(trainer.steps())
    return trainer.ema_model


def sample(model: Model) -> Tensor:
    """Return SAMPLES points of `model` by the sampler of its recipe, one seed each."""
    return torch.as_tensor(inkwash.sample(model, n=SAMPLES).images)


def main(steps: int = STEPS, seed: int = 0) -> dict[str, float]:
    """Distill, sample, save a scatter plot of the student, and return the energy distances to held-out points."""
    moons, teacher = inkwash.data.load("moons"), inkwash.load("moons")
    assert moons.test_values is not None
    student = distill(teacher, steps, seed)
    sets = {
        "real points": moons.values[:SAMPLES],
        "teacher, 39 evaluations": sample(teacher),
        "student, 1 evaluation": sample(student),
        "teacher, 1 evaluation": sample(distill(teacher, 0)),
    }
    save_png(scatter(sets["student, 1 evaluation"], size=384), "out/one-step-moons.png", {"example": "one-step moons"})
    return {name: energy_distance(moons.test_values, points) for name, points in sets.items()}


if __name__ == "__main__":
    for name, found in main(*map(int, sys.argv[1:])).items():
        print(f"{name:24} energy distance to held-out points {found:8.5f}")
