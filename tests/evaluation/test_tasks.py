"""Files of samples: anything but uint8 pixels or points is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.data import Dataset
from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation import reference
from inkwash.evaluation.plan import EvaluationRequest
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_files import SampleFile, is_samples, require_not_inverted
from inkwash.evaluation.tasks import FileTask
from inkwash.model import Model

GREY = np.arange(5 * 8 * 8, dtype=np.uint8).reshape(5, 8, 8)


def read(path: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    found = SampleFile.read(str(path))
    return found.values, found.labels


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


REFUSED: dict[str, dict[str, Any]] = {
    "floats": {"images": GREY / 255.0},
    "scaled to [0, 1] before": {"images": (GREY > 100).astype(np.uint8)},
    "black": {"images": np.zeros_like(GREY)},
    "some labels missing": {"images": GREY, "labels": np.array([0, 1, -1, 3, 4])},
}
"""Other arrays that are refused are in tests/data/test_data_arrays.py."""


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_other_than_pixels_are_refused(case: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.npz", **REFUSED[case])
    with pytest.raises(InkwashError, match=str(path)) as error:
        read(path)
    assert error.value.code == "invalid-data"


def test_files_are_recognized_by_suffix() -> None:
    found = {name: is_samples(name) for name in ("a.npz", "A.NPY", "runs/a", "a.png")}
    assert found == {"a.npz": True, "A.NPY": True, "runs/a": False, "a.png": False}


def test_images_are_read_with_labels(tmp_path: Path) -> None:
    values, labels = read(saved(tmp_path / "a.npz", images=GREY, labels=np.array([3, 1, 4, 1, 5], np.uint8)))
    assert values.dtype == torch.uint8 and np.array_equal(values[:, 0].numpy(), GREY)
    assert labels is not None and labels.tolist() == [3, 1, 4, 1, 5]
    np.save(tmp_path / "b.npy", GREY[..., None])
    values, labels = read(tmp_path / "b.npy")
    assert values.shape == (5, 1, 8, 8) and labels is None


def test_labels_of_minus_one_are_read_as_none(tmp_path: Path) -> None:
    assert read(saved(tmp_path / "a.npz", images=GREY, labels=np.full(5, -1)))[1] is None


def test_points_are_read_as_points(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    values, labels = read(saved(tmp_path / "a.npz", points=points, labels=np.full(6, -1)))
    assert np.array_equal(values.numpy(), points) and labels is None


def test_inverted_images_are_refused_and_darker_ones_are_not(bench: Reference, digits: Dataset) -> None:
    images = digits.values[:200]
    with pytest.raises(UsageError, match=r"17\d.*7\d") as error:
        require_not_inverted("mine", 255 - images, bench.extractor_set)
    assert error.value.code == "invalid-data"
    for other in (images, images // 2, (images.float() * 1.5).clamp(max=255).byte(), images.clamp(min=40)):
        require_not_inverted("mine", other, bench.extractor_set)


# ---- as part of a request


PlanRequest = Callable[..., Any]


@pytest.fixture
def plan_request(bench: Reference, monkeypatch: pytest.MonkeyPatch) -> PlanRequest:
    """Return a function that plans a request with the reference `bench`."""
    monkeypatch.setattr("inkwash.evaluation.reference.for_data", lambda *_, **__: bench)
    return lambda *things, **more: EvaluationRequest(
        tuple(map(str, things)), **({"reference_data": "digits"} | more)
    ).plan()


def test_invalid_files_are_refused_before_measuring(plan_request: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    images = digits.values[:20, 0].numpy()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"images": images, "labels": np.arange(20) % 12}, "invalid-data"),
        ({"images": images.repeat(2, 1).repeat(2, 2)}, "mismatch"),
        ({"images": np.stack([images, images // 2, images], -1)}, "mismatch"),
        ({"points": np.zeros((9, 2), np.float32)}, "mismatch"),
        ({"images": 255 - images}, "invalid-data"),
    ]
    for arrays, code in cases:
        path = saved(tmp_path / "mine.npz", **arrays)
        with pytest.raises(UsageError, match=str(path)) as error:
            plan_request(path)
        assert error.value.code == code


def test_subset_of_a_sorted_file_holds_all_classes(plan_request: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    assert digits.labels is not None
    order = digits.labels.argsort(stable=True)
    path = saved(tmp_path / "sorted.npz", images=digits.values[order, 0].numpy(), labels=digits.labels[order].numpy())
    (subset,) = plan_request(path, count=100).tasks
    assert isinstance(subset, FileTask) and subset.count == 100 and subset.labels is not None
    assert torch.bincount(subset.labels, minlength=10).min() >= 3
    pairs = {(v.numpy().tobytes(), int(k)) for v, k in zip(digits.values, digits.labels, strict=True)}
    assert all((v.numpy().tobytes(), int(k)) in pairs for v, k in zip(subset.values, subset.labels, strict=True))
    (full_set,) = plan_request(path).tasks
    assert isinstance(full_set, FileTask) and torch.equal(full_set.values, digits.values[order])
    (more,) = plan_request(path, count=5000).tasks
    assert more.count == 1500


def test_extractors_of_fewer_classes_are_refused_before_sampling(
    untrained: Callable[..., Model], bench: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(bench.extractor_set, spec=replace(bench.extractor_set.spec, classes=("0", "1")))
    monkeypatch.setattr(reference, "for_data", lambda *_: Reference(few, None))
    with pytest.raises(UsageError, match="tiny") as error:
        EvaluationRequest((untrained(),), 300, reference_data="few").plan()
    assert (error.value.code, error.value.field) == ("invalid-data", "labels")
