"""Warnings about data: each fault gives its warning and no other; data without faults give none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from inkwash import checks, data
from inkwash.checks import digit_orientation
from inkwash.checks.pixels import ImageSubset
from inkwash.core.rng import Stream, normals, philox_words, uniforms
from inkwash.data import DATASETS, Dataset
from inkwash.data.registry import EXAMPLE_SHAPES

DIGITS = tuple("0123456789")
GENERATED = ("digits", *(name for name, (shape, _) in EXAMPLE_SHAPES.items() if len(shape) == 1))

FAULTS: dict[str, tuple[Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], list[str], str]] = {
    "in [0, 1]": (lambda x, y: (x > 127, y), ["range"], "(255 * images)"),
    "0 to 16": (lambda x, y: (x // 16, y), ["range"], "from 0 to 15"),
    "washed out": (lambda x, y: (200 + x // 8, y), ["range"], "from 200 to 231"),
    "inverted": (lambda x, y: (255 - x, y), ["background"], "--invert"),
    "mirrored": (lambda x, y: (x.flip(-1), y), ["orientation"], "look mirrored"),
    "upside down": (lambda x, y: (x.flip(-2), y), ["orientation"], "look upside down"),
    "transposed": (lambda x, y: (x.mT, y), ["orientation"], "look transposed ("),
    "turned": (lambda x, y: (x.rot90(1, (2, 3)), y), ["orientation"], "look rotated by 90° anticlockwise"),
    "one too high": (lambda x, y: (x, (y + 1) % 10), ["labels"], "(labels - 1) % 10"),
    "one too low": (lambda x, y: (x, (y - 1) % 10), ["labels"], "(labels + 1) % 10"),
    "mirrored and off by one": (lambda x, y: (x.flip(-1), (y + 1) % 10), ["orientation", "labels"], "samples a 2"),
    "inverted and mirrored": (lambda x, y: (255 - x.flip(-1), y), ["background", "orientation"], "look mirrored"),
    "a tenth blank": (
        lambda x, y: (x * (torch.arange(len(x)) % 10 > 0)[:, None, None, None], y),
        ["blank images"],
        "10% of the images",
    ),
}
"""By fault: the function that applies it to pixels and labels, the keys of the warnings, and words of one."""


def labels_of(dataset: Dataset) -> Tensor:
    assert dataset.labels is not None
    return dataset.labels


def with_fault(digits: Dataset, fault: str) -> Dataset:
    values, labels = FAULTS[fault][0](digits.values, labels_of(digits))
    return replace(digits, values=values.to(torch.uint8).contiguous(), labels=labels)


def about(dataset: Dataset) -> list[str]:
    return [warning.about for warning in checks.check_data(dataset)]


def read_as_digits(dataset: Dataset) -> list[str]:
    return [name for name in about(dataset) if name in ("orientation", "labels")]


@pytest.mark.parametrize("name", GENERATED)
def test_bundled_data_have_no_warnings(name: str) -> None:
    assert checks.check_data(data.load(name)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gives_its_warning_and_no_other(fault: str, digits: Dataset) -> None:
    found = checks.check_data(with_fault(digits, fault))
    _, expected, words = FAULTS[fault]
    assert [warning.about for warning in found] == expected
    assert any(words in warning.text for warning in found)
    assert not any("\n" in warning.text for warning in found)


def test_real_mnist_has_no_warnings(real_mnist: Dataset) -> None:
    assert checks.check_data(real_mnist) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_real_mnist_gives_its_warning_and_no_other(fault: str, real_mnist: Dataset) -> None:
    few = replace(real_mnist, values=real_mnist.values[:3000], labels=labels_of(real_mnist)[:3000])
    assert about(with_fault(few, fault)) == FAULTS[fault][1]


@pytest.mark.parametrize("count", [60, 200, 1000])
def test_a_few_real_digits_have_no_warnings(count: int, real_mnist: Dataset) -> None:
    for first in range(0, 10 * count, count):
        part = slice(first, first + count)
        few = replace(real_mnist, values=real_mnist.values[part], labels=labels_of(real_mnist)[part])
        assert about(few) in ([], ["classes"])


@pytest.mark.parametrize("orientation", digit_orientation.ORIENTATIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_numpy_expression_in_the_warning_corrects_the_images(
    orientation: str, channels: int, digits: Dataset
) -> None:
    """The expression is evaluated on arrays as .npz files hold them: [N, H, W], or channels last."""
    inverse, expression = digit_orientation.ORIENTATIONS[orientation]
    upright = digits.values.expand(-1, channels, -1, -1).permute(0, 2, 3, 1).squeeze(-1).numpy()
    expected = inverse(digits.values).expand(-1, channels, -1, -1).permute(0, 2, 3, 1).squeeze(-1).numpy()
    assert np.array_equal(eval(expression, {"numpy": np, "images": upright}), expected)


def letters(text: str, side: int = 20) -> Dataset:
    """Twelve of each letter, slightly shifted and rotated, as ten classes named 0 to 9."""
    font = ImageFont.load_default(14)
    places = philox_words(0, torch.arange(12 * len(text)), 0, Stream.SAMPLE, 3) % 3 - 1
    images = []
    for index, (x, y, turn) in enumerate(places.tolist()):
        page = Image.new("L", (side, side))
        ImageDraw.Draw(page).text((side / 2 + x, side / 2 + y), text[index % 10], font=font, fill=255, anchor="mm")
        images.append(np.array(page.rotate(7 * turn, Image.Resampling.BILINEAR)))
    return Dataset("letters", torch.from_numpy(np.array(images))[:, None], torch.arange(12 * len(text)) % 10, DIGITS)


@pytest.mark.parametrize("text", ["ABCDEFGHIJ", "KLMNOPQRST", "abcdefghij", "QWERTYUVXZ"])
def test_letters_with_the_names_of_digits_are_not_compared(text: str) -> None:
    assert read_as_digits(letters(text)) == []


def test_printed_digits_are_compared() -> None:
    printed = letters("0123456789")
    assert read_as_digits(printed) == []
    assert read_as_digits(replace(printed, values=printed.values.flip(-1))) == ["orientation"]


@pytest.mark.parametrize("seed", range(20))
def test_digits_with_permuted_labels_have_no_warning_of_orientation(seed: int, digits: Dataset) -> None:
    order = torch.argsort(uniforms(seed, torch.arange(10), 0, Stream.SAMPLE)[:, 0])
    assert about(replace(digits, labels=order[digits.labels])) == []


def test_digits_without_labels_or_with_other_names_are_not_compared(digits: Dataset) -> None:
    mirrored = digits.values.flip(-1)
    assert about(replace(digits, values=mirrored, labels=None, classes=())) == []
    assert about(replace(digits, values=mirrored, classes=tuple("abcdefghij"))) == []


@pytest.mark.parametrize("brightness", [60, 128, 200, 240])
def test_photographs_are_not_dark_strokes_on_a_light_background(brightness: int) -> None:
    """Smooth random fields of any brightness, clipped at white, have no white border."""
    rough = normals(0, torch.arange(100), 0, Stream.SAMPLE, (1, 7, 7))
    smooth = torch.nn.functional.interpolate(rough, 28, mode="bicubic")
    images = Dataset("photographs", (brightness + 90 * smooth).clamp(0, 255).to(torch.uint8))
    assert about(images) == []


def test_noise_images_have_no_warnings() -> None:
    noise = philox_words(0, torch.arange(64), 0, Stream.SAMPLE, 144).to(torch.uint8).view(64, 1, 12, 12)
    assert about(Dataset("noise", noise, torch.arange(64) % 10, DIGITS)) == []


def doubled(count: int, times: int) -> Dataset:
    single = philox_words(0, torch.arange(count), 0, Stream.SAMPLE, 16).to(torch.uint8).view(count, 1, 4, 4)
    return Dataset("doubled", single.repeat(times, 1, 1, 1))


@pytest.mark.parametrize(("count", "times", "fraction"), [(400, 2, 0.5), (20_000, 2, 0.5), (100, 10, 0.9)])
def test_the_fraction_of_copies_is_estimated_from_a_subset(count: int, times: int, fraction: float) -> None:
    """In n equal data sets 1 - 1/n of the images are copies; the estimate from a subset is within 0.15."""
    (warning,) = checks.check_data(doubled(count, times))
    assert warning.about == "duplicates"
    assert int(warning.text.split("%")[0].split()[-1]) / 100 == pytest.approx(fraction, abs=0.15)


def test_a_few_copies_among_many_images_give_no_warning(digits: Dataset) -> None:
    values = digits.values.clone()
    values[:20] = values[20:40]
    assert about(replace(digits, values=values)) == []


def test_labels_that_start_at_one_give_a_warning(digits: Dataset) -> None:
    shifted = replace(digits, labels=labels_of(digits) + 1, classes=tuple(map(str, range(11))))
    (warning,) = checks.check_data(shifted)
    assert warning.about == "classes" and "from 1 to 10" in warning.text and "labels - 1" in warning.text


def test_a_class_without_examples_is_named(digits: Dataset) -> None:
    kept = labels_of(digits) != 8
    (warning,) = checks.check_data(replace(digits, values=digits.values[kept], labels=labels_of(digits)[kept]))
    assert warning.about == "classes" and "1 of 10 classes" in warning.text and "(8)" in warning.text


@pytest.mark.parametrize(("factor", "expected"), [(1, []), (3, []), (100, ["scale"]), (0.001, ["scale"])])
def test_points_of_another_scale_than_the_noise_give_a_warning(factor: float, expected: list[str]) -> None:
    moons = DATASETS["moons"]()
    assert about(replace(moons, values=factor * moons.values)) == expected


def test_the_subset_of_images_is_the_same_at_every_call(digits: Dataset) -> None:
    many = replace(digits, values=digits.values.repeat(3, 1, 1, 1), labels=labels_of(digits).repeat(3))
    one, other = (ImageSubset.of(many) for _ in range(2))
    assert len(one.pixels) == 2000 and one.count == 4500
    assert one.labels is not None and other.labels is not None
    assert torch.equal(one.pixels, other.pixels) and torch.equal(one.labels, other.labels)
    assert torch.bincount(one.labels).min() > 100, "no class is left out"


@pytest.mark.parametrize(("count", "classes", "expected"), [(39, 20, True), (40, 20, False), (19, 19, False)])
def test_many_classes_of_few_examples_give_a_warning(count: int, classes: int, expected: bool, digits: Dataset) -> None:
    names = tuple(f"value {k / 7:.3f}" for k in range(classes))
    few = Dataset("few", digits.values[:count], torch.arange(count) % classes, names)
    assert any(warning.about == "examples" for warning in checks.check_data(few)) == expected
