"""Feature extractors are trained once and cached, and belong to one data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation import reference
from inkwash.io import cache
from inkwash.metrics import extractor_set, extractor_training
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.extractors import Classifier


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace training by nothing and return the list of seeds of the trainings requested."""
    seeds: list[int] = []

    def trained(net: Classifier, data: Dataset, seed: int, progress: object = None) -> Classifier:
        seeds.append(seed)
        return net.eval()

    monkeypatch.setattr(extractor_training, "train_classifier", trained)
    monkeypatch.setattr(extractor_training, "seconds_per_step", lambda net, data: 0.125)
    return seeds


@pytest.fixture
def small(digits: Dataset) -> Dataset:
    assert digits.labels is not None
    return replace(digits, name="small", values=digits.values[:600], labels=digits.labels[:600])


def equal(one: ExtractorSet, other: ExtractorSet) -> bool:
    pairs = zip(one.extractors.values(), other.extractors.values(), strict=True)
    values = torch.arange(3 * 64).reshape(3, 1, 8, 8).byte()
    alike = [torch.equal(a.extract(values).features, b.extract(values).features) for a, b in pairs]
    return one.spec == other.spec and one.real_scores == other.real_scores and all(alike)


def test_extractors_are_trained_once_and_then_read(small: Dataset, trainings: list[int]) -> None:
    reported: list[tuple[str, float]] = []
    first = reference.for_data(small, progress=lambda what, fraction: reported.append((what, fraction)))
    assert trainings == [1, 2] and reported
    again = reference.for_data(small)
    assert trainings == [1, 2] and equal(first.extractor_set, again.extractor_set) and again.data is small
    known = reference.for_spec(DatasetSpec.of(small))
    assert equal(known.extractor_set, first.extractor_set) and known.data is None
    assert {"zero", "mean", "nearest", "copies", "accuracy.a", "unsure.b", "two_sample.297"} <= set(
        first.extractor_set.real_scores
    )


def test_extractors_are_trained_again_for_a_changed_test_part(small: Dataset, trainings: list[int]) -> None:
    assert small.test_values is not None and small.test_labels is not None
    reference.for_data(small)
    assert (
        reference.for_data(replace(small, test_values=None, test_labels=None)).extractor_set.spec.sha256 == small.sha256
    )
    before = len(trainings)
    turned = replace(small, test_values=small.test_values.flip(0), test_labels=small.test_labels.flip(0))
    assert reference.for_data(turned).extractor_set.spec.test_sha256 == turned.test_sha256
    assert len(trainings) == 2 * before
    reference.for_data(turned)
    assert len(trainings) == 2 * before


def test_wrong_test_part_of_a_bundled_data_set_is_refused(
    small: Dataset, trainings: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small.test_values is not None
    found = reference.for_data(small).extractor_set
    monkeypatch.setattr(reference, "bundled", lambda: ["small"])
    monkeypatch.setattr(reference, "_bundled", lambda name: found)
    with pytest.raises(InkwashError) as error:
        reference.for_data(replace(small, test_values=small.test_values.flip(0)))
    assert (error.value.code, error.value.field) == ("mismatch", "data")


def test_extractors_are_trained_where_the_cache_is_not_writable(
    small: Dataset,
    trainings: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "file" / "cache"))
    for _ in range(2):
        assert reference.for_data(small).extractor_set.spec.sha256 == small.sha256
    (warning,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "file" / "cache") in warning and trainings == [1, 2, 1, 2]


def test_training_time_is_reported_before_training(small: Dataset, trainings: list[int]) -> None:
    reported: list[str] = []
    reference.for_data(small, progress=lambda what, fraction: reported.append(what))
    # two classifiers, 600 steps each of an eighth of a second
    assert "small" in reported[0] and "150 seconds" not in reported[0] and "2 minutes" in reported[0]
    reported.clear()
    reference.for_data(small, progress=lambda what, fraction: reported.append(what))
    assert reported == []


def test_other_data_have_other_extractors(small: Dataset, trainings: list[int]) -> None:
    one = reference.for_data(small)
    other = reference.for_data(replace(small, values=small.values.flip(-1)))
    assert trainings == [1, 2, 1, 2] and one.extractor_set.spec.sha256 != other.extractor_set.spec.sha256
    assert len(list((cache.folder() / "judges").iterdir())) == 2


def test_cached_extractors_of_other_data_are_refused(small: Dataset, trainings: list[int]) -> None:
    other = replace(small, values=small.values.flip(-1))
    for each in (small, other):
        reference.for_data(each)
    mine, theirs = (cache.folder() / "judges" / each.sha256[:16] for each in (small, other))
    for path in theirs.iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InkwashError) as error:
        reference.for_data(small)
    assert error.value.code == "mismatch" and str(mine) in str(error.value)


def test_damaged_extractors_are_refused_with_a_remedy(small: Dataset, trainings: list[int]) -> None:
    reference.for_data(small)
    place = cache.folder() / "judges" / small.sha256[:16]
    (place / "b.safetensors").write_bytes(b"")
    with pytest.raises(InkwashError, match=r"b\.safetensors") as error:
        reference.for_data(small)
    assert error.value.code == "damaged-file"
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    assert reference.for_data(small).extractor_set.spec.sha256 == small.sha256


def test_interrupted_build_starts_again(small: Dataset, trainings: list[int]) -> None:
    def stop(what: str, fraction: float) -> None:
        if "measuring real" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reference.for_data(small, progress=stop)
    reference.for_data(small)
    assert trainings == [1, 2, 1, 2]


def test_reference_of_a_model_is_its_training_data(small: Dataset, trainings: list[int], tmp_path: Path) -> None:
    assert small.labels is not None and small.test_values is not None and small.test_labels is not None
    arrays: dict[str, Any] = {
        "images": small.values[:, 0].numpy(),
        "labels": small.labels.numpy(),
        "test_images": small.test_values[:, 0].numpy(),
        "test_labels": small.test_labels.numpy(),
    }
    np.savez(tmp_path / "small.npz", **arrays)
    spec = DatasetSpec.of(small)
    with pytest.raises(UsageError) as error:
        reference.for_spec(spec)
    assert (error.value.code, error.value.field) == ("missing-field", "data") and not trainings
    found = reference.for_spec(spec, tmp_path / "small.npz")
    assert found.data is not None and found.extractor_set.spec.sha256 == spec.sha256
    for other in ("digits", "moons"):
        with pytest.raises(UsageError, match=f"{other}.*small") as error:
            reference.for_spec(spec, other)
        assert (error.value.code, error.value.field) == ("mismatch", "data")


def test_bundled_data_are_loaded_by_name(digits: Dataset, trainings: list[int]) -> None:
    found = reference.for_spec(DatasetSpec.of(digits))
    assert found.data is not None and found.data.sha256 == digits.sha256
    with pytest.raises(UsageError) as error:
        reference.for_spec(replace(DatasetSpec.of(digits), sha256="0" * 64))
    assert error.value.code == "missing-field"


def test_points_have_no_networks_and_are_not_cached(trainings: list[int]) -> None:
    for _ in range(2):
        found = reference.for_data("moons")
        assert list(found.extractor_set.extractors) == ["points"]
    assert not trainings and not (cache.folder() / "judges").exists()


def test_shape_without_bundled_extractors_is_refused() -> None:
    with pytest.raises(UsageError, match="3×9×9") as error:
        reference.for_shape((3, 9, 9))
    assert (error.value.code, error.value.field) == ("missing-field", "judge")


def test_bundled_extractors_need_neither_data_nor_internet() -> None:
    if "mnist" not in reference.bundled():
        pytest.skip("the judges of MNIST are not built yet: tools/judges.py")
    found = reference.for_shape((1, 28, 28))
    assert found.data is None and found.extractor_set.spec.data == "mnist"
    assert list(found.extractor_set.extractors) == ["a", "b", "c"]
    assert found.extractor_set.real_scores["zero"] == pytest.approx(0.807, abs=1e-3)
    assert min(found.extractor_set.real_scores[f"accuracy.{name}"] for name in "ab") > 0.99
    assert (
        len(found.extractor_set.train_features)
        == len(found.extractor_set.test_features)
        == extractor_set.MAX_STORED_FEATURES
    )
