"""The measures of single experiments, on samples with a known result."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor

from inkwash import data, model
from inkwash.config import recipe
from inkwash.data.spec import DatasetSpec
from inkwash.evaluation.sample_cache import CachedSamples
from inkwash.evaluation.scores import Score
from inkwash.evaluation.setting import Setting
from inkwash.lab import Finding, LoadedVariant, MeasureContext, Picture, Series
from inkwash.lab.experiments.early_refinement import path
from inkwash.lab.experiments.no_noise import most_frequent_class
from inkwash.lab.experiments.same_noise import similarity
from inkwash.lab.experiments.t_300_trap import brightness
from inkwash.lab.measures import LabProgress, Measure
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest


def context(*samples: Tensor, real_mean: float = 40.0) -> MeasureContext:
    """Return a context of variants with these samples, of the class "bright" where the first pixel is bright."""
    about = SimpleNamespace(classes=("dark", "bright"), proportions=(0.5, 0.5))
    stub = SimpleNamespace(
        variants=samples,
        count=12,
        progress=LabProgress(),
        reference=SimpleNamespace(extractor_set=SimpleNamespace(spec=about, real_scores={"mean": real_mean})),
        samples=lambda variant: CachedSamples(variant, None, 1.0),
        classify=lambda values: (values[:, 0, 0, 0] > 127).long(),
    )
    return cast(MeasureContext, stub)


def measured(measure: Measure, samples: Tensor, context: MeasureContext) -> list[Finding]:
    """Return what `measure` yields for the variant of a `context` that stands for its `samples`."""
    return list(measure(cast(LoadedVariant, samples), context))


def values(findings: Iterable[Finding]) -> dict[str, float | None]:
    return {each.key: each.value for each in findings if isinstance(each, Score)}


@pytest.fixture
def noise() -> Tensor:
    return torch.randint(0, 256, (12, 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_equal_images_have_distance_zero(noise: Tensor) -> None:
    found = values(measured(similarity, noise, context(noise, noise)))
    assert found["same_seed"] == found["unlike"] == 0
    assert found["same_class"] == 1
    assert found["other_seed"] is not None and found["other_seed"] > 0.1


def test_images_in_another_order_have_the_distance_of_other_seeds(noise: Tensor) -> None:
    # Rolled by one, the image of another seed is the image itself.
    rolled = noise.roll(1, 0)
    found = values(measured(similarity, rolled, context(noise, rolled)))
    assert found["other_seed"] == 0
    assert found["same_seed"] is not None and found["same_seed"] > 0.1
    assert found["unlike"] is None


def test_inverted_binary_images_have_distance_one() -> None:
    black = torch.zeros(12, 1, 4, 4, dtype=torch.uint8)
    black[::2] = 255
    found = values(measured(similarity, 255 - black, context(black)))
    assert (found["same_seed"], found["same_class"]) == (1, 0)


def test_most_frequent_class_is_measured_and_named(noise: Tensor) -> None:
    images = noise.clone()
    images[:, 0, 0, 0] = torch.tensor([200] * 9 + [0] * 3)
    found = measured(most_frequent_class, images, context(images))
    assert values(found)["commonest"] == 0.75
    assert "bright, 75%" in str(found[-1])


def test_brightness_is_the_mean_pixel_with_its_interval(noise: Tensor) -> None:
    flat = torch.full((12, 1, 4, 4), 60, dtype=torch.uint8)
    (score,) = measured(brightness, flat, context(flat))
    assert isinstance(score, Score) and (score.value, score.real, score.low, score.high) == (60, 40, 60, 60)
    (score,) = measured(brightness, noise, context(noise))
    assert isinstance(score, Score) and None not in (score.low, score.value, score.high)
    assert float(score.low or 0) < float(score.value or 0) < float(score.high or 0)


def test_path_begins_at_the_first_prediction_and_ends_at_the_image() -> None:
    chosen = recipe.load("simple-unet").with_changes(["network.base=4"])
    spec = DatasetSpec.of(data.load("digits"))
    net = model.build_net(chosen, spec).eval().requires_grad_(False)
    torch.nn.init.normal_(list(net.parameters())[-2], generator=torch.Generator().manual_seed(0))
    setting = Setting(Model("it", chosen, spec, net, 0, "w"), SampleRequest(sampler="ddim:6"))
    found = list(path(LoadedVariant("it", setting), context()))
    series = {each.key: each.values for each in found if isinstance(each, Series)}
    assert series["way"][0] == 0 and series["way"][-1] == pytest.approx(1)
    assert series["class"][-1] == 1
    assert series["u"] == pytest.approx([6 / 6, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6], abs=2e-3)
    scores = values(found)
    assert scores["half.way"] == series["way"][3] and scores["half.class"] == series["class"][3]
    later = [
        fraction for fraction, u in zip(series["class"], series["u"], strict=True) if u <= (scores["decided.u"] or 0)
    ]
    assert min(later) >= 0.9
    assert sum(isinstance(each, Picture) for each in found) == 1
