"""The measures of single experiments, on samples with a known result."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from inkwash import data, model
from inkwash.config import recipe
from inkwash.data.spec import DatasetSpec
from inkwash.evaluation.sample_cache import CachedSamples, Setting
from inkwash.evaluation.score import Score
from inkwash.lab import LoadedVariant, Picture, Series
from inkwash.lab.experiments.early_refinement import path
from inkwash.lab.experiments.no_noise import most_frequent_class
from inkwash.lab.experiments.same_noise import similarity
from inkwash.lab.experiments.t_300_trap import brightness
from inkwash.lab.measures import LabProgress
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest


def lab(variants, real_mean=40.0):
    """A lab whose variants are their own samples, of the class "bright" where the first pixel is bright."""
    about = SimpleNamespace(classes=("dark", "bright"), proportions=(0.5, 0.5))
    return SimpleNamespace(
        variants=tuple(variants),
        count=12,
        progress=LabProgress(),
        bench=SimpleNamespace(extractor_set=SimpleNamespace(spec=about, real_scores={"mean": real_mean})),
        samples=lambda variant: CachedSamples(variant, None, 1.0),
        classify=lambda values: (values[:, 0, 0, 0] > 127).long(),
    )


def scores(findings):
    return {each.key: each.value for each in findings if isinstance(each, Score)}


@pytest.fixture
def noise():
    return torch.randint(0, 256, (12, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_equal_images_have_distance_zero(noise) -> None:
    found = scores(similarity(noise, lab([noise, noise])))
    assert found["same_seed"] == found["unlike"] == 0
    assert found["same_class"] == 1
    assert found["other_seed"] > 0.1


def test_images_in_another_order_have_the_distance_of_other_seeds(noise) -> None:
    # rolled by one, the image compared as of another seed is the image itself
    found = scores(similarity(noise.roll(1, 0), lab([noise, noise.roll(1, 0)])))
    assert found["other_seed"] == 0
    assert found["same_seed"] > 0.1
    assert found["unlike"] is None


def test_inverted_binary_images_have_distance_one() -> None:
    black = torch.zeros(12, 1, 4, 4, dtype=torch.uint8)
    black[::2] = 255
    found = scores(similarity(255 - black, lab([black])))
    assert found["same_seed"] == 1
    assert found["same_class"] == 0


def test_most_frequent_class_is_measured_and_named(noise) -> None:
    values = noise.clone()
    values[:, 0, 0, 0] = torch.tensor([200] * 9 + [0] * 3)
    found = list(most_frequent_class(values, lab([values])))
    assert scores(found)["commonest"] == 0.75
    assert "bright, 75%" in found[-1]


def test_brightness_is_the_mean_pixel_with_its_interval(noise) -> None:
    values = torch.full((12, 1, 4, 4), 60, dtype=torch.uint8)
    (flat,) = brightness(values, lab([values], real_mean=40.0))
    assert (flat.value, flat.real, flat.low, flat.high) == (60, 40, 60, 60)
    (mixed,) = brightness(noise, lab([noise]))
    assert mixed.low < mixed.value < mixed.high


def test_path_begins_at_the_first_prediction_and_ends_at_the_image() -> None:
    chosen = recipe.load("simple-unet").with_changes(["network.base=4"])
    spec = DatasetSpec.of(data.load("digits"))
    net = model.build_net(chosen, spec).eval().requires_grad_(False)
    torch.nn.init.normal_(list(net.parameters())[-2], generator=torch.Generator().manual_seed(0))
    setting = Setting(Model("it", chosen, spec, net, 0, "w"), SampleRequest(sampler="ddim:6"))
    found = list(path(LoadedVariant("it", setting), lab([])))
    series = {each.key: each.values for each in found if isinstance(each, Series)}
    assert series["way"][0] == 0 and series["way"][-1] == pytest.approx(1)
    assert series["class"][-1] == 1
    assert series["u"] == pytest.approx([6 / 6, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6], abs=2e-3)
    values = scores(found)
    assert values["half.way"] == series["way"][3] and values["half.class"] == series["class"][3]
    later = [share for share, u in zip(series["class"], series["u"], strict=True) if u <= values["decided.u"]]
    assert min(later) >= 0.9
    assert sum(isinstance(each, Picture) for each in found) == 1
