"""Extra measures: their estimated time, and likelihood without guidance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from inkwash.data import Dataset
from inkwash.evaluation.optional_metrics import OPTIONAL_METRICS, MetricInput
from inkwash.evaluation.setting import Setting
from inkwash.metrics import extractor_training
from inkwash.metrics.extractors import Classifier
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("test_part", [True, False])
@pytest.mark.parametrize("requested", [True, False])
@pytest.mark.parametrize("count", [199, 240, 400])
def test_estimated_seconds_match_the_steps_trained(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, labelled: bool, test_part: bool, requested: bool, count: int
) -> None:
    made = 0

    def trained(
        net: Classifier, data: Dataset, seed: int, progress: object, *, epochs: int, min_steps: int, max_shift: int
    ) -> Classifier:
        nonlocal made
        made += extractor_training.num_steps(len(data), epochs, min_steps)
        return net.eval()

    monkeypatch.setattr(extractor_training, "train_classifier", trained)
    monkeypatch.setattr(extractor_training, "seconds_per_step", lambda net, data: 0.5)
    data = digits if labelled else replace(digits, labels=None, test_labels=None, classes=())
    data = data if test_part else replace(data, test_values=None, test_labels=None)
    samples = digits.values[:count].flip(-1)
    labels = digits.labels[:count] if requested and digits.labels is not None else None
    promised = OPTIONAL_METRICS["thorough"].seconds(count, None, requested, data)
    scores = list(
        OPTIONAL_METRICS["thorough"].measure(MetricInput(samples, labels, None), data, lambda what, fraction: None)
    )
    assert promised == 0.5 * made
    # a measure without enough images has a note instead of a value
    assert [score.key for score in scores] == ["c2st", "tstr"] and (made > 0) == (count >= 200)
    assert all(score.note for score in scores if score.value is None)


class Halfway(nn.Module):
    """The mean of the conditional and unconditional output, at noise levels whose c_noise is `low` or more."""

    def __init__(self, net: nn.Module, low: float) -> None:
        super().__init__()
        self.net, self.low = net, low

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None) -> Tensor:
        text, half = self.net(x, code, label), torch.lerp(self.net(x, code, None), self.net(x, code, label), 0.5)
        return torch.where((code >= self.low).view(-1, 1, 1, 1), half, text)


@pytest.mark.slow
@pytest.mark.parametrize("low", [0.0, 0.5])
def test_bits_do_not_depend_on_guidance(digits: Dataset, untrained: Callable[..., Model], low: float) -> None:
    """Guidance in sampling or from training does not affect the bound."""
    interval = f"training.guidance_interval=[{low}, 1.0]"
    model = untrained("training.guidance=2.0", "training.label_dropout=0.1", interval)
    without = replace(model, recipe=replace(model.recipe, training=replace(model.recipe.training, guidance=1.0)))
    few = replace(
        digits, test_values=digits.values[:8], test_labels=None if digits.labels is None else digits.labels[:8]
    )

    def bits(setting: Setting) -> float | None:
        metric_input = MetricInput(digits.values[:4], None, setting)
        return next(OPTIONAL_METRICS["bits"].measure(metric_input, few, lambda what, fraction: None)).value

    plain = bits(Setting(without, SampleRequest()))
    assert bits(Setting(without, SampleRequest(guidance=3.0))) == plain
    # guidance of 2 in training is undone by the mean of the conditional and the unconditional output
    halfway = bits(Setting(replace(without, net=Halfway(model.net, low)), SampleRequest()))
    assert bits(Setting(model, SampleRequest())) == pytest.approx(halfway, rel=1e-8) != pytest.approx(plain, rel=1e-6)
