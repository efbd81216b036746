"""Extractor sets are built deterministically, read back unchanged, and refused when damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from inkwash import data
from inkwash.data import Dataset
from inkwash.errors import InkwashError, UsageError
from inkwash.io.integrity import verified, with_checksum
from inkwash.metrics import extractor_files, extractor_set, extractor_training
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.extractors import WIDTH
from inkwash.metrics.frechet import Moments, frechet_distance
from inkwash.metrics.reference_statistics import FDBySize, PartMoments

Rows = Callable[..., Tensor]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Return 600 of the bundled digits and their test part."""
    full_set = data.load("digits")
    assert full_set.labels is not None
    return replace(full_set, values=full_set.values[:600], labels=full_set.labels[:600])


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """Train for ten steps only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            extractor_training, "train_classifier", partial(extractor_training.train_classifier, epochs=2, min_steps=10)
        )
        yield


@pytest.fixture(scope="module")
def built(digits: Dataset) -> ExtractorSet:
    return extractor_set.build(digits)


@pytest.fixture(scope="module")
def stored(built: ExtractorSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of `built`, which tests copy before they damage it."""
    folder = tmp_path_factory.mktemp("judges") / "digits"
    extractor_files.write(replace(built, real_scores={"zero": 0.5}), folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_build_is_deterministic(digits: Dataset, stored: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    extractor_files.write(replace(extractor_set.build(digits), real_scores={"zero": 0.5}), tmp_path)
    assert contents(tmp_path) == contents(stored)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_extractors_are_read_as_written(built: ExtractorSet, stored: Path, digits: Dataset) -> None:
    found = extractor_files.read(stored)
    assert found.spec == built.spec and found.real_scores == {"zero": 0.5}
    assert torch.equal(found.train_features, built.train_features) and torch.equal(
        found.test_features, built.test_features
    )
    assert list(found.extractors) == list(built.extractors) == ["a", "b", "c"]
    other = Moments.of(built.extractors["a"].extract(digits.values[:90]).features)
    for name, extractor in built.extractors.items():
        again = found.extractors[name]
        for before, after in zip(extractor.extract(digits.values[:20]), again.extract(digits.values[:20]), strict=True):
            assert before is after is None or (before is not None and after is not None and torch.equal(before, after))
        for scale in ("fd_train_to_train", "fd_test_to_train", "fd_train_to_test"):
            assert getattr(again.statistics, scale) == getattr(extractor.statistics, scale)
        for one, two in (
            (extractor.statistics.train, again.statistics.train),
            (extractor.statistics.test, again.statistics.test),
        ):
            assert frechet_distance(one.overall, other) == frechet_distance(two.overall, other)
            assert [m.count for m in one.per_class] == [m.count for m in two.per_class]
            for own, read in zip(one.per_class, two.per_class, strict=True):
                # stored in single precision
                torch.testing.assert_close(read.mean.float(), own.mean.float(), rtol=0, atol=0)
                torch.testing.assert_close(read.covariance.float(), own.covariance.float(), rtol=0, atol=0)


def test_mean_feature_variance_is_one(built: ExtractorSet, digits: Dataset) -> None:
    for extractor in built.extractors.values():
        features = extractor.extract(digits.values).features
        assert features.shape == (600, WIDTH)
        assert float(features.double().var(0).mean()) == pytest.approx(1, rel=1e-3)


def test_features_do_not_depend_on_the_batch(built: ExtractorSet, digits: Dataset) -> None:
    for extractor in built.extractors.values():
        many, few = extractor.extract(digits.values), extractor.extract(digits.values[500:530])
        torch.testing.assert_close(few.features, many.features[500:530], atol=1e-4, rtol=1e-4)
        if many.probabilities is not None:
            torch.testing.assert_close(few.probabilities, many.probabilities[500:530], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(many.probabilities.sum(1), torch.ones(600))


def test_unlabelled_images_have_extractor_c_only(digits: Dataset, tmp_path: Path) -> None:
    extractor_files.write(extractor_set.build(replace(digits, labels=None, test_labels=None, classes=())), tmp_path)
    found = extractor_files.read(tmp_path)
    assert list(found.extractors) == ["c"]
    assert found.extractors["c"].extract(digits.values[:3]).probabilities is None
    assert not found.extractors["c"].statistics.train.per_class


def test_one_class_has_extractor_c_only(digits: Dataset) -> None:
    only = replace(digits, labels=torch.zeros(600).long(), test_labels=None, classes=("0",))
    assert list(extractor_set.build(only).extractors) == ["c"]


def test_a_tenth_is_held_out_without_a_test_part(digits: Dataset) -> None:
    full_set = replace(digits, values=digits.values.clone(), test_values=None, test_labels=None)
    # every image is identified by its first pixels
    full_set.values[:, 0, 0, 0], full_set.values[:, 0, 0, 1] = torch.arange(600) // 256, torch.arange(600) % 256
    assert full_set.labels is not None
    train, test = extractor_set.train_test_parts(full_set)
    assert (len(train), len(test)) == (540, 60)
    numbers = []
    for part in (train, test):
        corner = part.values[:, 0, 0].long()
        numbers.append(256 * corner[:, 0] + corner[:, 1])
        assert part.labels is not None and torch.equal(part.labels, full_set.labels[numbers[-1]])
    assert sorted(torch.cat(numbers).tolist()) == list(range(600))
    built = extractor_set.build(full_set)
    assert built.extractors["c"].statistics.train.overall.count == 540 and len(built.test_features) == 60


def test_points_have_no_network() -> None:
    points = data.load("moons")
    found = extractor_set.build(points).extractors
    assert list(found) == ["points"] and found["points"].net is None
    features = found["points"].extract(points.values).features
    assert float(features.double().var(0).mean()) == pytest.approx(1, rel=1e-6)
    torch.testing.assert_close(features, points.values * float(features[0, 0] / points.values[0, 0]))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: replace(d, values=d.values[:499], labels=d.labels[:499]),
        lambda d: replace(d, values=d.values[..., :4, :4], test_values=d.test_values[..., :4, :4]),
        lambda d: replace(d, test_values=d.test_values[:5], test_labels=d.test_labels[:5]),
    ],
    ids=["train examples", "pixels", "test examples"],
)
def test_too_small_data_are_refused(digits: Dataset, change: Callable[[Dataset], Dataset]) -> None:
    with pytest.raises(UsageError) as error:
        extractor_set.build(change(digits))
    assert (error.value.code, error.value.field) == ("invalid-data", "data")


def test_select_keeps_the_named_extractors(built: ExtractorSet) -> None:
    some = built.select(["a", "c"])
    assert list(some.extractors) == ["a", "c"] and some.primary == "a"
    for names, code in ((["a", "x"], "unknown-name"), (["c", "a"], "invalid-value"), ([], "unknown-name")):
        with pytest.raises(UsageError) as error:
            built.select(names)
        assert (error.value.code, error.value.field) == (code, "judges")


def test_examples_of_another_shape_are_refused(built: ExtractorSet) -> None:
    with pytest.raises(UsageError, match=r"1×28×28.*1×8×8") as error:
        built.require_shape((1, 28, 28), "mine")
    assert error.value.code == "mismatch"


# ---- files that are not what was written


def assert_refused(folder: Path, name: str = "", code: str = "damaged-file") -> None:
    """Assert that reading `folder` fails with this code and a message on the file `name` in it."""
    with pytest.raises(InkwashError) as error:
        extractor_files.read(folder)
    message = str(error.value)
    assert error.value.code == code and str(folder) in message and name in message and "\n" not in message


@pytest.fixture
def damaged(stored: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder that the test may damage."""
    for name, content in contents(stored).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", ["a.safetensors", "c.safetensors", "rows.safetensors"])
@pytest.mark.parametrize("place", [3, 100, -1])
def test_a_flipped_byte_is_detected(damaged: Path, name: str, place: int) -> None:
    content = bytearray((damaged / name).read_bytes())
    content[place] ^= 1
    (damaged / name).write_bytes(content)
    assert_refused(damaged, name)


@pytest.mark.parametrize("length", [0, 5, 4000])
def test_a_truncated_file_is_detected(damaged: Path, length: int) -> None:
    (damaged / "b.safetensors").write_bytes((damaged / "b.safetensors").read_bytes()[:length])
    assert_refused(damaged, "b.safetensors")


@pytest.mark.parametrize("name", ["panel.json", "a.safetensors", "rows.safetensors"])
def test_a_missing_file_is_named(damaged: Path, name: str) -> None:
    (damaged / name).unlink()
    assert_refused(damaged, name)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["judges"]["a"].update(sha256="0" * 64),
        lambda d: d.pop("about"),
        lambda d: d["judges"]["a"].pop("scale"),
        lambda d: d["about"].update(colour="blue"),
        lambda d: d["about"].update(classes=["0", "1"]),
        lambda d: d.update(judges=["a"]),
        lambda d: d["judges"]["a"]["floor"].update(sizes=3),
        lambda d: d.update(format=2),
    ],
)
def test_an_inconsistent_index_is_refused(damaged: Path, change: Change) -> None:
    index = verified(json.loads((damaged / "panel.json").read_text()))
    change(index)
    (damaged / "panel.json").write_text(json.dumps(with_checksum(index)))
    assert_refused(damaged, code="damaged-file" if index["format"] == 1 else "wrong-file")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00\xff"])
def test_an_unreadable_index_is_refused(damaged: Path, text: str) -> None:
    (damaged / "panel.json").write_bytes(text.encode("latin-1"))
    assert_refused(damaged)


def test_an_incomplete_folder_has_no_index(
    built: ExtractorSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise InkwashError("the disk is full", code="io")

    monkeypatch.setattr(extractor_files, "write_text", full)
    with pytest.raises(InkwashError):
        extractor_files.write(built, tmp_path)
    assert not (tmp_path / "panel.json").exists() and not list(tmp_path.glob(".*"))


# ---- references


@given(times=st.lists(st.integers(1, 5), min_size=3, max_size=3), seed=st.integers(0, 50))
def test_weighted_moments_equal_those_of_the_mixture(times: list[int], seed: int) -> None:
    """Moments of a mixture, on populations: covariances over N."""
    generator = torch.Generator().manual_seed(seed)
    groups = [
        torch.randn(n, 4, generator=generator, dtype=torch.float64) + 3 * torch.randn(4, generator=generator)
        for n in (3, 8, 5)
    ]
    part = PartMoments(Moments.of(torch.cat(groups)), tuple(population(group) for group in groups))
    composed = torch.cat([group.repeat(k, 1) for group, k in zip(groups, times, strict=True)])
    found = part.weighted([len(group) * k / len(composed) for group, k in zip(groups, times, strict=True)])
    torch.testing.assert_close(found.mean, population(composed).mean)
    torch.testing.assert_close(found.covariance, population(composed).covariance)
    assert found.count == 16


def population(rows: Tensor) -> Moments:
    return Moments(rows.mean(0), torch.cov(rows.T, correction=0), len(rows))


def test_own_proportions_give_the_overall_moments(rows: Rows) -> None:
    features, labels = rows(3000, 4), torch.arange(3000) % 7 % 3
    part = PartMoments.of(features + 2 * labels[:, None], labels, 3)
    own = part.weighted((torch.bincount(labels) / 3000.0).tolist())
    torch.testing.assert_close(own.mean, part.overall.mean)
    torch.testing.assert_close(own.covariance, part.overall.covariance, rtol=2e-3, atol=2e-3)
    assert frechet_distance(own, part.overall) < 1e-5


def test_class_moments_need_two_examples_of_every_class(rows: Rows) -> None:
    assert PartMoments.of(rows(10, 3), torch.tensor([0] * 9 + [1]), 2).per_class == ()
    assert PartMoments.of(rows(10, 3), torch.tensor([0] * 10), 2).per_class == ()
    assert len(PartMoments.of(rows(10, 3), torch.tensor([0] * 8 + [1] * 2), 2).per_class) == 2


@given(
    a=st.floats(0, 10), b=st.floats(0, 1000), sizes=st.sets(st.integers(2, 10_000), min_size=2), n=st.integers(1, 10**6)
)
def test_fd_by_size_is_exact_for_lines_in_one_over_n(a: float, b: float, sizes: set[int], n: int) -> None:
    measured = tuple(sorted(sizes))
    scale = FDBySize(measured, tuple(a + b / size for size in measured))
    tolerance = 1e-9 * (a + b) * max(measured) * max(1, measured[0] / n)
    assert scale.at(n) == pytest.approx(a + b / n, abs=tolerance)


def test_fd_by_size_interpolates_and_is_never_negative() -> None:
    scale = FDBySize((200, 500, 1000), (1.0, 0.7, 0.1))
    assert [scale.at(n) for n in (200, 500, 1000)] == pytest.approx([1.0, 0.7, 0.1])
    assert scale.at(100_000) == 0 and scale.at(300) == pytest.approx(
        0.7 + 0.3 * (1 / 300 - 1 / 500) / (1 / 200 - 1 / 500)
    )
    assert FDBySize((297,), (0.8,)).at(10) == FDBySize((297,), (0.8,)).at(10_000) == 0.8
