"""Agreement of requested and measured attributes in closed form; effects of sweeps; shifted images."""

from __future__ import annotations

import math

import pytest
import torch

from inkwash.metrics.attribute_scores import agreement, effects, shifted


def test_equal_values_have_r2_one_and_no_error() -> None:
    values = torch.tensor([1.0, 2.0, 4.0])
    assert agreement(values, values.clone()) == (3, 1.0, 0.0, 0.0)


def test_the_mean_request_in_place_of_each_has_r2_zero() -> None:
    found = agreement(torch.tensor([1.0, 2.0, 6.0]), torch.full((3,), 3.0))
    assert found.r2 == pytest.approx(0) and found.mae == pytest.approx(2) and found.bias == pytest.approx(0)


def test_a_constant_bias_costs_its_square_over_the_variance() -> None:
    requested = torch.tensor([0.0, 4.0])
    assert agreement(requested, requested + 1) == pytest.approx((2, 1 - 1 / 4, 1, 1))


def test_equal_requests_have_no_r2() -> None:
    assert agreement(torch.full((3,), 2.0), torch.tensor([1.0, 2.0, 3.0])) == pytest.approx((3, None, 2 / 3, 0))


def test_images_without_a_value_are_left_out_and_not_counted() -> None:
    requested, measured = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, math.nan, 3.0])
    assert agreement(requested, measured) == (2, 1.0, 0.0, 0.0)
    assert agreement(requested, torch.full((3,), math.nan)) == (0, None, None, None)


def test_effects_are_mean_changes_in_standard_deviations() -> None:
    low = torch.tensor([[1.0, 5.0, 0.0], [2.0, 6.0, math.nan]])
    high = low + torch.tensor([3.0, 0.0, 1.0])
    assert effects(low, high, torch.tensor([2.0, 7.0, 0.5])) == pytest.approx([1.5, 0, 2])
    assert math.isnan(effects(low[1:], high[1:], torch.ones(3))[2])


def test_shifted_images_move_to_the_right_and_are_cut() -> None:
    image = torch.tensor([[[[0, 100, 0, 200]]]], dtype=torch.uint8)
    assert shifted(image, 0).equal(image)
    assert shifted(image, 1).flatten().tolist() == [0, 0, 100, 0]
    assert shifted(image, 0.5).flatten().tolist() == [0, 50, 50, 100]
    assert shifted(image, 2.25).flatten().tolist() == [0, 0, 0, 75]
