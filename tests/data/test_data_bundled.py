"""The bundled digits, the points in the plane, and the names of data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inkwash.data import DATASETS, canonical_name, load
from inkwash.data.points import TOY_DISTRIBUTIONS
from inkwash.errors import InkwashError, UsageError


def test_the_digits_are_the_1797_of_uci() -> None:
    data = load("digits")
    assert data.test_values is not None and data.test_labels is not None and data.labels is not None
    assert len(data) == 1500 and len(data.test_values) == 297 and data.shape == (1, 8, 8)
    # the counts of each class that UCI gives for the test part
    counts = torch.bincount(torch.cat([data.labels, data.test_labels]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert sum(data.proportions) == pytest.approx(1) and min(data.proportions) > 0.08
    assert "CC BY 4.0" in data.note


def test_the_digits_are_counts_of_0_to_16_scaled_to_pixels() -> None:
    data = load("digits")
    counts = data.values.double() * 16 / 255
    assert sorted(set(counts.round().flatten().tolist())) == list(range(17))
    # rounding to a pixel moves a count by at most half a pixel
    assert (counts - counts.round()).abs().max() <= 0.5 * 16 / 255 + 1e-12


def test_no_digit_is_in_both_parts() -> None:
    data = load("digits")
    assert data.test_values is not None
    both = torch.cat([data.values, data.test_values]).flatten(1)
    assert len(torch.unique(both, dim=0)) == 1797


@pytest.mark.parametrize("name", TOY_DISTRIBUTIONS)
def test_points_are_deterministic_and_leave_global_generators_unchanged(name: str) -> None:
    first = load(name)
    before = torch.get_rng_state(), repr(np.random.get_state())
    again = load(name)
    assert torch.equal(torch.get_rng_state(), before[0]) and repr(np.random.get_state()) == before[1]
    assert again.sha256 == first.sha256 and len(again) == 10_000
    assert again.test_values is not None and again.test_values.shape == (2_000, 2)


@pytest.mark.parametrize("name", TOY_DISTRIBUTIONS)
def test_points_lie_within_about_minus_two_to_two(name: str) -> None:
    data = load(name)
    assert data.is_points and data.values.dtype == torch.float32
    assert 1.5 < data.values.abs().max() < 2.5 and data.values.abs().amax(dim=0).min() > 0.8
    assert 0.7 < data.data_std < 1.3


@pytest.mark.parametrize("name", [name for name, shape in TOY_DISTRIBUTIONS.items() if shape.classes])
def test_labelled_points_have_equal_classes(name: str) -> None:
    data = load(name)
    # five standard deviations of a binomial fraction
    fraction = 1 / len(data.classes)
    assert data.proportions == pytest.approx(
        [fraction] * len(data.classes), abs=5 * (fraction * (1 - fraction) / 1e4) ** 0.5
    )


def test_each_gaussian_of_the_mixture_has_its_mean_and_deviation() -> None:
    data = load("gaussian-mixture")
    means = torch.stack([data.values[data.labels == index].mean(0) for index in range(8)])
    torch.testing.assert_close(means.norm(dim=1), torch.full((8,), 1.6), atol=0.02, rtol=0)
    turned = torch.stack([means[:, 1].neg(), means[:, 0]], dim=1)
    # two classes on is a quarter turn
    torch.testing.assert_close(means.roll(-2, dims=0), turned, atol=0.03, rtol=0)
    assert data.labels is not None
    assert float((data.values - means[data.labels]).std()) == pytest.approx(0.1, abs=0.002)


def test_checkerboard_points_lie_on_squares_of_one_colour() -> None:
    values = load("checkerboard").values
    # float32 rounds a point just below a line onto it
    inside = values[(values - values.round()).abs().amin(dim=1) > 1e-5]
    assert len(inside) > 9_900
    squares = inside.floor()
    assert len(set((squares.sum(dim=1) % 2).tolist())) == 1
    assert len({tuple(square) for square in squares.tolist()}) == 8


def test_one_spiral_arm_is_the_other_turned_by_half_a_circle() -> None:
    data = load("spirals")
    assert data.labels is not None
    folded = data.values * (1 - 2 * data.labels[:, None])
    folded = folded[folded.norm(dim=1) > 0.5]
    radius = folded.norm(dim=1)
    angle = torch.atan2(folded[:, 1], folded[:, 0])
    # along both arms the angle grows evenly with the radius, three half turns from the centre to 2
    off = torch.remainder(angle - 1.5 * torch.pi * radius + torch.pi, 2 * torch.pi) - torch.pi
    # The distance along the radius, which crosses an arm almost at a right angle, is the noise.
    across = off / (1.5 * torch.pi)
    assert float(across.std()) == pytest.approx(0.04, abs=0.003) and float(across.mean()) == pytest.approx(0, abs=0.003)


def test_the_moons_are_half_circles_that_reach_into_each_other() -> None:
    data = load("moons")
    upper, lower = (data.values[data.labels == index] for index in (0, 1))
    # half a turn about the origin maps one moon onto the other
    torch.testing.assert_close(upper.mean(0), -lower.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(upper.T.cov(), lower.T.cov(), atol=0.05, rtol=0)
    assert upper[:, 1].min() < lower[:, 1].max() and upper[:, 1].mean() > lower[:, 1].mean()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("FashionMNIST", "fashion-mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("Fashion MNIST", "fashion-mnist"),
        ("CIFAR10", "cifar-10"),
        ("cifar_10", "cifar-10"),
        ("MNIST", "mnist"),
        ("KMNIST", "kmnist"),
        ("gaussian_mixture", "gaussian-mixture"),
        ("mnits", None),
        ("../mnist", None),
    ],
)
def test_names_are_found_in_any_case_and_punctuation(given: str, name: str | None) -> None:
    assert canonical_name(given) == name


def test_unknown_names_and_missing_paths_get_the_nearest_name() -> None:
    assert load("Digits").sha256 == load("digits").sha256
    for path, meant in (("../mnist", "--data mnist"), ("/nowhere/digitz", "--data digits")):
        with pytest.raises(UsageError, match=f"no file or folder '{path}'.*{meant}") as error:
            load(Path(path))
        assert (error.value.code, error.value.field) == ("missing-file", "data")


def test_the_error_without_data_lists_how_to_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INKWASH_DATA", raising=False)
    with pytest.raises(UsageError) as error:
        load(None)
    assert (error.value.code, error.value.field) == ("missing-field", "data")
    assert all(name in str(error.value) for name in DATASETS)


def test_inkwash_data_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.zeros((2, 4, 4), np.uint8))
    monkeypatch.setenv("INKWASH_DATA", str(tmp_path / "mine.npy"))
    assert load(None).name == "mine" and load("digits").name == "digits"


def test_the_error_for_an_unreadable_path_is_one_line() -> None:
    with pytest.raises(InkwashError) as error:
        load("x" * 5000)
    assert error.value.code == "io" and "\n" not in str(error.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UsageError, match=r"notes\.txt") as error:
        load(tmp_path / "notes.txt")
    assert error.value.code == "wrong-file"


def test_size_resizes_named_data_sets_too() -> None:
    data = load("digits", size=16)
    assert data.shape == (1, 16, 16)
