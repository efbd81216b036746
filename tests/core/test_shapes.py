"""Annotated shapes are checked in tests only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import shape_checks
import torch
from jaxtyping import TypeCheckError

from inkwash.core import Level, Sampler, samplers
from inkwash.nets import MLP
from inkwash.objectives import stratify


def test_a_label_for_each_of_another_number_of_examples_is_refused() -> None:
    with pytest.raises(TypeCheckError):
        MLP(2, classes=3)(torch.zeros(4, 2), torch.zeros(4), torch.zeros(3, dtype=torch.int64))


def test_image_and_noise_of_two_shapes_are_refused() -> None:
    with pytest.raises(TypeCheckError):
        Level(0.8, 0.6).mix(torch.zeros(4, 1, 8, 8), torch.zeros(4, 1, 8, 1))


def test_integers_in_place_of_uniform_numbers_are_refused() -> None:
    with pytest.raises(TypeCheckError):
        stratify(torch.arange(4))


def test_the_first_calls_of_every_kind_of_function_are_checked_in_each_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shape_checks, "CALLS", 3)
    level, image, wrong = Level(0.8, 0.6), torch.zeros(4, 2), torch.zeros(4, 3)
    calls: list[Callable[[], object]] = [
        lambda: level.mix(image, wrong),  # method
        lambda: Level("0.8", 0.6),  # type: ignore[arg-type]  # constructor
        lambda: Sampler(schedule=None),  # type: ignore[arg-type]  # constructor of a dataclass
        lambda: samplers.parse_sampler(7),  # type: ignore[arg-type]  # function
    ]
    shape_checks.renew()
    for call in calls:
        for _ in range(3):
            with pytest.raises(TypeCheckError):
                call()
    level.mix(image, image)
    for call in calls:
        try:
            call()
        except TypeCheckError as error:
            pytest.fail(f"checked once more: {error}")
        except Exception:
            continue
    shape_checks.renew()
    for call in calls:
        with pytest.raises(TypeCheckError):
            call()


def test_calls_outside_of_tests_are_not_checked() -> None:
    program = (
        "import sys, torch; from inkwash.core import Level; Level(0.8, 0.6).mix(torch.zeros(4, 1), torch.zeros(4, 3)); "
        "sys.exit('beartype' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
