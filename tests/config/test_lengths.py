"""Lengths are converted to steps and equal after writing and reading; milestones include the last step."""

from __future__ import annotations

import pytest
from raised import code_and_field, raised

from inkwash.config.lengths import UNITS, Length, Milestones


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("amount", [1, 2, 0.5, 2.25, 10, 60_000, 999_999, 1_000_000, 1_234_567, 60_000_000])
def test_a_length_is_equal_after_writing_and_reading(amount: float, unit: str) -> None:
    length = Length(amount, unit)
    assert Length.parse(str(length)) == length


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("5 epochs", 5, "epochs"),
        ("1 epoch", 1, "epochs"),
        ("1 epochs", 1, "epochs"),
        ("5 epoch", 5, "epochs"),
        ("  0.5   minutes ", 0.5, "minutes"),
        ("100steps", 100, "steps"),
        ("1e5 images", 100_000, "images"),
    ],
)
def test_spelling_of_lengths_may_vary(text: str, amount: float, unit: str) -> None:
    assert Length.parse(text) == Length(amount, unit)


@pytest.mark.parametrize(
    "text",
    ["", "5", "epochs", "five epochs", "5 hours", "5 epochss", "-1 steps", "0 steps", "1.2.3 steps", "1e999 steps",
     ". steps", "nan steps", "inf steps", "5 steps more", "5 s", "5 Epochs!"],
)  # fmt: skip
def test_text_without_a_length_is_refused(text: str) -> None:
    assert code_and_field(lambda: Length.parse(text, "training.length")) == ("invalid-value", "training.length")


@pytest.mark.parametrize(
    ("text", "batch", "images", "steps"),
    [
        ("7 steps", 128, 59_000, 7),
        ("256 images", 128, 59_000, 2),
        ("257 images", 128, 59_000, 3),
        ("1 epoch", 100, 1_000, 10),
        ("1 epoch", 128, 1_000, 8),
        ("3 epochs", 128, 1_000, 24),
        ("0.1 epochs", 10, 1_000, 10),
        ("0.3 epochs", 10, 1_000, 30),
        ("1 image", 128, 59_000, 1),
        ("1 epoch", 512, 100, 1),
    ],
)
def test_a_length_in_steps_covers_it_and_is_not_one_longer(text: str, batch: int, images: int, steps: int) -> None:
    assert Length.parse(text).steps(batch, images) == steps


def test_minutes_cannot_be_converted_to_steps() -> None:
    assert raised(lambda: Length.parse("3 minutes").steps(128, 59_000)).code == "unsupported"


@pytest.mark.parametrize(
    "texts",
    [(), ("10 steps",), ("every 1 epoch",), ("every 30 images", "7 steps"), ("1000 epochs",), ("every 0.3 epochs",)],
)
@pytest.mark.parametrize("total", [1, 7, 100, 1_000])
def test_the_last_step_is_a_milestone_and_none_lies_beyond(texts: tuple[str, ...], total: int) -> None:
    names = Milestones(texts).names(total, batch=10, num_images=400)
    assert max(names) == total
    assert min(names) >= 1
    assert list(names) == sorted(names)
    assert len(set(names.values())) == len(names)


def test_milestones_have_the_names_of_their_lengths() -> None:
    milestones = Milestones(("every 1 epoch", "15 steps", "200 images"))
    names = milestones.names(total=100, batch=10, num_images=400)
    assert names == {15: "step-0000015", 20: "image-000000200", 40: "epoch-001", 80: "epoch-002", 100: "step-0000100"}


def test_without_milestones_they_are_log_spaced() -> None:
    assert list(Milestones().names(5_000, 10, 400)) == [100, 300, 1_000, 3_000, 5_000]


@pytest.mark.parametrize("unit", ["steps", "images"])
def test_names_of_milestones_of_long_runs_are_sorted_and_unique(unit: str) -> None:
    texts = tuple(f"{amount} {unit}" for amount in (999_999, 1_000_000, 1_234_567, 1_234_568))
    names = list(Milestones(texts).names(2_000_000, batch=1, num_images=10).values())[:4]
    assert names == sorted(set(names))
    assert all(name.rpartition("-")[2].isdigit() for name in names)


@pytest.mark.parametrize("text", ["soon", "every", "every ", "every now and then", "3", "0 steps", "3 minutes"])
def test_text_without_a_milestone_is_refused(text: str) -> None:
    assert raised(lambda: Milestones((text,)).names(10, 1, 10)).field == "training.milestones"


@pytest.mark.parametrize("text", ["4294967296 steps", "1e300 steps", "1e300 images", "1e12 epochs"])
def test_more_steps_than_are_counted_are_refused(text: str) -> None:
    assert code_and_field(lambda: Length.parse(text).steps(10, 400, "training.ema")) == ("too-large", "training.ema")
    assert Length.parse("4294967295 steps").steps(10, 400) == 2**32 - 1


def test_more_milestones_than_the_limit_are_refused() -> None:
    often = Milestones(("every 1 step",))
    assert code_and_field(lambda: often.names(10**9, 1, 10)) == ("too-large", "training.milestones")
