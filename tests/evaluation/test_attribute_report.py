"""Requests for attributes of test images: what is requested, and reports of models that ignore or follow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inkwash.attributes import attribute_specs, measure
from inkwash.data import Dataset
from inkwash.distributed.process_group import ProcessGroup
from inkwash.evaluation import attribute_report
from inkwash.evaluation.attribute_requests import AttributeRequests
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.report import evaluation_page
from inkwash.evaluation.sample_cache import CachedSamples, SampleCache, sample_shard
from inkwash.evaluation.scores import EvaluatedSamples, Evaluation
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import ModelTask
from inkwash.metrics.extractors import Extraction
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest

NAMES = ("thickness", "slant", "width")
COUNT = 60


@pytest.fixture
def setting(untrained: Callable[..., Model], digits: Dataset) -> Setting:
    """Return a model that has the attributes `NAMES` by its spec."""
    model = untrained()
    specs = attribute_specs(NAMES, measure(digits.values, NAMES), digits.labels)
    return Setting(replace(model, spec=replace(model.spec, attributes=specs)), SampleRequest())


def requests_of(setting: Setting, digits: Dataset) -> AttributeRequests:
    found = AttributeRequests.of(setting, digits, COUNT)
    assert found is not None
    return found


def answer(monkeypatch: pytest.MonkeyPatch, images: Callable[[SampleRequest, int], Tensor]) -> None:
    """Replace sampling by `images`, which returns those of a request."""

    def samples(self: SampleCache, count: int, progress: Any = None) -> CachedSamples:
        return CachedSamples(images(self.setting.request, count), None, 1.0)

    monkeypatch.setattr(SampleCache, "samples", samples)


def test_requests_are_the_attributes_of_test_images(setting: Setting, digits: Dataset) -> None:
    requests = requests_of(setting, digits)
    request = requests.together().cache.setting.request
    assert request.attributes is not None and list(request.attributes) == list(NAMES)
    assert torch.tensor([request.attributes[name] for name in NAMES]).T.equal(measure(requests.images, NAMES))
    alone = requests.alone(1).cache.setting.request.attributes
    assert alone == {"slant": tuple(requests.values[: requests.alone_count, 1].tolist())}


def test_sweeps_set_one_attribute_to_quantiles_and_hold_or_leave_the_others(setting: Setting, digits: Dataset) -> None:
    requests = requests_of(setting, digits)
    free, held = (requests.sweep(0, 1, names).cache.setting.request.attributes for names in ((), NAMES))
    assert free is not None and held is not None and requests.labels is not None and list(free) == ["thickness"]
    labels = requests.labels[: requests.sweep_count].tolist()
    # The ninth of the stored fractions is 0.9.
    wanted = [setting.model.spec.attributes[0].class_quantiles[label][8] for label in labels]
    assert free["thickness"] == pytest.approx(wanted)
    assert list(held) == list(NAMES) and held["thickness"] == free["thickness"]
    assert held["width"] == tuple(requests.values[: requests.sweep_count, 2].tolist())


def test_a_model_without_attributes_has_no_requests(untrained: Callable[..., Model], digits: Dataset) -> None:
    assert AttributeRequests.of(Setting(untrained(), SampleRequest()), digits, COUNT) is None


def test_the_same_images_have_r2_one(setting: Setting, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_of(setting, digits)
    answer(monkeypatch, lambda request, count: requests.images[:count])
    found = attribute_report.report(requests)
    for row in found.rows:
        assert (row.together.r2, row.together.mae, row.alone.r2) == (1.0, 0.0, 1.0)
    # Nothing changes in a sweep that the model ignores.
    assert found.unspecified == found.held == ((0.0,) * 3,) * 3
    assert found.to_dict()["independence"]["held"] == [[0.0] * 3] * 3


def test_constant_images_have_an_r2_of_at_most_zero(
    setting: Setting, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_of(setting, digits)
    answer(monkeypatch, lambda request, count: requests.images[:1].expand(count, -1, -1, -1))
    assert all(row.together.r2 is not None and row.together.r2 <= 0 for row in attribute_report.report(requests).rows)


def test_samples_of_other_requests_are_cached_apart(setting: Setting, digits: Dataset) -> None:
    requests = requests_of(setting, digits)
    assert len({each.cache.folder for each in requests.all()} | {SampleCache(setting).folder}) == 1 + 1 + 5 * len(NAMES)


def test_processes_share_the_samples_of_all_requests(
    setting: Setting, digits: Dataset, bench: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampled: list[int] = []
    ranks = 3
    expected = {(each.cache.folder, each.count) for each in requests_of(setting, digits).all()}
    expected.add((SampleCache(setting).folder, COUNT))
    found = ModelTask(setting, COUNT).caches(bench)
    assert {(cache.folder, count) for cache, count in found} == expected
    monkeypatch.setattr(SampleCache, "parts", lambda self, count: [lambda: sampled.append(count)])
    monkeypatch.setattr(ProcessGroup, "barrier", lambda self: None)
    shares = []
    for rank in range(ranks):
        sampled.clear()
        reported: list[float] = []
        sample_shard(found, ProcessGroup(rank, ranks), reported.append)
        assert reported[-1] == sum(count for _, count in found)
        shares.append(list(sampled))
    assert sorted(each for share in shares for each in share) == sorted(count for _, count in found)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_report_has_tables_of_agreement_and_independence(
    setting: Setting, digits: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requests = requests_of(setting, digits)
    answer(monkeypatch, lambda request, count: requests.images[:count])
    samples = EvaluatedSamples(
        requests.images, None, Extraction(torch.zeros(COUNT, 4), None), digits.classes, tuple(digits.proportions)
    )
    found = Evaluation("tiny", COUNT, "digits", (), samples, (), attribute_report.report(requests))
    page = evaluation_page.write(found, (), tmp_path / "report", {}).read_text(encoding="utf-8")
    assert page.count("<caption>") == 4 and page.count("+0.00") == 2 * len(NAMES) ** 2
    assert found.to_dict()["attributes"]["attributes"]["slant"]["together"]["r2"] == 1
