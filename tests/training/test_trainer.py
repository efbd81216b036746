"""A trainer writes no file, and trains exactly as a run does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from raised import code_and_field, raised

import inkwash
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.io import checkpoints
from inkwash.runs.start import start
from inkwash.training.events import Measured, Planned, Step
from inkwash.training.trainer import Trainer

TWELVE_STEPS = (
    "network={kind='batchnorm-unet', conditional=true, base=8, dim=16}",
    "training.length='12 steps'",
    "training.checkpoint_every='5 steps'",
    "training.milestones=['7 steps']",
)


@pytest.fixture(scope="module")
def tiny(tiny: Callable[..., Recipe]) -> Callable[..., Recipe]:
    """`tiny("field=value", ...)` is a recipe of twelve steps with a BatchNorm network, changed as by `--set`."""
    return lambda *changes: tiny(*TWELVE_STEPS, *changes)


def saved(trainer: Trainer, folder: Path) -> bytes:
    """Return the bytes of the trainer's checkpoint file."""
    path = folder / "saved.safetensors"
    checkpoints.save(path, trainer.checkpoint())
    return path.read_bytes()


@pytest.fixture(scope="module")
def reference(
    tiny: Callable[..., Recipe], digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[object], bytes]:
    """The events of an undisturbed trainer, and its checkpoint file."""
    trainer = Trainer(tiny(), digits)
    return list(trainer), saved(trainer, tmp_path_factory.mktemp("reference"))


def test_training_loop_writes_no_file(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, cwd = tmp_path / "home", tmp_path / "cwd"
    home.mkdir()
    cwd.mkdir()
    monkeypatch.chdir(cwd)
    for variable in ("HOME", "XDG_CACHE_HOME", "INKWASH_CACHE"):
        monkeypatch.setenv(variable, str(home))
    cwd.chmod(0o555)
    trainer = inkwash.Trainer(tiny(), digits)
    previews = []
    for event in trainer:
        if isinstance(event, Measured) and event.milestone:
            previews.append(trainer.preview().values)
            trainer.checkpoint()
    assert trainer.complete and trainer.ema_model.step == 12
    assert [values.shape for values in previews] == [(80, 1, 8, 8)] * 2
    assert sorted(tmp_path.rglob("*")) == [cwd, home]


def test_trainer_without_folder_equals_run_bit_for_bit(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset
) -> None:
    trainer, run = Trainer(tiny(), digits), start(tiny(), digits, tmp_path / "run")
    without_folder, recorded = list(trainer), list(run.train())
    assert without_folder == [event for event in recorded if isinstance(event, Step | Measured)]
    assert saved(trainer, tmp_path) == run.folder.latest.read_bytes()


def test_events_are_steps_and_validations(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    events = list(Trainer(tiny(), digits))
    assert [event.number for event in events if isinstance(event, Step)] == list(range(1, 13))
    measured = [event for event in events if isinstance(event, Measured)]
    assert [(event.step, event.milestone) for event in measured] == [
        (5, None),
        (7, "step-0000007"),
        (10, None),
        (12, "step-0000012"),
    ]
    means = [event.profile.mean for event in measured]
    assert [event.improved for event in measured] == [
        mean < min(means[:index], default=float("inf")) for index, mean in enumerate(means)
    ]


def test_second_iteration_continues_after_the_first(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset
) -> None:
    once, twice = Trainer(tiny(), digits), Trainer(tiny(), digits)
    list(once)
    for event in twice:
        if isinstance(event, Step) and event.number == 6:
            break
    assert [event.number for event in twice if isinstance(event, Step)] == list(range(7, 13))
    assert saved(once, tmp_path) == saved(twice, tmp_path)


@pytest.mark.parametrize("stop", [3, 5, 7])
def test_restored_trainer_continues_bit_for_bit(
    tmp_path: Path,
    tiny: Callable[..., Recipe],
    digits: Dataset,
    reference: tuple[list[object], bytes],
    stop: int,
) -> None:
    (expected, checkpoint), first, second = reference, *(Trainer(tiny(), digits) for _ in range(2))
    for event in first:
        if isinstance(event, Step) and event.number == stop:
            first.stop()
    saved(first, tmp_path)
    second.restore(tmp_path / "saved.safetensors")
    continued = list(second)
    assert continued == expected[-len(continued) :]
    assert saved(second, tmp_path) == checkpoint


@pytest.mark.parametrize(("kind", "step"), [(Step, 7), (Step, 8), (Measured, 7), (Measured, 10)])
def test_checkpoint_restored_within_the_iteration_continues_bit_for_bit(
    tmp_path: Path,
    tiny: Callable[..., Recipe],
    digits: Dataset,
    reference: tuple[list[object], bytes],
    kind: type[Step] | type[Measured],
    step: int,
) -> None:
    trainer = Trainer(tiny(), digits)
    expected = [event.number for event in reference[0] if isinstance(event, Step)]
    steps: list[int] = []
    checkpoint, restored = trainer.checkpoint(), False
    for event in trainer:
        number = event.number if isinstance(event, Step) else trainer.state.progress.step
        if isinstance(event, Step):
            steps.append(number)
            if number == 4 and not restored:
                checkpoint = trainer.checkpoint()
        elif isinstance(event, Measured):
            assert event.step == number, "a validation is of the step that it names"
        if isinstance(event, kind) and number == step and not restored:
            trainer.restore(checkpoint)
            restored = True
    assert restored and steps == [*expected[:step], *expected[4:]]
    assert saved(trainer, tmp_path) == reference[1]


def test_restoring_refuses_other_data_and_another_recipe(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    checkpoint = Trainer(tiny(), digits).checkpoint()
    other = Dataset("others", digits.values.flip(0), digits.labels, digits.classes)
    assert code_and_field(lambda: Trainer(tiny(), other).restore(checkpoint)) == ("mismatch", "data")
    changed = Trainer(tiny("optimizer.lr=0.1"), digits)
    assert code_and_field(lambda: changed.restore(checkpoint)) == ("mismatch", "recipe")


def test_length_in_minutes_ends_at_the_planned_step(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    ticks = count()
    trainer = Trainer(tiny("training.length=0.1 minutes"), digits, since=0.0, clock=lambda: 0.05 * next(ticks))
    assert trainer.total is None
    events = list(trainer)
    plans = [event for event in events if isinstance(event, Planned)]
    assert [plan.first for plan in plans] == [True] + [False] * (len(plans) - 1)
    assert plans[-1].total == trainer.total == trainer.state.progress.step > 10
    assert isinstance(events[-1], Measured) and events[-1].step == trainer.total


def test_names_of_recipe_and_data_are_resolved() -> None:
    trainer = Trainer("digits")
    assert trainer.recipe.name == "digits" and len(trainer.data) == len(inkwash.data.load("digits"))
    assert raised(lambda: Trainer("digits", "no-such-data")).code == "missing-file"
