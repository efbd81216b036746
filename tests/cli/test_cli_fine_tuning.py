"""`inkwash train RECIPE --from MODEL` with a folder of a few images: fine-tuning with and without labels, then distillation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from outcome import Inkwash, UsageErrorOf
from PIL import Image

from inkwash import model

ROOT = Path("few")
QUICK = ["--steps", "2", "--set", "training.batch=8", "--set", "sampling.preview=ddim:2"]


@pytest.fixture
def folders(isolated: None) -> None:
    """Write 20 images of 12x10 pixels into few/labelled/ink, few/labelled/wash and, all of them, few/plain."""
    rng = np.random.default_rng(0)
    for index in range(20):
        image = Image.fromarray(rng.integers(0, 256, (12, 10), dtype=np.uint8))
        for folder in (ROOT / "labelled" / ("ink" if index < 10 else "wash"), ROOT / "plain"):
            folder.mkdir(parents=True, exist_ok=True)
            image.save(folder / f"{index}.png")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["labelled", "plain"])
def test_few_images_fine_tune_a_model_that_is_sampled_and_distilled(kind: str, folders: None, inkwash: Inkwash) -> None:
    data = ["--data", str(ROOT / kind), "--size", "8"]
    tuned = inkwash("train", "digits", "--from", "digits", *data, *QUICK, "--out", "tuned")
    assert tuned.code == 0, tuned.err
    assert ("has no labels" in tuned.err) == (kind == "plain")
    assert "**Started from**: digits" in Path("tuned/card.md").read_text()
    assert model.load("tuned").spec.classes == (("ink", "wash") if kind == "labelled" else ())
    label = ["--label", "wash"] if kind == "labelled" else []
    assert inkwash("sample", "tuned", *label, "-n", "3", "-o", "three.png").code == 0
    distilled = inkwash("train", "one-step", "--from", "tuned", *data, *QUICK, "--out", "student")
    assert distilled.code == 0, distilled.err
    assert "**Distilled**: into one evaluation at u = 0.8" in Path("student/card.md").read_text()
    assert inkwash("train", "student", "--steps", "3", "--quiet").code == 0


@pytest.mark.slow
def test_unconditional_model_on_labelled_images_is_reported(folders: None, inkwash: Inkwash) -> None:
    data = ["--data", str(ROOT / "labelled"), "--size", "8"]
    assert (
        inkwash("train", "digits", "--from", "digits", "--data", str(ROOT / "plain"), "--size", "8", *QUICK).code == 0
    )
    tuned = inkwash("train", "digits", "--from", "runs/digits-1", *data, *QUICK)
    assert tuned.code == 0 and "runs/digits-1 is unconditional" in tuned.err and "has no labels" not in tuned.err


def test_model_of_another_shape_is_refused_with_the_size_to_use(
    folders: None, inkwash: Inkwash, usage_error: UsageErrorOf
) -> None:
    arguments = ["train", "digits", "--from", "digits", "--data", str(ROOT / "plain")]
    assert usage_error(*arguments) == ("mismatch", "from")
    assert "--size 8" in inkwash(*arguments).message
