"""Conversion of pixels, and the statistics of a data set."""

from __future__ import annotations

import math

import pytest
import torch

from inkwash.data import Dataset, decode, encode
from inkwash.data.pixels import resize
from inkwash.errors import UsageError

ALL = torch.arange(256, dtype=torch.uint8)


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_decode_inverts_encode_for_every_pixel_value() -> None:
    assert torch.equal(decode(encode(ALL)), ALL)


def test_encoded_pixels_span_minus_one_to_one_in_even_steps() -> None:
    levels = encode(ALL)
    assert levels.dtype == torch.float32
    assert levels[[0, -1]].tolist() == [-1, 1]
    torch.testing.assert_close(levels.diff(), torch.full((255,), 2 / 255), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("value", "pixel"), [(-7.0, 0), (7.0, 255), (0.0, 128), (-math.inf, 0), (math.inf, 255)])
def test_decode_clamps(value: float, pixel: int) -> None:
    assert decode(torch.tensor([value])).tolist() == [pixel]


@pytest.mark.parametrize("offset", [-0.49, 0.49])
def test_decode_rounds_to_the_nearest_level_and_does_not_truncate(offset: float) -> None:
    assert torch.equal(decode(encode(ALL) + offset * 2 / 255), ALL)


def test_resizing_keeps_a_flat_picture_flat_and_averages_blocks() -> None:
    flat = torch.full((2, 3, 9, 14), 77, dtype=torch.uint8)
    assert torch.equal(resize(flat, 5), torch.full((2, 3, 5, 5), 77, dtype=torch.uint8))
    picture = noise(4, 1, 32, 32)
    shrunk = resize(picture, 8)
    assert abs(shrunk.double().mean() - picture.double().mean()) < 2
    assert shrunk.double().std() < picture.double().std()


def test_resizing_cuts_the_ends_of_a_wide_picture_evenly() -> None:
    wide = torch.zeros(1, 1, 10, 30, dtype=torch.uint8)
    wide[..., 10:20] = 255
    assert torch.equal(resize(wide, 10), torch.full((1, 1, 10, 10), 255, dtype=torch.uint8))
    assert torch.equal(resize(wide.mT, 10), torch.full((1, 1, 10, 10), 255, dtype=torch.uint8))


def test_a_size_below_one_and_a_size_for_points_are_refused() -> None:
    for data, size, code in (
        (Dataset("noise", noise(2, 1, 4, 4)), 0, "out-of-range"),
        (Dataset("plane", torch.zeros(4, 2)), 8, "unsupported"),
    ):
        with pytest.raises(UsageError) as error:
            data.resized(size)
        assert (error.value.code, error.value.field) == (code, "size")


def test_resized_resizes_both_parts_and_nothing_else() -> None:
    labels = torch.tensor([0, 1])
    small = Dataset("noise", noise(2, 1, 8, 8), labels, ("a", "b"), noise(3, 1, 8, 8)).resized(4)
    assert small.shape == (1, 4, 4)
    assert small.test_values is not None and small.test_values.shape == (3, 1, 4, 4)
    assert small.labels is labels


def test_data_std_is_that_of_the_encoded_values() -> None:
    images = Dataset("noise", noise(50, 3, 5, 5))
    assert images.data_std == pytest.approx(float(images.encoded().double().std(correction=0)), abs=1e-7)
    halves = Dataset("halves", torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1))
    assert halves.data_std == pytest.approx(1, abs=1e-12)
    plane = Dataset("plane", torch.tensor([[0.0, 2.0], [4.0, 6.0]]))
    assert plane.data_std == pytest.approx(math.sqrt(5))


def test_encoded_selects_rows_and_leaves_points_unchanged() -> None:
    images = Dataset("noise", noise(6, 1, 2, 2))
    rows = torch.tensor([4, 0, 4])
    assert torch.equal(decode(images.encoded(rows)), images.values[rows])
    plane = Dataset("plane", torch.tensor([[3.0, -7.0], [0.5, 0.25]]))
    assert plane.is_points and plane.shape == (2,)
    assert torch.equal(plane.encoded(torch.tensor([1])), torch.tensor([[0.5, 0.25]]))


def test_proportions_include_empty_classes() -> None:
    labelled = Dataset("some", noise(4, 1, 2, 2), torch.tensor([0, 2, 2, 2]), ("a", "b", "c"))
    assert labelled.proportions == [0.25, 0, 0.75]
    assert Dataset("none", noise(4, 1, 2, 2)).proportions == []


def test_sha256_depends_on_values_labels_and_shape() -> None:
    values = noise(4, 1, 2, 6)
    changed = values.clone()
    changed[3, 0, 1, 5] ^= 1
    sets = [
        Dataset("a", values),
        Dataset("a", changed),
        Dataset("a", values.reshape(4, 1, 3, 4)),
        Dataset("a", values, torch.tensor([0, 1, 0, 1]), ("x", "y")),
        Dataset("a", values, torch.tensor([0, 1, 1, 1]), ("x", "y")),
    ]
    assert len({one.sha256 for one in sets}) == len(sets)
    assert Dataset("another name", values.clone()).sha256 == sets[0].sha256
