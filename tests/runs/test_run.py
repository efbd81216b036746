"""The events and files of a run, and how it ends on errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from inkwash import model
from inkwash.config.lengths import Length
from inkwash.data import Dataset
from inkwash.errors import InkwashError, UsageError
from inkwash.io import checkpoints, png_metadata
from inkwash.objectives import Denoising
from inkwash.runs.events import Sampled, Saved
from inkwash.runs.resume import resume
from inkwash.runs.run import Run
from inkwash.runs.start import start
from inkwash.training.events import Measured, Step

pytestmark = pytest.mark.usefixtures("without_cards")


class FailsAt:
    """The objective `good`, with a loss of NaN at its k-th call in training."""

    def __init__(self, good: Denoising, call: int) -> None:
        self.good, self.call, self.calls = good, call, 0

    def __call__(self, denoiser: Any, images: Tensor, labels: Tensor | None, u: Tensor, noise: Tensor) -> Tensor:
        self.calls += torch.is_grad_enabled()
        loss = self.good(denoiser, images, labels, u, noise)
        return loss * math.nan if self.calls == self.call else loss


def test_events_of_a_run_and_the_files_that_they_name(begun: Callable[..., Run]) -> None:
    events = list(begun("run", "training.milestones=['4 steps']").train())
    assert [event.number for event in events if isinstance(event, Step)] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events if isinstance(event, Measured)] == [3, 4, 6]
    previews = {event.step: event.path for event in events if isinstance(event, Sampled)}
    assert {step: path.name for step, path in previews.items()} == {4: "step-0000004.png", 6: "step-0000006.png"}
    names = [(event.step, event.path.stem) for event in events if isinstance(event, Saved)]
    assert {(3, "latest"), (4, "latest"), (4, "step-0000004"), (6, "latest"), (6, "step-0000006")} <= set(names)
    assert all(event.path.is_file() for event in events if isinstance(event, Saved | Sampled))


def test_metrics_equal_the_events(begun: Callable[..., Run]) -> None:
    run = begun("run")
    events = list(run.train())
    rows = [json.loads(line) for line in run.folder.metrics.read_text().splitlines()]
    trained = [row for row in rows if row["kind"] == "train"]
    validated = [row for row in rows if row["kind"] == "held-out"]
    assert [row["step"] for row in trained] == [1, 2, 3, 4, 5, 6]
    assert [row["images"] for row in trained] == [8, 16, 24, 32, 40, 48]
    steps = [event for event in events if isinstance(event, Step)]
    assert [row["loss"] for row in trained] == pytest.approx([step.loss for step in steps])
    assert [(row["rate"], row["gradient"]) for row in trained] == [(step.rate, step.gradient) for step in steps]
    measured = [event for event in events if isinstance(event, Measured)]
    assert [(row["loss"], row["losses"]) for row in validated] == [(e.profile.mean, e.profile.losses) for e in measured]


def test_logged_loss_is_the_mean_since_the_previous_row(begun: Callable[..., Run]) -> None:
    run = begun("run", "training.length=23 steps", "training.checkpoint_every=23 steps")
    losses = [event.loss for event in run.train() if isinstance(event, Step)]
    rows = {row["step"]: row["loss"] for row in run.folder.rows() if row["kind"] == "train"}
    assert rows == pytest.approx(
        {k: losses[k - 1] for k in range(1, 11)} | {20: np.mean(losses[10:20]), 23: np.mean(losses[20:23])}
    )


def test_best_checkpoint_has_the_lowest_validation_loss(begun: Callable[..., Run]) -> None:
    run = begun("run", "optimizer.lr=0.3", "training.checkpoint_every=1 step")
    losses = {event.step: event.profile.mean for event in run.train() if isinstance(event, Measured)}
    best = checkpoints.load(run.folder.checkpoints / "best.safetensors")
    assert losses[best.header["progress"]["step"]] == min(losses.values()) == best.header["progress"]["best"]


@pytest.mark.parametrize("step", [1, 2, 5])
def test_nonfinite_loss_ends_the_run_with_a_finite_checkpoint(
    begun: Callable[..., Run], digits: Dataset, step: int
) -> None:
    run, reference = begun("run"), begun("reference")
    list(reference.train())
    run.trainer.objective = FailsAt(run.trainer.recipe_objective, step)
    with pytest.raises(InkwashError, match=rf"step {step}\b") as error:
        list(run.train())
    assert error.value.code == "non-finite" and "\n" not in str(error.value)
    latest = checkpoints.load(run.folder.latest)
    assert latest.header["progress"]["step"] < step
    assert all(value.isfinite().all() for value in latest.tensors.values())
    assert model.load(run.folder.path).step == latest.header["progress"]["step"]
    list(resume(run.folder.path, digits).train())
    assert run.folder.latest.read_bytes() == reference.folder.latest.read_bytes()


def test_checkpoints_have_no_paths(tmp_path: Path, tiny: Callable[..., Any]) -> None:
    private = tmp_path / "private-folder"
    private.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(private / "squares.npz", images=pixels, labels=np.arange(60) % 3)
    run = start(tiny(), private / "squares.npz", tmp_path / "run")
    list(run.train())
    for file in run.folder.checkpoints.iterdir():
        assert b"private-folder" not in file.read_bytes()
        assert str(tmp_path).encode() not in file.read_bytes()
    again = resume(run.folder.path, length=Length(7, "steps"))
    assert again.trainer.spec == run.trainer.spec


def test_previews_have_the_same_seeds_and_metadata(begun: Callable[..., Run]) -> None:
    run = begun("run", "optimizer.lr=0", "training.milestones=['2 steps', '4 steps']")
    list(run.train())
    pictures = sorted(run.folder.samples.iterdir())
    assert [picture.name for picture in pictures] == ["step-0000002.png", "step-0000004.png", "step-0000006.png"]
    # With a learning rate of 0 the samples of all milestones are equal.
    first, *others = (png_metadata.read_pixels(picture) for picture in pictures)
    assert all(np.array_equal(first, other) for other in others)
    spec = [png_metadata.read_metadata(picture) for picture in pictures]
    assert [fact["step"] for fact in spec if fact] == [2, 4, 6]


def test_sampling_and_validation_do_not_change_the_weights(begun: Callable[..., Run]) -> None:
    often = begun("often", "training.checkpoint_every=1 step", "training.milestones=['every 1 step']")
    once = begun("once", "training.checkpoint_every=100 steps")
    list(often.train()), list(once.train())
    expected = once.trainer.state.tensors()
    assert all(torch.equal(value, expected[name]) for name, value in often.trainer.state.tensors().items())


@pytest.mark.parametrize("count", [1, 5, 9, 12, 40])
def test_few_images_are_trained_on_or_refused_in_one_line(
    tmp_path: Path, tiny: Callable[..., Any], digits: Dataset, count: int
) -> None:
    assert digits.labels is not None
    few = Dataset("few", digits.values[:count], digits.labels[:count], digits.classes)
    try:
        run = start(tiny(), few, tmp_path / "run")
        losses = [event.profile.mean for event in run.train() if isinstance(event, Measured)]
    except InkwashError as error:
        assert "few" in str(error) and "\n" not in str(error)
    else:
        assert losses and np.isfinite(losses).all()


@pytest.mark.parametrize("data", ["moons", "checkerboard"])
def test_points_are_trained_on(tmp_path: Path, tiny: Callable[..., Any], data: str) -> None:
    conditional = "true" if data == "moons" else "false"
    changes = (
        "training.label_dropout=0.0",
        f'network={{kind="mlp", width=8, depth=1, dim=8, conditional={conditional}}}',
    )
    run = start(tiny(*changes), data, tmp_path / "run")
    list(run.train())
    assert model.load(run.folder.path).spec.is_points
    assert (run.folder.samples / "step-0000006.png").is_file()


def test_clip_is_refused_for_points(tmp_path: Path, tiny: Callable[..., Any]) -> None:
    changes = ("clip=true", "training.label_dropout=0.0", 'network={kind="mlp", width=8, depth=1, dim=8}')
    with pytest.raises(UsageError) as error:
        start(tiny(*changes), "moons", tmp_path / "run")
    assert (error.value.code, error.value.field) == ("no-effect", "clip")
