"""An image is a function of weights, settings and its own seed: labels, batches and counts change no other image."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from inkwash.sampling import request

DDPM = ["--sampler", "ddpm:5"]


@pytest.fixture
def arrays(inkwash):
    """`arrays(run, flags...)` is what `sample` writes into a .npz."""

    def call(run, *flags):
        assert inkwash("sample", run, *flags, "-o", "drawn.npz", "-q").code == 0
        with np.load("drawn.npz", allow_pickle=False) as held:
            return {name: held[name] for name in held.files}

    return call


@pytest.mark.parametrize(
    ("label", "first"),
    [
        ("7", [7, 7, 7, 7]),
        ("0-9", [0, 1, 2, 3]),
        ("1,3", [1, 3, 1, 3]),
        ("3-5,1", [3, 4, 5, 1]),
        ("none", [-1, -1, -1, -1]),
    ],
)
def test_labels_come_in_turn(label, first, runs, arrays):
    assert arrays(runs.digits, *DDPM, "--label", label, "-n", "4")["labels"].tolist() == first


def test_a_class_is_asked_for_by_its_name(runs, arrays):
    assert arrays(runs.bees, *DDPM, "--label", "bee", "-n", "2")["labels"].tolist() == [1, 1]
    assert arrays(runs.bees, *DDPM, "--label", "bee,ant", "-n", "3")["labels"].tolist() == [1, 0, 1]


def test_several_labels_stand_in_columns(runs, inkwash):
    from PIL import Image

    assert inkwash("sample", runs.digits, *DDPM, "--label", "2-4", "-n", "6", "-o", "x.png").code == 0
    with Image.open("x.png") as sheet:
        assert sheet.size == (3 * 10 + 2, 2 * 10 + 2)


def test_without_a_label_classes_have_the_train_set_proportions(runs, arrays):
    """Three of four pictures are bees; 400 draws have a standard deviation of 2.2 %."""
    labels = arrays(runs.bees, "--sampler", "ddim:1", "-n", "400")["labels"]
    assert set(labels.tolist()) == {0, 1}
    assert abs((labels == 1).mean() - 0.75) < 3 * 0.022


def test_a_model_without_labels_draws_without(runs, arrays):
    assert arrays(runs.plain, *DDPM, "-n", "3")["labels"].tolist() == [-1] * 3


@pytest.mark.parametrize("name", ["plain", "digits"])
def test_image_five_is_the_image_of_seed_five(name, runs, arrays):
    alone = arrays(getattr(runs, name), *DDPM, "--seed", "5", "-n", "1")
    among = arrays(getattr(runs, name), *DDPM, "--seed", "0", "-n", "6")
    assert alone["seeds"][0] == among["seeds"][5] == 5
    assert alone["labels"][0] == among["labels"][5]
    assert np.abs(alone["images"][0].astype(int) - among["images"][5]).max() <= 1
    assert np.abs(among["images"][0].astype(int) - among["images"][5]).max() > 50


@pytest.mark.parametrize("name", ["plain", "digits"])
def test_the_batch_changes_no_image(name, runs, arrays):
    drawn = [arrays(getattr(runs, name), *DDPM, "-n", "9", "--batch", batch) for batch in ("1", "4", "64")]
    for other in drawn[1:]:
        assert np.array_equal(drawn[0]["labels"], other["labels"])
        assert np.abs(drawn[0]["images"].astype(int) - other["images"]).max() <= 1


def test_the_same_call_draws_the_same(runs, arrays):
    assert np.array_equal(*(arrays(runs.plain, *DDPM, "-n", "3")["images"] for _ in range(2)))


def test_settings_reach_the_images(runs, arrays):
    """A flag that is taken has an effect."""
    plain = arrays(runs.plain, *DDPM, "-n", "4")["images"]
    for flags in (["--steps", "4"], ["--temperature", "0.5"], ["--seed", "9"], ["--schedule", "cosine"], ["--no-clip"]):
        assert not np.array_equal(arrays(runs.plain, *DDPM, "-n", "4", *flags)["images"], plain), flags
    eta = [arrays(runs.plain, "--sampler", "ddim:5", "-n", "4", "--eta", eta)["images"] for eta in ("0", "0.5", "1")]
    assert not np.array_equal(eta[0], eta[1])
    assert np.abs(eta[2].astype(int) - plain).max() <= 1, "eta = 1 is ddpm"
    told = [arrays(runs.digits, *DDPM, "-n", "4", "--label", "3", "-w", w)["images"] for w in ("1", "9")]
    assert not np.array_equal(*told)


def test_guidance_outside_its_interval_is_none(runs, arrays):
    flags = [*DDPM, "-n", "4", "--label", "3"]
    none = arrays(runs.digits, *flags, "-w", "1")["images"]
    inside = arrays(runs.digits, *flags, "-w", "9", "--interval", "0", "1")["images"]
    outside = arrays(runs.digits, *flags, "-w", "9", "--interval", "0.01", "0.02")["images"]
    assert np.array_equal(outside, none) and not np.array_equal(inside, none)


def test_arrays_are_streamed(runs, arrays, monkeypatch):
    """However many are drawn, no more is in memory than the batch in work and the one before it."""
    most, refs = 0, []

    def watched(*arguments):
        nonlocal most
        for drawn in original(*arguments):
            refs.append(weakref.ref(drawn.values))
            gc.collect()
            most = max(most, sum(ref() is not None for ref in refs))
            yield drawn

    original = request.draw
    monkeypatch.setattr(request, "draw", watched)
    held = arrays(runs.plain, "--sampler", "ddim:1", "-n", "50", "--batch", "10")
    assert len(refs) == 5 and held["images"].shape == (50, 8, 8)
    assert most <= 2
