"""Attributes of handwriting: known values of synthetic strokes, laws of scale and shift, and Morpho-MNIST's definitions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from raised import code_and_field
from torch import Tensor
from torch.nn import functional

from inkwash import attributes, data
from inkwash.attributes import (
    ATTRIBUTES,
    attribute_specs,
    measure,
    measure_training_set,
    measures,
    standardize,
    standardized_attributes,
)
from inkwash.data import Dataset
from inkwash.data.spec import QUANTILES

SIDE, SUBPIXELS = 28, 8


def drawn(inside: Tensor) -> Tensor:
    """Return the image [1, SIDE, SIDE] of a shape, bool at SUBPIXELS to a pixel, anti-aliased."""
    return inside.float().reshape(SIDE, SUBPIXELS, SIDE, SUBPIXELS).mean((1, 3))[None]


def plane(x: float = 0, y: float = 0) -> tuple[Tensor, Tensor]:
    """Return coordinates x and y (down) in pixels from the point (x, y) right of and below the centre."""
    axis = (torch.arange(SIDE * SUBPIXELS) + 0.5) / SUBPIXELS - SIDE / 2
    down, right = torch.meshgrid(axis, axis, indexing="ij")
    return right - x, down - y


def bar(width: float, length: float, degrees: float, x: float = 0, y: float = 0) -> Tensor:
    """Return a bar whose long axis leans `degrees` to the right of the vertical."""
    right, down = plane(x, y)
    angle = math.radians(degrees)
    along = right * math.sin(angle) - down * math.cos(angle)
    across = right * math.cos(angle) + down * math.sin(angle)
    return drawn((along.abs() <= length / 2) & (across.abs() <= width / 2))


def ring(radius: float, width: float, x: float = 0, y: float = 0) -> Tensor:
    """Return a ring; `radius` is that of the middle of its stroke."""
    return drawn(((torch.hypot(*plane(x, y)) - radius).abs()) <= width / 2)


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 60, 90])
@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_thickness_of_a_bar_is_its_width_in_any_direction(width: float, degrees: float) -> None:
    assert measures.thickness(bar(width, 18, degrees, 0.3, 0.1)).item() == pytest.approx(width, rel=0.08)


def test_thickness_resolves_a_tenth_of_a_pixel() -> None:
    found = [measures.thickness(bar(2 + k / 10, 18, 20)).item() for k in range(10)]
    assert torch.tensor(found).diff() == pytest.approx(torch.full((9,), 0.1), abs=0.05)


@pytest.mark.parametrize("degrees", [-40, -20, 0, 15, 35])
def test_slant_of_a_thin_bar_is_its_angle(degrees: float) -> None:
    assert measures.slant(bar(1.5, 20, degrees)).item() == pytest.approx(degrees, abs=1)


def test_shear_changes_slant_and_not_width() -> None:
    right, down = plane()
    for shear in (0, 0.3, 0.6):
        sheared = drawn(((right + shear * down).abs() <= 4) & (down.abs() <= 9))
        assert measures.slant(sheared).item() == pytest.approx(math.degrees(math.atan(shear)), abs=0.3)
        assert measures.width(sheared).item() == pytest.approx(0.96 * 8, abs=0.5)
        assert measures.height(sheared).item() == pytest.approx(0.96 * 18, abs=0.01)


def test_width_and_height_hold_96_percent_of_a_rectangle() -> None:
    right, down = plane()
    rectangle = drawn((right.abs() <= 5) & (down.abs() <= 8))
    assert measures.width(rectangle).item() == pytest.approx(0.96 * 10, abs=1e-3)
    assert measures.height(rectangle).item() == pytest.approx(0.96 * 16, abs=1e-3)
    assert measures.aspect(rectangle).item() == pytest.approx(10 / 16, abs=1e-3)
    assert measures.ink_mass(rectangle).item() == pytest.approx(160)


def test_holes_are_counted() -> None:
    eight = ring(4, 2, y=-4.5).maximum(ring(4, 2, y=4.5))
    two_rings = ring(3, 2, x=-7).maximum(ring(3, 2, x=7))
    gap = ring(6, 2).clone()
    gap[:, 12:16, 14:] = 0
    for image, count in ((ring(6, 2), 1), (eight, 2), (two_rings, 2), (bar(3, 18, 20), 0), (gap, 0)):
        assert measures.holes(image).item() == count
    spiral = torch.zeros(1, SIDE, SIDE)
    for inset in range(2, 12, 2):
        spiral[:, inset, inset - 2 : SIDE - inset] = spiral[:, SIDE - inset, inset : SIDE - inset + 1] = 1
        spiral[:, inset : SIDE - inset, SIDE - inset] = spiral[:, inset + 2 : SIDE - inset, inset] = 1
    assert measures.holes(spiral).item() == 0


def test_roundness_is_one_of_a_ring_and_the_ratio_of_axes_of_a_bar() -> None:
    assert measures.roundness(ring(7, 2)).item() == pytest.approx(1, abs=0.01)
    for degrees in (0, 33, 90):
        assert measures.roundness(bar(5, 20, degrees)).item() == pytest.approx(0.25, abs=0.015)


def test_position_is_measured_from_the_centre() -> None:
    image = ring(4, 2, x=2.5, y=-3.25)
    assert measures.position_x(image).item() == pytest.approx(2.5, abs=0.01)
    assert measures.position_y(image).item() == pytest.approx(-3.25, abs=0.01)


def test_shift_by_pixels_changes_position_only() -> None:
    image = ring(5, 2).maximum(bar(2, 14, 30))
    shifted = image.roll((2, -3), (1, 2))
    for name, each in ATTRIBUTES.items():
        moved = {"x": -3, "y": 2}.get(name, 0)
        assert each.measure(shifted).item() == pytest.approx(each.measure(image).item() + moved, abs=1e-3)


def test_doubling_an_image_doubles_lengths() -> None:
    image = ring(9, 3).maximum(bar(3, 18, 20))
    doubled = functional.interpolate(image[None], scale_factor=2, mode="bicubic")[0].clamp(0, 1)
    factors = {"thickness": 2, "width": 2, "height": 2, "ink": 4, "x": 2, "y": 2}
    for name, each in ATTRIBUTES.items():
        wanted = each.measure(image).item() * factors.get(name, 1)
        assert each.measure(doubled).item() == pytest.approx(wanted, rel=0.1, abs=0.05)


def test_intensity_changes_only_the_ink() -> None:
    image = ring(5, 2).maximum(bar(2, 14, 30))
    for name, each in ATTRIBUTES.items():
        assert each.measure(image / 2).item() == pytest.approx(
            each.measure(image).item() / (2 if name == "ink" else 1), abs=1e-3
        )


def test_an_empty_image_has_no_attributes_but_its_ink() -> None:
    found = dict(zip(ATTRIBUTES, measure(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))[0].tolist(), strict=True))
    assert found.pop("ink") == 0
    assert all(map(math.isnan, found.values()))


@pytest.mark.parametrize("name", [name for name, each in ATTRIBUTES.items() if each.differentiable])
def test_gradient_is_the_change_by_a_small_change_of_the_image(name: str) -> None:
    measured = ATTRIBUTES[name].measure
    generator = torch.Generator().manual_seed(0)
    blurred = functional.avg_pool2d(torch.cat([ring(6, 3, 0.3, 0.1), bar(3, 16, 20)])[:, None], 3, 1, 1)[:, 0]
    direction = functional.avg_pool2d(torch.rand(2, 1, SIDE, SIDE, generator=generator), 5, 1, 2)[:, 0] * (blurred > 0)
    image = blurred.requires_grad_()
    value = measured(image)
    assert torch.allclose(value, measured(image.detach()), atol=1e-4)
    slope = (torch.autograd.grad(value.sum(), image)[0] * direction).sum((1, 2))
    step = 0.01
    moved = [measured(image.detach() + sign * step * direction) for sign in (1, -1)]
    assert slope.tolist() == pytest.approx(((moved[0] - moved[1]) / (2 * step)).tolist(), rel=0.05, abs=0.02)
    assert slope.abs().max() > 0.01


def test_attributes_without_a_value_have_a_gradient_of_0() -> None:
    # A blob of more area than a rectangle of its perimeter, a ring whose axes are equal, and pixels of equal neighbours.
    for image in (drawn(torch.hypot(*plane()) <= 6), ring(6, 3)):
        image.requires_grad_()
        for each in (measures.thickness, measures.roundness):
            assert torch.autograd.grad(each(image).sum(), image)[0].isfinite().all()


def test_standardized_attributes_of_images_are_those_of_their_pixels() -> None:
    pixels = (
        (255 * torch.cat([ring(6, 3), bar(2, 18, 20), torch.zeros(1, SIDE, SIDE)])).round().to(torch.uint8)[:, None]
    )
    names = ["thickness", "holes", "height"]
    specs = attribute_specs(names, torch.tensor([[1.0, 0, 15], [3.0, 2, 21]]))
    found = standardized_attributes(pixels.float() / 127.5 - 1, specs)
    wanted = standardize(measure(pixels, names), specs)
    assert found[:2, [0, 2]].tolist() == [pytest.approx(row, abs=1e-4) for row in wanted[:2, [0, 2]].tolist()]
    assert found[:, 1].isnan().all() and found[2].isnan().all()


def morpho_mnist(image: np.ndarray) -> dict[str, float]:
    """Return the definitions of Morpho-MNIST's measure.py, computed pixel by pixel on an image enlarged four times."""
    from scipy import ndimage

    enlarged = ndimage.zoom(image.astype(float), 4, order=3, grid_mode=True, mode="grid-constant")
    binary = enlarged > enlarged.min() + np.ptp(enlarged) / 2
    distance = ndimage.distance_transform_edt(binary)
    # Ridges of the distance, in place of the skeleton of scikit-image.
    ridge = binary & (distance >= ndimage.maximum_filter(distance, footprint=np.ones((3, 3))) - 0.3)
    weight = enlarged.clip(0) / enlarged.clip(0).sum()
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    x, y = x - (weight * x).sum(), y - (weight * y).sum()
    shear = (weight * x * y).sum() / (weight * y * y).sum()

    def extent(position: np.ndarray) -> float:
        order = np.argsort(position.ravel())
        cumulative = np.cumsum(weight.ravel()[order])
        low, high = np.searchsorted(cumulative, (0.02, 0.98))
        return float(position.ravel()[order][high] - position.ravel()[order][low]) / 4

    return {
        "thickness": 2 * float(distance[ridge].mean()) / 4,
        "slant": math.degrees(math.atan(-shear)),
        "width": extent(x - shear * y),
        "height": extent(y),
        "ink": float(binary.sum()) / 16,
    }


def test_attributes_agree_with_the_definitions_of_morpho_mnist(handwriting: Dataset) -> None:
    images = handwriting.values[:200]
    reference = [morpho_mnist(image.numpy()) for image in images[:, 0]]
    for name, error, correlation in (
        ("thickness", 0.35, 0.97),
        ("slant", 0.5, 0.999),
        ("width", 0.4, 0.999),
        ("height", 0.3, 0.98),
        ("ink", 12, 0.98),
    ):
        ours, theirs = measure(images, [name])[:, 0].double(), torch.tensor([each[name] for each in reference])
        assert (ours - theirs).abs().mean() < error, name
        assert torch.corrcoef(torch.stack([ours, theirs]))[0, 1] > correlation, name


def test_digits_have_the_holes_of_their_class(handwriting: Dataset) -> None:
    assert handwriting.labels is not None
    counts = measure(handwriting.values, ["holes"])[:, 0]
    for digit, holes in ((0, 1), (1, 0), (3, 0), (7, 0)):
        assert (counts[handwriting.labels == digit] == holes).double().mean() > 0.7


@pytest.fixture
def handwriting(mnist_folder: Path) -> Dataset:
    return data.load(mnist_folder).subset(slice(0, 600))


def test_training_set_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    pixels = (torch.cat([ring(4 + k / 4, 2) for k in range(8)]) * 255).round().to(torch.uint8)[:, None]
    rings = Dataset("rings", pixels)
    first = measure_training_set(rings, ["thickness", "width"])
    assert torch.equal(first, measure(pixels, ["thickness", "width"]))
    monkeypatch.setattr(attributes.measured, "measure", lambda images, names: -torch.ones(len(images), len(names)))
    again = measure_training_set(rings, ["width", "height"])
    assert torch.equal(again[:, 0], first[:, 1])
    assert (again[:, 1] == -1).all()
    (file,) = (tmp_path / "attributes").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert (measure_training_set(rings, ["width"]) == -1).all()


def test_distribution_of_an_attribute_leaves_empty_images_out() -> None:
    values = torch.cat([torch.arange(1001.0), torch.tensor([math.nan])])[:, None]
    (spec,) = attribute_specs(["ink"], values)
    assert spec.name == "ink"
    assert (spec.mean, spec.std) == pytest.approx((500, math.sqrt((1001**2 - 1) / 12)))
    assert spec.quantiles == pytest.approx([1000 * q for q in QUANTILES])
    refused = code_and_field(lambda: attribute_specs(["width"], torch.full((3, 1), math.nan)))
    assert refused == ("invalid-data", "data")


def test_each_class_has_quantiles_of_its_own() -> None:
    values = torch.arange(101.0)[:, None]
    labels = torch.where(values[:, 0] > 50, 2, 0)
    (spec,) = attribute_specs(["width"], values, labels)
    assert spec.quantile(0.85) == pytest.approx(85)
    assert [spec.quantile(0.85, label) for label in range(3)] == pytest.approx([42.5, 85, 51 + 0.85 * 49])
    (unlabelled,) = attribute_specs(["width"], values)
    assert unlabelled.class_quantiles == ()
    assert unlabelled.quantile(0.2, 2) == pytest.approx(20)


@pytest.mark.parametrize(
    "values",
    [
        torch.zeros(4, 3, 8, 8, dtype=torch.uint8),
        torch.zeros(4, 2),
        torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8).repeat(4, 1, 1, 1) + 100,
    ],
)
def test_colour_points_and_photographs_have_no_attributes(values: Tensor) -> None:
    refused = code_and_field(lambda: measure_training_set(Dataset("other", values), ["width"]))
    assert refused == ("unsupported", "data")
