"""How long the measures that train networks will take is said before, by as many updates as they then make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inkwash.data import Dataset
from inkwash.evaluation.extras import EXTRAS, Subject
from inkwash.metrics import fitting
from inkwash.metrics.judges import Classifier


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("test_part", [True, False])
@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("count", [199, 240, 400])
def test_thorough_trains_as_many_networks_as_it_announces(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, labelled: bool, test_part: bool, asked: bool, count: int
) -> None:
    made = 0

    def learnt(
        net: Classifier, data: Dataset, seed: int, progress: object, *, epochs: int, steps: int, shift: int
    ) -> Classifier:
        nonlocal made
        made += fitting.updates(len(data), epochs, steps)
        return net.eval()

    monkeypatch.setattr(fitting, "learnt", learnt)
    monkeypatch.setattr(fitting, "pace", lambda net, data: 0.5)
    data = digits if labelled else replace(digits, labels=None, test_labels=None, classes=())
    data = data if test_part else replace(data, test_values=None, test_labels=None)
    samples = digits.values[:count].flip(-1)
    labels = digits.labels[:count] if asked and digits.labels is not None else None
    promised = EXTRAS["thorough"].seconds(count, None, asked, data)
    scores = list(EXTRAS["thorough"].measure(Subject(samples, labels, None), data, lambda what, share: None))
    assert promised == 0.5 * made
    # what is too little to be measured says so instead of failing
    assert [score.key for score in scores] == ["told_apart", "taught"] and (made > 0) == (count >= 200)
    assert all(score.note for score in scores if score.value is None)
