"""Controls on MNIST: every corruption is detected by some score, and real images by none.

They need MNIST itself, with its bundled feature extractors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from inkwash import data
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation import controls, reference
from inkwash.evaluation.controls import CONTROLS, UNCORRUPTED, detected
from inkwash.evaluation.defects import verdicts
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.scores import Evaluation
from inkwash.metrics import frechet
from inkwash.metrics.class_accuracy import low_confidence_rate
from inkwash.metrics.frechet import Moments

pytestmark = pytest.mark.slow

Measure = Callable[[str], Evaluation]

SUBTLE = "blended 1 %"
"""Ten blended in a thousand images are within chance: see the paired test."""
COUNTS = dict.fromkeys(UNCORRUPTED, 2000)


@pytest.fixture(scope="module")
def real(mnist_folder: Path) -> Reference:
    """MNIST and its bundled feature extractors."""
    assert "mnist" in reference.bundled()
    return Reference(reference.for_shape((1, 28, 28)).extractor_set, data.load(str(mnist_folder)))


@pytest.fixture(scope="module")
def measured(real: Reference) -> Measure:
    """Return a function from the name of a control to its scores; only those of copies include distances to train images."""

    @cache
    def found(name: str) -> Evaluation:
        with pytest.MonkeyPatch.context() as patch:
            if name != "train images (all copies)":
                patch.setitem(CONTROLS, name, replace(CONTROLS[name], check_copies=False))
            return controls.measure_control(name, real, COUNTS.get(name, 1000))

    return found


@pytest.mark.parametrize("name", UNCORRUPTED)
def test_real_images_are_not_detected(name: str, measured: Measure, real: Reference) -> None:
    found = measured(name)
    beyond = detected(found)
    # two thousand images hold each class a tenth more or less often than the rest, which FD sees as another set
    assert set(beyond) <= {"fd.a", "fd.b"}
    requested = found.samples.labels
    assert requested is not None
    fractions = (torch.bincount(requested, minlength=10) / len(requested)).tolist()
    for key in beyond:
        extractor, values = real.extractor_set.extractors[key.removeprefix("fd.")], found.samples.values
        alike = frechet.frechet_distance(
            Moments.of(extractor.extract(values).features), extractor.statistics.train.weighted(fractions)
        )
        limit = found[key].real
        assert limit is not None and alike < limit


@pytest.mark.parametrize("name", [name for name in CONTROLS if name not in (*UNCORRUPTED, SUBTLE)])
def test_every_corruption_is_detected(name: str, measured: Measure) -> None:
    assert detected(measured(name))


def test_one_percent_of_blended_images_raises_scores_of_the_same_images(real: Reference) -> None:
    assert real.data is not None and real.data.test_values is not None and real.data.test_labels is not None
    plain = real.data.test_values[:2000], real.data.test_labels[:2000]
    blended, _ = controls.blended(0.01)(plain)
    changed = (blended != plain[0]).flatten(1).any(1)
    assert 0.008 <= changed.double().mean() <= 0.01
    extractor = real.extractor_set.extractors["b"]
    after, before = (extractor.extract(values[changed]).probabilities for values in (blended, plain[0]))
    assert after is not None and before is not None
    assert low_confidence_rate(after) > 0.3 > 0.1 > low_confidence_rate(before)


CATCHES = {
    "blurred 3x3": {"fd.a", "fd.b", "fd.c", "spread.a", "two_sample", "zero"},
    "binarised": {"fd.c", "precision", "zero"},
    "one pixel shifted": {"fd.c", "two_sample"},
    "grey background": {"zero", "fd.a", "unsure.a"},
    "class 1 missing": {"fd.a", "fd.b", "entropy.a", "entropy.b", "recall"},
    "blended 5 %": {"unsure.a", "accuracy.a", "accuracy.b"},
    "labels shuffled": {"accuracy.a", "accuracy.b"},
    "one image per class": {"recall", "coverage", "two_sample", "fd.c"},
    "train images (all copies)": {"copies"},
}
"""Control -> scores that must detect it."""


@pytest.mark.parametrize("name", CATCHES)
def test_each_corruption_is_detected_by_its_measures(name: str, measured: Measure) -> None:
    assert CATCHES[name] <= set(detected(measured(name)))


def test_copies_have_a_lower_fd_than_real_images(measured: Measure) -> None:
    found = measured("train images (all copies)")
    assert found["fd.a"].value == pytest.approx(found["fd.a"].real, rel=0.3)
    assert found["copies"].value == 1 and found["nearest"].value == 0


MESSAGES = {
    "binarised": "Texture is off",
    "blurred 3x3": "The background is grey",
    "grey background": "The background is grey: 0%",
    "class 1 missing": "Class 1 is missing",
    "labels shuffled": "The condition is ignored: 10%",
    "train images (all copies)": "The samples are near-copies of training images",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_verdicts_name_the_corruption(name: str, measured: Measure) -> None:
    assert any(text.startswith(MESSAGES[name]) for text in verdicts(measured(name)))


def test_unclipped_noise_has_a_lower_fd_than_clipped_noise(measured: Measure, real: Reference) -> None:
    """Classifiers hardly respond to noise that is not clamped, which is why every image is clamped and rounded."""
    raw, clipped = controls.fd_of_unclipped_noise(real, 0.1, 1000), measured("noise 0.1")
    assert raw["a"] < 0.75 * (clipped["fd.a"].value or 0) and raw["b"] < 0.25 * (clipped["fd.b"].value or 0)


def test_halves_of_the_mnist_test_file_differ(real: Reference) -> None:
    found = controls.fd_between_test_halves(
        replace(real, extractor_set=replace(real.extractor_set, extractors={"b": real.extractor_set.extractors["b"]}))
    )
    assert found["b in order"] > 5 * found["b seeded"]


def test_controls_require_labelled_images(bench: Reference, digits: Dataset) -> None:
    for given in (None, replace(digits, test_values=None, test_labels=None), replace(digits, labels=None)):
        with pytest.raises(UsageError) as error:
            controls.measure_control("noise 0.1", Reference(bench.extractor_set, given), 100)
        assert (error.value.code, error.value.field) == ("missing-field", "data")
