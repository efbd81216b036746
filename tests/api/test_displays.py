"""What a notebook shows of samples, models, recipes and scores: a picture, or a short table of escaped text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import inkwash
from inkwash.config import recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.evaluation.comparison import Comparison, ComparisonEntry
from inkwash.evaluation.scores import EvaluatedSamples, Evaluation, Score
from inkwash.metrics.extractors import Extraction
from inkwash.model import Model
from inkwash.text import html

Untrained = Callable[..., Model]
HOSTILE = "<img src=x onerror=alert(1)> & \x1b[31m"


def picture(samples: inkwash.Samples) -> Image.Image:
    return Image.open(io.BytesIO(samples._repr_png_()))


def cells(text: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}(?: style[^>]*)?>(.*?)</{tag}>", text)


def evaluation(name: str, fd: float | None = 1.25) -> Evaluation:
    samples = EvaluatedSamples(torch.zeros(1, 1, 2, 2), None, Extraction(torch.zeros(1, 2), None), (), ())
    scores = (Score("fd.a", "FD to train, A", fd, 0.125, low=1.0, high=1.5), Score("kid", "KID", None, note="few"))
    return Evaluation(name, 300, "digits", scores, samples, ("a note",))


def entry(name: str, fd: float = 1.25) -> ComparisonEntry:
    return ComparisonEntry(name, "ddim:5", 7, 5, 0.5, evaluation(name, fd), torch.rand(16, 1, 28, 28))


def test_samples_are_shown_as_a_grid_with_a_row_of_each_label(untrained: Untrained) -> None:
    samples = inkwash.sample(untrained(), n=7, label="0-2", sampler="ddim:1")
    # Images of 8 pixels, enlarged 7 times, in 3 columns and rows with gaps of 2 pixels.
    shown = picture(samples)
    assert shown.size == (3 * 58 + 2, 3 * 58 + 2)
    second = np.asarray(shown)[2:58, 60:116]
    assert np.array_equal(second[::7, ::7], samples.images[1])
    assert np.array_equal(second, samples.images[1].repeat(7, 0).repeat(7, 1))


def test_at_most_a_hundred_images_are_shown(untrained: Untrained) -> None:
    assert picture(inkwash.sample(untrained(), n=101, sampler="ddim:1")).size == (10 * 58 + 2, 10 * 58 + 2)


def test_images_of_colour_and_of_other_sizes_are_shown(untrained: Untrained) -> None:
    spec = replace(DatasetSpec.of(recipe_data(3, 40, 30)), classes=(), proportions=())
    samples = inkwash.sample(
        untrained("training.label_dropout=0.0", "network.conditional=false", spec=spec), n=2, sampler="ddim:1"
    )
    assert picture(samples).mode == "RGB"
    assert picture(samples).size == (2 * 32 + 2, 40 + 4)


def recipe_data(*shape: int) -> Dataset:
    return Dataset("colours", torch.randint(0, 256, (20, *shape), dtype=torch.uint8))


def test_points_are_shown_as_a_scatter() -> None:
    shown = picture(inkwash.sample("moons", n=300, sampler="ddim:2"))
    assert shown.size == (256, 256)
    assert len(np.unique(np.asarray(shown).reshape(-1, 3), axis=0)) > 2


def test_a_model_is_shown_with_its_settings(untrained: Untrained) -> None:
    shown = untrained()._repr_html_()
    rows = dict(zip(cells(shown, "th"), cells(shown, "td"), strict=True))
    assert rows["network"].startswith("class-unet, ") and rows["target"] == "v"
    assert rows["classes"] == "10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert rows["trained for"] == "0 steps" and rows["file"] == ""
    assert "digits: 200 train examples of 1×8×8" in shown


def test_a_recipe_is_shown_with_all_its_fields_and_printed_in_one_line() -> None:
    chosen = recipe.load("fast")
    shown = chosen._repr_html_()
    rows = dict(zip(cells(shown, "th"), cells(shown, "td"), strict=True))
    assert rows["optimizer.lr"] == str(chosen.optimizer.lr) and rows["target"] == "v"
    assert rows["training.length"] == chosen.training.length
    assert repr(chosen) == f"Recipe('fast', folded-unet on mnist, {chosen.training.length})"


def test_an_evaluation_is_shown_with_measured_scores_only() -> None:
    found = evaluation("fast")
    shown = found._repr_html_()
    assert cells(shown, "th") == ["", "value", "95 %", "real test", "ratio to real", "FD to train, A"]
    assert cells(shown, "td") == ["1.250", "1.000 … 1.500", "0.125", "10.00"]
    assert repr(found) == "Evaluation('fast', 300 against digits, 1 scores)"


def test_a_comparison_is_shown_with_a_column_of_each_setting() -> None:
    compared = Comparison((entry("fast", 1.25), entry("slow", 0.5)))
    shown = compared._repr_html_()
    assert cells(shown, "th")[:4] == ["", "fast ddim:5", "slow ddim:5", "real test set"]
    assert cells(shown, "td")[-3:] == ["1.250", "0.500", "0.125"]
    assert "slow ddim:5 is best" in cells(shown, "p")[0]
    assert repr(compared) == "Comparison('fast ddim:5', 'slow ddim:5')"
    assert len(compared) == 2 and [found.name for found in compared] == ["fast", "slow"]


def test_what_is_printed_is_short_whatever_is_compared() -> None:
    many = Comparison(tuple(entry(f"model {k}") for k in range(100)))
    assert len(repr(many)) < 250
    assert len(repr(many.entries[0])) < 250


@pytest.mark.parametrize("place", ["title", "name", "value", "header", "note"])
def test_text_from_files_is_escaped(place: str) -> None:
    text = {each: HOSTILE if each == place else "plain" for each in ("title", "name", "value", "header", "note")}
    shown = html.table(text["title"], [(text["name"], text["value"])], ["", text["header"]], text["note"])
    assert "<img" not in shown and "\x1b" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; \\x1b[31m" in shown


def test_hostile_names_of_models_and_classes_are_escaped(untrained: Untrained) -> None:
    model = untrained()
    names = (HOSTILE, *model.spec.classes[1:])
    shown = replace(model, name=HOSTILE, spec=replace(model.spec, classes=names))._repr_html_()
    assert shown.count("&lt;img") == 2 and "<img" not in shown
