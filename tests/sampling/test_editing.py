"""Sampling from an image (SDEdit), under a mask (inpainting), and between two seeds or labels (interpolation)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from raised import code_and_field
from torch import Tensor

import inkwash
from inkwash.core import CLEAN, Cosine, EmpiricalDenoiser, Sampler
from inkwash.data import Dataset, encode
from inkwash.data.spec import DatasetSpec
from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.sampling.class_labels import split_range
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve

Untrained = Callable[..., Model]
SHAPE = (1, 8, 8)


def ramp() -> Tensor:
    return torch.arange(0, 256, 4, dtype=torch.uint8).reshape(SHAPE)


def left_half() -> Tensor:
    return (torch.arange(8) < 4).expand(8, 8)


def sampled(model: Model, batch: int = 64, **fields: Any) -> Tensor:
    return torch.cat([part.values for part in resolve(SampleRequest(**fields), model).batches(batch)])


@pytest.mark.parametrize("sampler", ["ddim:6", "dpm++2m:6", "heun:4", "ddpm:8"])
def test_pixels_outside_the_mask_are_exactly_those_of_the_image(untrained: Untrained, sampler: str) -> None:
    edit = Edit(ramp(), left_half(), 1.0)
    found = sampled(untrained(), n=3, sampler=sampler, edit=edit)
    assert torch.equal(found[..., 4:], ramp()[..., 4:].expand(3, 1, 8, 4))
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("noise", [0.1, 0.5, 0.9])
def test_a_path_from_an_image_starts_at_its_noise_level(untrained: Untrained, noise: float) -> None:
    model = untrained("sampling.schedule='cosine'")
    edit = Edit(ramp(), None, noise)
    first, *_, last = resolve(SampleRequest(n=400, sampler="ddim:5", edit=edit), model).frames()
    assert float(first.level.alpha) == pytest.approx(float(Cosine()(noise).alpha))
    assert last.level is CLEAN
    away = first.x - first.level.alpha.float() * encode(ramp())
    assert float(away.std()) == pytest.approx(float(first.level.sigma), rel=0.02)
    assert float(away.mean()) == pytest.approx(0, abs=0.02)


def test_little_noise_returns_the_image_and_much_noise_another(digits: Dataset) -> None:
    # With the exact denoiser of a data set the result is known: little noise leads back to the same example.
    images = encode(digits.values).double()
    exact, start = EmpiricalDenoiser(images), images[17]
    noise = torch.randn(20, *images.shape[1:], generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def returning(amount: float) -> float:
        levels = Edit(digits.values[17], None, amount).truncated(Cosine())
        *_, last = Sampler(levels, "ddim", 40)(exact, lambda step: noise, start)
        return ((last.x - start).abs().amax((1, 2, 3)) < 1e-3).double().mean().item()

    assert returning(0.1) == 1
    assert returning(0.95) < 0.5


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"seed": 3, "seed_to": 8}, ({"seed": 3}, {"seed": 8})),
        ({"seed": 5, "label": "2..9"}, ({"seed": 5, "label": "2"}, {"seed": 5, "label": "9"})),
    ],
)
def test_the_ends_of_an_interpolation_are_images_of_its_two_seeds_or_labels(
    untrained: Untrained, fields: dict[str, Any], ends: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    model = untrained()
    images = sampled(model, n=5, sampler="ddim:4", **fields).int()
    for index, end in ((0, ends[0]), (-1, ends[1])):
        assert (images[index] - sampled(model, n=1, sampler="ddim:4", **end)[0].int()).abs().max() <= 1
    assert len(images.unique(dim=0)) == 5


@pytest.mark.parametrize("sampler", ["ddim:3", "ddpm:3"])
def test_an_interpolated_image_is_the_same_in_any_batch(untrained: Untrained, sampler: str) -> None:
    model = untrained()
    together, apart = (
        sampled(model, size, n=7, seed=3, seed_to=8, label="1..4", sampler=sampler).int() for size in (64, 3)
    )
    assert (together - apart).abs().max() <= 1


def test_ends_given_as_numbers_equal_those_given_as_text(untrained: Untrained) -> None:
    model = untrained()
    text = sampled(model, n=4, seed=5, label="2..9", sampler="ddim:3")
    assert torch.equal(text, sampled(model, seed=(5,) * 4, label=(2,), label_to=9, sampler="ddim:3"))


def test_an_edit_equals_what_is_read_from_its_dictionary() -> None:
    for edit in (Edit(ramp(), left_half(), 1.0), Edit(ramp().expand(3, 8, 8), None, 0.3)):
        again = Edit.from_dict(edit.to_dict())
        assert torch.equal(again.image, edit.image) and again.noise == edit.noise
        assert (again.mask is None) == (edit.mask is None)
        assert edit.mask is None or again.mask is None or torch.equal(again.mask, edit.mask)


@pytest.mark.parametrize("text", ["", "no base64 !", "aGVsbG8="])
def test_a_damaged_image_is_refused(text: str) -> None:
    values = {"picture": text, "mask": None, "noise": 0.5}
    assert code_and_field(lambda: Edit.from_dict(values)) == ("invalid-data", "image")


def test_an_image_file_is_cropped_scaled_and_made_grey(tmp_path: Path, digits: Dataset) -> None:
    spec = DatasetSpec.of(digits)
    side = 10 * spec.shape[1]
    wide = np.zeros((side, 2 * side, 3), np.uint8)
    # A little more than the crop is coloured, because scaling averages over neighbours.
    wide[:, side // 2 - 20 : side // 2 + side + 20] = [255, 0, 255]
    Image.fromarray(wide).save(tmp_path / "wide.png")
    mask = np.zeros((side, 2 * side), np.uint8)
    mask[: side // 2] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    edit = Edit.read(spec, tmp_path / "wide.png", tmp_path / "mask.png")
    assert edit.image.shape == spec.shape and edit.image.unique().tolist() == [170]
    assert edit.noise == 1 and edit.mask is not None
    half = spec.shape[1] // 2
    assert edit.mask[:half].all() and not edit.mask[half:].any()
    assert Edit.read(spec, tmp_path / "wide.png").noise == 0.6


@pytest.mark.parametrize(
    ("noise", "mask", "expected"),
    [
        (0.0, None, ("out-of-range", "noise")),
        (1.5, None, ("out-of-range", "noise")),
        (float("nan"), None, ("out-of-range", "noise")),
        (1.0, None, ("no-effect", "noise")),
        (1.0, torch.zeros(8, 8, dtype=torch.bool), ("no-effect", "mask")),
    ],
)
def test_an_edit_without_effect_is_refused(noise: float, mask: Tensor | None, expected: tuple[str, str]) -> None:
    assert code_and_field(lambda: Edit(ramp(), mask, noise)) == expected


def test_an_image_or_mask_of_another_size_is_refused(untrained: Untrained) -> None:
    small = torch.zeros(1, 5, 5, dtype=torch.uint8)
    for edit, field in (
        (Edit(small, None, 0.5), "image"),
        (Edit(ramp(), torch.ones(2, 2, dtype=torch.bool), 0.5), "mask"),
    ):
        request = SampleRequest(edit=edit)
        assert code_and_field(lambda request=request: resolve(request, untrained())) == ("mismatch", field)


def test_a_mask_of_another_size_than_its_image_is_refused(tmp_path: Path, digits: Dataset) -> None:
    for name, side in (("a.png", 16), ("b.png", 20)):
        Image.new("L", (side, side)).save(tmp_path / name)
    spec, image = DatasetSpec.of(digits), tmp_path / "a.png"
    assert code_and_field(lambda: Edit.read(spec, image, tmp_path / "b.png")) == ("mismatch", "mask")


@pytest.mark.parametrize(("text", "ends"), [("3..8", ("3", "8")), ("7", ("7", None)), ("0-9", ("0-9", None))])
def test_two_dots_separate_the_ends_of_an_interpolation(text: str, ends: tuple[str, str | None]) -> None:
    assert split_range(text) == ends
    assert split_range("a..b", ("a..b",)) == ("a..b", None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"label": "0-3..5"}, ("conflict", "label")),
        ({"label": "0-3", "seed_to": 5}, ("conflict", "label")),
        ({"label": "none..5"}, ("conflict", "label")),
        ({"label": (-1,), "label_to": 5}, ("conflict", "label")),
        ({"label": "1..5", "label_to": 5}, ("conflict", "label_to")),
        ({"label": "1..99"}, ("out-of-range", "label")),
    ],
)
def test_an_end_that_is_not_one_class_is_refused(
    untrained: Untrained, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert code_and_field(lambda: resolve(SampleRequest(n=3, **fields), untrained())) == expected


def test_the_metadata_of_an_interpolation_contain_both_ends(untrained: Untrained, tmp_path: Path) -> None:
    inkwash.sample(untrained(), 3, label="3..8", seed=(3, 5), steps=2).save(tmp_path / "between.png")
    found = png_metadata.read_metadata(tmp_path / "between.png")
    fields = ("seed", "seed_to", "label", "label_to")
    assert found is not None and [found["request"][name] for name in fields] == [3, 5, ["3"], ["8"]]
