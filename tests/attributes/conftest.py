"""Drawn rings and bars as a data set, and a tiny recipe that is conditioned on their attributes."""

from __future__ import annotations

import pytest
import torch

from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.model import Model
from inkwash.training.trainer import Trainer

SIDE = 12


@pytest.fixture(scope="session")
def strokes() -> Dataset:
    """Bars (class 0) and rings (class 1) of 40 sizes and thicknesses each, 12 by 12 pixels."""
    axis = torch.arange(SIDE) - (SIDE - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    images = []
    for k in range(40):
        thickness, size = 1.5 + k % 5 / 4, 2.5 + k // 5 / 4
        bar = torch.maximum((x + 0.1 * (k % 7) * y).abs() - thickness / 2, y.abs() - size)
        ring = (torch.hypot(x, y) - size).abs() - thickness / 2
        images += [(0.5 - each).clamp(0, 1) for each in (bar, ring)]
    values = (255 * torch.stack(images)).round().to(torch.uint8)[:, None]
    return Dataset("strokes", values, torch.arange(80) % 2, ("bar", "ring"))


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """A recipe of 4 steps with all that `words` has."""
    return Recipe.from_dict(
        {
            "name": "tiny-words",
            "target": "v",
            "clip": True,
            "schedule": "cosine",
            "network": {
                "kind": "folded-unet",
                "conditional": True,
                "widths": [8, 16],
                "blocks": 1,
                "dim": 16,
                "attributes": ["thickness", "slant", "holes"],
            },
            "optimizer": {"kind": "muon", "lr": 3e-3, "decay": "cosine"},
            "training": {
                "length": "4 steps",
                "batch": 8,
                "label_dropout": 0.2,
                "guidance": 1.5,
                "ema": "2 steps",
                "checkpoint_every": "2 steps",
                "precision": "float32",
            },
            "sampling": {"sampler": "ddim:2", "preview": "ddim:2"},
        }
    )


@pytest.fixture
def trained(recipe: Recipe, strokes: Dataset) -> Model:
    """The model of the recipe after its 4 steps, on the CPU."""
    trainer = Trainer(recipe, strokes, device="cpu")
    for _ in trainer:
        pass
    return trainer.ema_model
