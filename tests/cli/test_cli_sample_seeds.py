"""An image is a function of weights, settings and its own seed: it does not depend on batch and count."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from outcome import Inkwash, Runs

from inkwash.sampling.run import SampleBatch, SamplingRun

Arrays = Callable[..., dict[str, np.ndarray]]
DDPM = ["--sampler", "ddpm:5"]


@pytest.fixture
def arrays(inkwash: Inkwash) -> Arrays:
    """`arrays(run, flags...)` samples into an .npz and returns its arrays."""

    def call(run: Path, *flags: str) -> dict[str, np.ndarray]:
        assert inkwash("sample", run, *flags, "-o", "samples.npz", "-q").code == 0
        with np.load("samples.npz", allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    return call


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ("7", [7, 7, 7, 7]),
        ("0-9", [0, 1, 2, 3]),
        ("1,3", [1, 3, 1, 3]),
        ("3-5,1", [3, 4, 5, 1]),
        ("none", [-1, -1, -1, -1]),
    ],
)
def test_labels_repeat_in_turn(label: str, labels: list[int], runs: Runs, arrays: Arrays) -> None:
    assert arrays(runs.digits, *DDPM, "--label", label, "-n", "4")["labels"].tolist() == labels


def test_a_class_can_be_named(runs: Runs, arrays: Arrays) -> None:
    assert arrays(runs.bees, *DDPM, "--label", "bee", "-n", "2")["labels"].tolist() == [1, 1]
    assert arrays(runs.bees, *DDPM, "--label", "bee,ant", "-n", "3")["labels"].tolist() == [1, 0, 1]


def test_each_of_several_labels_has_a_column(runs: Runs, inkwash: Inkwash) -> None:
    from PIL import Image

    assert inkwash("sample", runs.digits, *DDPM, "--label", "2-4", "-n", "6", "-o", "x.png").code == 0
    with Image.open("x.png") as grid:
        assert grid.size == (3 * 10 + 2, 2 * 10 + 2)


def test_random_labels_have_the_train_set_proportions(runs: Runs, arrays: Arrays) -> None:
    """Three of four images are bees; 400 samples have a standard deviation of 2.2 %."""
    labels = arrays(runs.bees, "--sampler", "ddim:1", "-n", "400")["labels"]
    assert set(labels.tolist()) == {0, 1}
    assert abs((labels == 1).mean() - 0.75) < 3 * 0.022


def test_samples_of_an_unconditional_model_have_no_labels(runs: Runs, arrays: Arrays) -> None:
    assert arrays(runs.plain, *DDPM, "-n", "3")["labels"].tolist() == [-1] * 3


@pytest.mark.parametrize("name", ["plain", "digits"])
def test_image_five_is_the_image_of_seed_five(name: str, runs: Runs, arrays: Arrays) -> None:
    single = arrays(getattr(runs, name), *DDPM, "--seed", "5", "-n", "1")
    several = arrays(getattr(runs, name), *DDPM, "--seed", "0", "-n", "6")
    assert single["seeds"][0] == several["seeds"][5] == 5
    assert single["labels"][0] == several["labels"][5]
    assert np.abs(single["images"][0].astype(int) - several["images"][5]).max() <= 1
    assert np.abs(several["images"][0].astype(int) - several["images"][5]).max() > 50


@pytest.mark.parametrize("name", ["plain", "digits"])
def test_images_do_not_depend_on_the_batch(name: str, runs: Runs, arrays: Arrays) -> None:
    found = [arrays(getattr(runs, name), *DDPM, "-n", "9", "--batch", batch) for batch in ("1", "4", "64")]
    for other in found[1:]:
        assert np.array_equal(found[0]["labels"], other["labels"])
        assert np.abs(found[0]["images"].astype(int) - other["images"]).max() <= 1


def test_the_same_call_gives_the_same_images(runs: Runs, arrays: Arrays) -> None:
    first, second = (arrays(runs.plain, *DDPM, "-n", "3")["images"] for _ in range(2))
    assert np.array_equal(first, second)


def test_every_setting_changes_the_images(runs: Runs, arrays: Arrays) -> None:
    plain = arrays(runs.plain, *DDPM, "-n", "4")["images"]
    for flags in (["--steps", "4"], ["--temperature", "0.5"], ["--seed", "9"], ["--schedule", "cosine"], ["--no-clip"]):
        assert not np.array_equal(arrays(runs.plain, *DDPM, "-n", "4", *flags)["images"], plain), flags
    eta = [arrays(runs.plain, "--sampler", "ddim:5", "-n", "4", "--eta", eta)["images"] for eta in ("0", "0.5", "1")]
    assert not np.array_equal(eta[0], eta[1])
    assert np.abs(eta[2].astype(int) - plain).max() <= 1, "eta = 1 is ddpm"
    weak, strong = (arrays(runs.digits, *DDPM, "-n", "4", "--label", "3", "-w", w)["images"] for w in ("1", "9"))
    assert not np.array_equal(weak, strong)


def test_guidance_outside_its_interval_is_none(runs: Runs, arrays: Arrays) -> None:
    flags = [*DDPM, "-n", "4", "--label", "3"]
    none = arrays(runs.digits, *flags, "-w", "1")["images"]
    inside = arrays(runs.digits, *flags, "-w", "9", "--interval", "0", "1")["images"]
    outside = arrays(runs.digits, *flags, "-w", "9", "--interval", "0.01", "0.02")["images"]
    assert np.array_equal(outside, none) and not np.array_equal(inside, none)


def test_arrays_are_streamed(runs: Runs, arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most the current batch and the one before it are in memory."""
    most = 0
    refs: list[weakref.ref[torch.Tensor]] = []
    original = SamplingRun.batches

    def watched(*arguments: Any) -> Iterator[SampleBatch]:
        nonlocal most
        for batch in original(*arguments):
            refs.append(weakref.ref(batch.values))
            gc.collect()
            most = max(most, sum(ref() is not None for ref in refs))
            yield batch

    monkeypatch.setattr(SamplingRun, "batches", watched)
    found = arrays(runs.plain, "--sampler", "ddim:1", "-n", "50", "--batch", "10")
    assert len(refs) == 5 and found["images"].shape == (50, 8, 8)
    assert most <= 2
