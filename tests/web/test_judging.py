"""What the classifier of a data set recognizes: real images count as on record, and nothing is trained for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import inkwash
from inkwash import data
from inkwash.evaluation import reference
from inkwash.io import cache
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.web import judging
from inkwash.web.events import events
from inkwash.web.judging import recognized
from inkwash.web.lru_cache import LRUCache
from inkwash.web.schemas import SampleBody

FAST = inkwash.load("fast", device="cpu")


def done(model: inkwash.Model, **fields: Any) -> dict[str, Any]:
    """Return the last event of a request."""
    *_, (name, values) = events(model, SampleBody(model=model.name, seeds=[0, 1, 2], steps=2, **fields))
    assert name == "done"
    return values


def test_real_test_images_are_recognized_as_on_record(mnist_folder: Path) -> None:
    real = data.load(str(mnist_folder))
    assert real.test_values is not None and real.test_labels is not None
    found = recognized(FAST, real.test_values, real.test_labels)
    assert found is not None and found["labelled"] == found["count"] == 10_000
    assert found["right"] == round(10_000 * found["real"]["accuracy"])
    assert found["confident"] == round(10_000 * found["real"]["confident"])
    shifted = recognized(FAST, real.test_values, (real.test_labels + 1) % 10)
    assert shifted is not None and shifted["right"] < 100 and shifted["confident"] == found["confident"]


def test_only_labelled_samples_are_counted_as_recognized() -> None:
    samples = inkwash.sample(FAST, n=6, label=[1, 8], progress=False)
    labels = torch.tensor([1, -1, 1, -1, 1, -1])
    found = recognized(FAST, samples.values, labels)
    assert found is not None and (found["right"], found["labelled"], found["count"]) == (3, 3, 6)
    nothing = recognized(FAST, samples.values, torch.full((6,), -1))
    assert nothing is not None and (nothing["right"], nothing["labelled"]) == (0, 0)


def test_counts_are_sent_where_they_are_requested_and_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(judging, "_stored", LRUCache(2))
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    for name in ("digits", "moons"):
        assert "recognized" not in done(inkwash.load(name, device="cpu"), judge=True)
    assert not list(tmp_path.iterdir())
    assert "recognized" not in done(FAST)
    assert done(FAST, judge=True)["recognized"]["count"] == 3


def test_classifier_that_is_built_later_is_found_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    extractors, reads = reference.stored(FAST.spec.sha256), []
    known = iter((None, extractors))

    def stored(sha256: str) -> ExtractorSet | None:
        reads.append(sha256)
        return next(known)

    monkeypatch.setattr(judging, "_stored", LRUCache(2))
    monkeypatch.setattr(reference, "stored", stored)
    values, labels = torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.tensor([3, -1])
    found = [recognized(FAST, values, labels) for _ in range(3)]
    assert found[0] is None and found[1] is not None and found[1] == found[2]
    assert reads == [FAST.spec.sha256] * 2
