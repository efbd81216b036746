"""Taking hold of a path: a picture to start from, a part of it to keep, and the way between two seeds or labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import inkwash
from inkwash.core import CLEAN, Cosine, EmpiricalDenoiser, Sampler
from inkwash.data import Dataset, encode
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError
from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.sampling.editing import Edit, Interpolation
from inkwash.sampling.run import SamplingSettings, frames, interpolation, labels_for, sample_batches, split_range

Untrained = Callable[..., Model]
SHAPE = (1, 8, 8)


def ramp() -> Tensor:
    return torch.arange(0, 256, 4, dtype=torch.uint8).reshape(SHAPE)


def left_half() -> Tensor:
    return (torch.arange(8) < 4).expand(8, 8)


def drawn(
    model: Model, count: int, settings: SamplingSettings, morph: Interpolation | None = None, batch: int = 64
) -> Tensor:
    seeds = torch.arange(count) if morph is None else torch.full((count,), 3)
    labels = labels_for(model, seeds)
    return torch.cat([part.values for part in sample_batches(model, seeds, labels, settings, batch, morph=morph)])


@pytest.mark.parametrize("sampler", ["ddim:6", "dpm++2m:6", "heun:4", "ddpm:8"])
def test_what_is_kept_of_a_picture_is_in_the_drawing_to_the_last_grey(untrained: Untrained, sampler: str) -> None:
    edit = Edit(ramp(), left_half(), 1.0)
    found = drawn(untrained(), 3, SamplingSettings(sampler, edit=edit))
    assert torch.equal(found[..., 4:], ramp()[..., 4:].expand(3, 1, 8, 4))
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("noise", [0.1, 0.5, 0.9])
def test_a_path_from_a_picture_starts_at_its_noise_and_holds_as_much_of_it(untrained: Untrained, noise: float) -> None:
    model = untrained("sampling.schedule='cosine'")
    edit = Edit(ramp(), None, noise)
    seeds = torch.arange(400)
    first, *_, last = frames(model, seeds, labels_for(model, seeds), SamplingSettings("ddim:5", edit=edit))
    assert float(first.level.alpha) == pytest.approx(float(Cosine()(noise).alpha))
    assert last.level is CLEAN
    away = first.x - first.level.alpha.float() * encode(ramp())
    assert float(away.std()) == pytest.approx(float(first.level.sigma), rel=0.02)
    assert float(away.mean()) == pytest.approx(0, abs=0.02)


def test_little_noise_returns_the_picture_and_much_lets_go_of_it(digits: Dataset) -> None:
    # with the exact denoiser of a set the law is known: from little noise back to the very example
    images = encode(digits.values).double()
    exact, start = EmpiricalDenoiser(images), images[17]
    noise = torch.randn(20, *images.shape[1:], generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def back(amount: float) -> Tensor:
        levels = Edit(digits.values[17], None, amount).levels(Cosine())
        *_, last = Sampler(levels, "ddim", 40)(exact, lambda sample_batches: noise, start)
        return ((last.x - start).abs().amax((1, 2, 3)) < 1e-3).double().mean()

    assert back(0.1) == 1
    assert back(0.95) < 0.5


def test_the_ends_of_a_way_are_the_pictures_of_its_two_seeds(untrained: Untrained) -> None:
    model = untrained()
    settings = SamplingSettings("ddim:4")
    seeds, labels, morph = interpolation(model, 5, (3, 8), (None, None))
    along = torch.cat([part.values for part in sample_batches(model, seeds, labels, settings, morph=morph)]).int()
    for place, seed in ((0, 3), (-1, 8)):
        alone = inkwash.sample(model, n=1, seed=seed, sampler="ddim:4").values[0].int()
        assert (along[place] - alone).abs().max() <= 1
    assert len(along.unique(dim=0)) == 5


def test_the_ends_of_a_way_are_the_pictures_of_its_two_labels(untrained: Untrained) -> None:
    model = untrained()
    along = inkwash.sample(model, n=4, label="2..9", seed=5, sampler="ddim:4").values.int()
    for place, label in ((0, 2), (-1, 9)):
        alone = inkwash.sample(model, n=1, label=label, seed=5, sampler="ddim:4").values[0].int()
        assert (along[place] - alone).abs().max() <= 1
    assert (along[0] - along[-1]).abs().max() > 1


@pytest.mark.parametrize("sampler", ["ddim:3", "ddpm:3"])
def test_a_picture_on_the_way_is_the_same_in_any_batch(untrained: Untrained, sampler: str) -> None:
    model = untrained()
    seeds, labels, morph = interpolation(model, 7, (3, 8), ("1", "4"))
    whole, parts = (
        torch.cat(
            [each.values for each in sample_batches(model, seeds, labels, SamplingSettings(sampler), size, morph=morph)]
        ).int()
        for size in (64, 3)
    )
    assert (whole - parts).abs().max() <= 1


def test_an_edit_survives_being_written() -> None:
    for edit in (Edit(ramp(), left_half(), 1.0), Edit(ramp().expand(3, 8, 8), None, 0.3)):
        again = Edit.from_dict(edit.to_dict())
        assert torch.equal(again.picture, edit.picture) and again.noise == edit.noise
        assert (again.paint is None) == (edit.paint is None)
        assert edit.paint is None or torch.equal(again.paint, edit.paint)


@pytest.mark.parametrize("text", ["", "no base64 !", "aGVsbG8="])
def test_a_damaged_picture_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no PNG"):
        Edit.from_dict({"picture": text, "mask": None, "noise": 0.5})


def test_a_picture_file_is_cut_scaled_and_made_grey(tmp_path: Path, digits: Dataset) -> None:
    spec = DatasetSpec.of(digits)
    side = 10 * spec.shape[1]
    wide = np.zeros((side, 2 * side, 3), np.uint8)
    # a little more than what is cut out: its neighbours count in what is scaled
    wide[:, side // 2 - 20 : side // 2 + side + 20] = [255, 0, 255]
    Image.fromarray(wide).save(tmp_path / "wide.png")
    mask = np.zeros((side, 2 * side), np.uint8)
    mask[: side // 2] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    edit = Edit.read(spec, tmp_path / "wide.png", tmp_path / "mask.png")
    assert edit.picture.shape == spec.shape and edit.picture.unique().tolist() == [170]
    assert edit.noise == 1 and edit.paint is not None
    half = spec.shape[1] // 2
    assert edit.paint[:half].all() and not edit.paint[half:].any()
    assert Edit.read(spec, tmp_path / "wide.png").noise == 0.6


@pytest.mark.parametrize(
    ("noise", "paint", "cause"),
    [
        (0.0, None, "above 0"),
        (1.5, None, "above 0"),
        (float("nan"), None, "above 0"),
        (1.0, None, "noise alone"),
        (1.0, torch.zeros(8, 8, dtype=torch.bool), "nothing to paint"),
    ],
)
def test_an_edit_that_would_do_nothing_is_refused(noise: float, paint: Tensor | None, cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        Edit(ramp(), paint, noise)


def test_a_picture_of_another_size_is_refused(untrained: Untrained) -> None:
    with pytest.raises(UsageError, match="the picture has 1×5×5"):
        SamplingSettings(edit=Edit(torch.zeros(1, 5, 5, dtype=torch.uint8), None, 0.5)).sampler_of(untrained())
    with pytest.raises(UsageError, match="the mask has 1×2×2"):
        SamplingSettings(edit=Edit(ramp(), torch.ones(2, 2, dtype=torch.bool), 0.5)).sampler_of(untrained())


def test_a_mask_of_another_size_than_its_picture_is_refused(tmp_path: Path, digits: Dataset) -> None:
    for name, side in (("a.png", 16), ("b.png", 20)):
        Image.new("L", (side, side)).save(tmp_path / name)
    with pytest.raises(UsageError, match=r"b\.png is 20×20 and .*a\.png is 16×16"):
        Edit.read(DatasetSpec.of(digits), tmp_path / "a.png", tmp_path / "b.png")
    with pytest.raises(InkwashError, match=r"c\.png is missing"):
        Edit.read(DatasetSpec.of(digits), tmp_path / "c.png")


@pytest.mark.parametrize(
    ("text", "said"), [("3..8", ("3", "8")), ("7", ("7", None)), ("0-9", ("0-9", None)), (None, (None, None))]
)
def test_two_dots_make_a_way(text: str | None, said: tuple[str | None, str | None]) -> None:
    assert split_range(text) == said
    assert split_range("a..b", ("a..b",)) == ("a..b", None)


@pytest.mark.parametrize(
    ("labels", "cause"), [(("0-3", "5"), "names 4 classes"), (("none", "5"), "no way"), (("1", "99"), "99")]
)
def test_an_end_that_is_none_is_refused(untrained: Untrained, labels: tuple[str, str], cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        interpolation(untrained(), 3, (0, None), labels)


def test_a_way_from_python_keeps_both_of_its_ends(untrained: Untrained, tmp_path: Path) -> None:
    inkwash.sample(untrained(), 3, label="3..8", seed=(3, 5), steps=2).save(tmp_path / "way.png")
    told = png_metadata.read_metadata(tmp_path / "way.png")
    assert told is not None and [told[name] for name in ("seed", "seed_to", "label_to")] == [3, 5, "8"]
    inkwash.sample(untrained(), 3, seed=3, steps=2).save(tmp_path / "one.png")
    alone = png_metadata.read_metadata(tmp_path / "one.png")
    assert alone is not None and "seed_to" not in alone
