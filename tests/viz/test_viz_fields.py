"""Scatter plots: place, shape and colour of dots; vector fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from inkwash.errors import UsageError
from inkwash.viz.points import scatter, scatter_images, square_around, vector_field
from inkwash.viz.style import BACKGROUND

WINDOW = (0.0, 64.0, 0.0, 64.0)  # one unit a pixel at size 64, so that shifts by 1 are exact
BACKGROUND_GREY = int(BACKGROUND[1:3], 16)


def plotted(points: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.int64]:
    return np.asarray(scatter(points, WINDOW, 64, labels)).astype(np.int64)


def dyadic(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).integers(16 * 8, 48 * 8, (count, 2)) / 8


@pytest.mark.parametrize(("right", "up"), [(1, 0), (0, 1), (-5, 7), (11, -3)])
def test_shifting_points_by_pixels_shifts_the_scatter(right: int, up: int) -> None:
    points = dyadic(200)
    moved = plotted(points + np.array([right, up]))
    assert np.array_equal(moved, np.roll(plotted(points), (-up, right), axis=(0, 1)))


def test_the_order_of_points_does_not_matter() -> None:
    points, labels = dyadic(300), np.arange(300) % 3
    order = np.random.default_rng(1).permutation(300)
    apart = np.abs(plotted(points, labels=labels) - plotted(points[order], labels=labels[order]))
    assert apart.max() <= 1  # sums in another order may round another way


def test_two_equal_dots_multiply_the_transmitted_light() -> None:
    one, two = plotted([[20.5, 30.5]]), plotted([[20.5, 30.5]] * 2)
    through = (one / BACKGROUND_GREY) ** 2 * BACKGROUND_GREY
    assert np.abs(two - through).max() <= 1.5
    assert one.min() < 0.6 * BACKGROUND_GREY


def test_a_dot_is_round_and_centred_with_y_upwards() -> None:
    picture = plotted([[20.5, 50.5]])
    rows, columns = np.nonzero((picture < BACKGROUND_GREY).any(axis=-1))
    assert (rows.mean(), columns.mean()) == (13.0, 20.0)
    patch = picture[13 - 4 : 13 + 5, 20 - 4 : 20 + 5, 0]
    assert np.array_equal(patch, patch.T) and np.array_equal(patch, patch[::-1])


@pytest.mark.parametrize("edge", ["left", "right", "bottom", "top"])
def test_a_dot_at_the_edge_is_clipped(edge: str) -> None:
    place = {"left": (0.0, 32.0), "right": (64.0, 32.0), "bottom": (32.0, 0.0), "top": (32.0, 64.0)}[edge]
    turns = {"left": 0, "top": 1, "right": 2, "bottom": 3}[edge]  # quarter turns that bring the edge to the left
    cut = np.rot90(plotted([place]), turns)
    assert np.array_equal(cut[:, :32], plotted([[32.0, 32.0]])[:, 32:])
    assert (cut[:, 32:] == BACKGROUND_GREY).all()


def test_points_outside_or_not_finite_are_left_out() -> None:
    assert (plotted([[1e9, 3.0], [-40.0, 5.0], [np.nan, 1.0], [np.inf, 2.0]]) == BACKGROUND_GREY).all()
    assert (plotted(np.empty((0, 2))) == BACKGROUND_GREY).all()


def test_labels_select_colours() -> None:
    points = [[32.0, 32.0]]
    pictures = [plotted(points, labels=[label]) for label in range(3)]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])
    assert np.array_equal(pictures[0], plotted(points))


def test_all_steps_have_the_limits_of_the_last() -> None:
    steps = [dyadic(50) * 3, dyadic(50)]
    pictures = scatter_images(steps, size=40)
    assert pictures.shape == (2, 40, 40, 3) and pictures.dtype == np.uint8
    window = square_around(steps[-1])
    for picture, points in zip(pictures, steps, strict=True):
        assert np.array_equal(picture, np.asarray(scatter(points, window, 40)))


def test_default_limits_are_a_square_around_all_points() -> None:
    points = np.random.default_rng(3).standard_normal((50, 2)) * [3, 1]
    left, right, bottom, top = square_around(points)
    assert right - left == pytest.approx(top - bottom)
    assert left < points[:, 0].min() and points[:, 0].max() < right
    assert bottom < points[:, 1].min() and points[:, 1].max() < top
    assert square_around([[2.0, 3.0]]) == (1.0, 3.0, 2.0, 4.0)


@pytest.mark.parametrize(
    ("plot", "code", "field"),
    [
        (lambda: scatter([[1.0, 2.0, 3.0]]), "invalid-data", "points"),
        (lambda: scatter([[1.0, 2.0]], labels=[1, 2]), "invalid-data", "labels"),
        (lambda: scatter([[1.0, 2.0]], limits=(1, 1, 0, 1)), "out-of-range", "limits"),
        (lambda: scatter_images([]), "invalid-data", "steps"),
        (lambda: vector_field("a.png", lambda p: p[:, :1], (-1, 1, -1, 1)), "invalid-data", "function"),
        (lambda: vector_field("a.png", lambda p: np.full_like(p, np.nan), (-1, 1, -1, 1)), "invalid-data", "function"),
    ],
)
def test_points_and_fields_of_another_shape_are_refused(plot: Callable[[], object], code: str, field: str) -> None:
    with pytest.raises(UsageError) as error:
        plot()
    assert (error.value.code, error.value.field) == (code, field)
    assert not list(Path().iterdir())


def test_a_field_is_evaluated_on_its_lattice(tmp_path: Path) -> None:
    calls = []

    def inward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        calls.append(points)
        return -points

    vector_field(tmp_path / "field.png", inward, (-2, 2, -1, 1), arrows=5)
    assert [(points.min(axis=0).tolist(), points.max(axis=0).tolist()) for points in calls] == [([-2, -1], [2, 1])]
    with Image.open(tmp_path / "field.png") as image:
        assert image.width > image.height > 100
