"""Reports hold every score and image in one file, escape names, and overwrite reports only."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from inkwash.errors import UsageError
from inkwash.evaluation.comparison import Comparison, ComparisonEntry
from inkwash.evaluation.report import comparison_page, evaluation_page, gallery
from inkwash.evaluation.report.page import require_report_folder
from inkwash.evaluation.scores import EvaluatedSamples, Evaluation, Score
from inkwash.metrics.extractors import Extraction
from inkwash.viz import pareto

CLASSES = ("nought", "one", "two")
SCORES = (
    Score("fd.a", "FD to train, A", 0.07624, 0.03812, "low", 0.021, 0.0712, 0.0811, 0.0699),
    Score("kid", "KID x 1000", -0.00001, 0.2),
    Score("precision", "precision", 0.91237, 0.9472, "high", note="of 1,000"),
    Score("zero", "exactly black pixels", 0.44551, 0.8069, "near"),
    Score("nearest", "distance to nearest train image", None, 4.39, "near", note="needs mnist itself"),
)
FACTS = {"model": "moss <b>", "machine": "2 cores"}
VOID = {"img", "meta", "br", "link"}


class Document(HTMLParser):
    """The tags of a page with their attributes and texts; requires balanced tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of this kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> list[str]:
        """All texts but the stylesheet."""
        return [text for tag, text in self.texts if tag != "style" and text]


def document(folder: Path) -> Document:
    return Document((folder / "index.html").read_text(encoding="utf-8"))


def pixels(count: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, 6, 6), generator=generator, dtype=torch.uint8)


def evaluation(
    count: int = 90,
    requested: bool = True,
    sure: bool = True,
    near: bool = True,
    values: torch.Tensor | None = None,
    name: str = "moss ddim:50",
) -> Evaluation:
    generator = torch.Generator().manual_seed(1)
    values = pixels(count) if values is None else values
    probabilities = torch.rand(count, 3, generator=generator).softmax(1) if sure else None
    reading = Extraction(torch.randn(count, 4, generator=generator), probabilities)
    nearest = (torch.rand(count, generator=generator), torch.arange(count) % 50) if near else None
    labels = torch.arange(count) % 3 if requested else None
    per_class, each = ({0: 1.25, 2: 7.5}, (0.5, 0.25, float("nan"))) if requested else ({}, ())
    details = EvaluatedSamples(values, labels, reading, CLASSES, (1 / 3,) * 3, nearest, per_class, each)
    return Evaluation(name, count, "mnist", SCORES, details, ("labels in other proportions",))


def test_report_holds_every_score_and_the_reason_for_missing_ones(tmp_path: Path) -> None:
    evaluation_page.write(evaluation(), ["The background is grey."], tmp_path / "a", FACTS)
    words = document(tmp_path / "a").words
    row = words[words.index("FD to train, A") :]
    assert row[1:9] == [
        "0.0762",
        "0.0381",
        "close",
        "2.00",
        "0.0712 to 0.0811",
        "0.0699",
        "0.0210",
        "KID x 1000",
    ]
    for text in ("0.0000", "0.912", "0.947", "44.6%", "80.7%", "of 1,000", "The background is grey."):
        assert text in words
    assert "distance to nearest train image: needs mnist itself" in words
    assert "labels in other proportions" in words
    assert words.index("The background is grey.") < words.index("FD to train, A")


def test_report_is_self_contained_and_accessible(tmp_path: Path) -> None:
    index = evaluation_page.write(evaluation(), [], tmp_path / "a", FACTS, pixels(50, seed=2))
    text, page = index.read_text(encoding="utf-8"), document(tmp_path / "a")
    assert "http:" not in text and "https:" not in text and "url(" not in text
    assert not page.all("script") and not page.all("link")
    assert "prefers-color-scheme: dark" in text and "image-rendering: pixelated" in text
    images = page.all("img")
    for image in images:
        assert image["alt"]
        kind, _, content = image["src"].partition(",")
        assert kind == "data:image/png;base64"
        Image.open(io.BytesIO(base64.b64decode(content))).verify()
    assert len(images) == 3 * 24 + 4 * 12 + 1
    assert all(cell["scope"] in ("row", "col") for cell in page.all("th"))
    assert len(page.all("h1")) == 1
    beside = {path.name for path in (tmp_path / "a").iterdir()}
    assert beside == {"index.html", "worst.png", "median.png", "best.png", "neighbours.png", "classes.png"}


def test_names_are_escaped(tmp_path: Path) -> None:
    name = '<script>alert("1")</script> & <img src=x>'
    found = replace(evaluation(name=name), data="<i>", notes=("<p>",))
    evaluation_page.write(found, ["<b>"], tmp_path / "a", {name: name})
    page = document(tmp_path / "a")
    assert not page.all("script") and not page.all("i") and all("src" in image for image in page.all("img"))
    assert [text for tag, text in page.texts if tag in ("title", "h1", "dt", "dd")].count(name) == 4
    assert "<b>" in page.words and "<p>" in page.words


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize(("requested", "sure"), [(False, True), (True, False), (False, False)])
def test_sections_without_data_are_left_out(
    tmp_path: Path, requested: bool, sure: bool, near: bool, train: bool
) -> None:
    found = evaluation(requested=requested, sure=sure, near=near)
    evaluation_page.write(found, [], tmp_path / "a", FACTS, pixels(50, seed=2) if train else None)
    page = document(tmp_path / "a")
    assert ("Nearest neighbours" in page.words) == (near and train) == (tmp_path / "a/neighbours.png").exists()
    assert ("Per-class scores" in page.words) == requested
    assert (tmp_path / "a/worst.png").exists()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_report_of_few_samples(tmp_path: Path, count: int) -> None:
    evaluation_page.write(evaluation(count), [], tmp_path / "a", FACTS, pixels(50, seed=2))
    assert Image.open(tmp_path / "a/worst.png").size[1] > 20


def test_colour_samples_are_shown_in_colour(tmp_path: Path) -> None:
    evaluation_page.write(evaluation(values=pixels(90, 3)), [], tmp_path / "a", FACTS, pixels(50, 3, seed=2))
    assert Image.open(tmp_path / "a/best.png").mode == "RGB"


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("requested", [False, True])
def test_points_are_shown_as_scatter_plots(tmp_path: Path, train: bool, requested: bool) -> None:
    points = torch.randn(90, 2, generator=torch.Generator().manual_seed(0))
    found = evaluation(values=points, requested=requested, sure=False)
    evaluation_page.write(found, [], tmp_path / "a", FACTS, points[:40] if train else None)
    assert len(document(tmp_path / "a").all("img")) == 1 + train + requested
    assert (tmp_path / "a/train.png").exists() == train
    assert not (tmp_path / "a/worst.png").exists()


def test_samples_are_ranked_by_probability_or_distance() -> None:
    found = evaluation(9).samples
    sure = torch.tensor([0.9, 0.05, 0.5, 0.7, 0.3, 0.8, 0.15, 0.6, 0.45])
    probabilities = torch.stack([sure, 1 - sure, torch.zeros(9)], 1)
    details = replace(
        found, labels=torch.zeros(9, dtype=torch.int64), extraction=Extraction(found.extraction.features, probabilities)
    )
    ranking = gallery.ranked(details)
    assert (ranking.worst, ranking.median, ranking.best) == ([1, 6, 4], [8, 2, 7], [0, 5, 3])
    assert gallery.tiles(details, ranking, [0, 1])[0].caption == "nought: 90%"
    assert gallery.tiles(details, ranking, [0, 1])[1].caption == "nought: 5%, predicted one"
    # without labels, sample 1 is most likely a one
    assert gallery.ranked(replace(details, labels=None)).best == [1, 0, 6]
    # without classes, the farthest from the train set or from the mean of the samples is the worst
    far = replace(
        details,
        extraction=Extraction(details.extraction.features, None),
        nearest=(sure, torch.zeros(9, dtype=torch.int64)),
    )
    assert gallery.ranked(far).worst == [0, 5, 3]
    line = torch.arange(9.0)[:, None] ** 2
    assert gallery.ranked(replace(far, extraction=Extraction(line, None), nearest=None)).worst[0] == 8


def test_images_are_those_of_the_captions(tmp_path: Path) -> None:
    found = evaluation()
    evaluation_page.write(found, [], tmp_path / "a", FACTS)
    first = gallery.ranked(found.samples).worst[0]
    sheet = np.asarray(Image.open(tmp_path / "a/worst.png"))
    expected = found.samples.values[first, 0].numpy().repeat(4, 0).repeat(4, 1)
    assert np.array_equal(sheet[2:26, 2:26], expected)
    shown = document(tmp_path / "a").all("img")[0]
    assert shown["alt"] == f"sample {first}"
    embedded = Image.open(io.BytesIO(base64.b64decode(shown["src"].partition(",")[2])))
    assert np.array_equal(np.asarray(embedded), found.samples.values[first, 0].numpy())


def test_nearest_train_images_are_below_their_samples() -> None:
    found, train = evaluation().samples, pixels(50, seed=2)
    nearest = (torch.arange(90.0).flip(0), torch.arange(90) % 50)
    details = replace(found, nearest=nearest)
    assert gallery.closest_pairs(details)[:2] == [89, 88]
    (above, _), (beneath, words) = gallery.pair_tiles(details, train, [89])[0].images
    assert np.array_equal(above, details.values[89, 0].numpy()) and np.array_equal(beneath, train[39, 0].numpy())
    assert words == "train image 39"
    assert gallery.random_pairs(details) == gallery.random_pairs(details) != gallery.closest_pairs(details)


@pytest.mark.parametrize("train", [pixels(20), pixels(50, 3)])
def test_train_images_of_another_set_are_refused(tmp_path: Path, train: torch.Tensor) -> None:
    with pytest.raises(UsageError) as error:
        evaluation_page.write(evaluation(), [], tmp_path / "a", FACTS, train)
    assert (error.value.code, error.value.field) == ("mismatch", "train") and not (tmp_path / "a").exists()


@pytest.mark.parametrize("existing", ["thesis.txt", "index.html", ".hidden"])
def test_folders_with_other_files_are_not_overwritten(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("<html><title>mine</title>")
    for write in (
        lambda: evaluation_page.write(evaluation(), [], tmp_path, FACTS),
        lambda: comparison_page.write(compared(), tmp_path, FACTS),
    ):
        with pytest.raises(UsageError) as error:
            write()
        assert (error.value.code, error.value.field) == ("exists", "report")
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "<html><title>mine</title>"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    for place in (tmp_path / "a", tmp_path / "a/b/c"):
        with pytest.raises(UsageError) as error:
            require_report_folder(place)
        assert (error.value.code, error.value.field) == ("wrong-file", "report")


def test_a_report_replaces_the_files_of_an_earlier_one(tmp_path: Path) -> None:
    evaluation_page.write(evaluation(), [], tmp_path / "a", FACTS, pixels(50, seed=2))
    (tmp_path / "a/notes.txt").write_text("mine")
    comparison_page.write(compared(), tmp_path / "a", FACTS)
    evaluation_page.write(evaluation(requested=False), [], tmp_path / "a", FACTS)
    beside = {path.name for path in (tmp_path / "a").iterdir()}
    assert beside == {"index.html", "worst.png", "median.png", "best.png", "notes.txt"}


def test_a_forged_file_list_removes_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    evaluation_page.write(evaluation(), [], tmp_path / "a", FACTS)
    index = tmp_path / "a/index.html"
    index.write_text(index.read_text().replace('content="worst.png', 'content="../precious .. / worst.png'))
    evaluation_page.write(evaluation(), [], tmp_path / "a", FACTS)
    assert (tmp_path / "precious").read_text() == "mine"


def test_equal_input_gives_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        evaluation_page.write(evaluation(), ["Well."], tmp_path / name / "one", FACTS, pixels(50, seed=2))
        comparison_page.write(compared(), tmp_path / name / "many", FACTS)
    first = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    again = {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    assert first == again and len(first) == 6 + 4


def entry(sampler: str, seconds: float | None, value: float, model: str = "moss", count: int = 90) -> ComparisonEntry:
    found = replace(evaluation(count), scores=(replace(SCORES[0], value=value), *SCORES[1:]))
    return ComparisonEntry(model, sampler, 1_234_567, 50, seconds, found, found.samples.values[:16])


def compared(**more: ComparisonEntry) -> Comparison:
    settings = [
        entry("ddim:50", 5.0, 0.04),
        entry("ddim:20", 2.0, 0.05),
        entry("ddim:10", 1.0, 0.3),
        entry("heun:10", 2.5, 0.06),
        entry("ddim:20", 0.5, 0.9, "<fern>$"),
    ]
    return Comparison((*settings, *more.values()))


def test_comparison_holds_its_sentence_and_every_score(tmp_path: Path) -> None:
    found = compared()
    written = comparison_page.write(found, tmp_path / "a", FACTS)
    assert {path.name for path in written} == {path.name for path in (tmp_path / "a").iterdir()}
    assert [path.name for path in written] == ["index.html", "comparison.csv", "speed-quality.png", "same-seeds.png"]
    page = document(tmp_path / "a")
    words = page.words
    assert found.conclusion in words and words.index(found.conclusion) < words.index("All scores")
    row = words[words.index("moss ddim:20", words.index("All scores")) :]
    assert row[1:8] == ["yes", "90", "50", "2.00", "1,234,567", "0.0500", "0.0000"]
    last = words[words.index("real test set") :]
    assert last[:5] == ["real test set", "0.0381", "0.200", "0.947", "80.7%"]
    # entries differ in the first score only, so that one of them is the best there
    assert ("b", "0.0400") in page.texts and ("b", "0.0500") not in page.texts
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a/comparison.csv").read_text())))
    assert [float(row["fd.a"]) for row in rows] == [0.04, 0.05, 0.3, 0.06, 0.9]
    assert page.all("th").count({"scope": "row"}) == 5 + 1
    assert not page.all("fern") and "<fern>$ ddim:20" in words


def test_plot_marks_the_pareto_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plots: list[tuple[list[pareto.Mark], float | None]] = []
    plain = pareto.speed_quality

    def recorded(path: Path, marks: list[pareto.Mark], real: float | None, **options: Any) -> None:
        plots.append((marks, real))
        plain(path, marks, real, **options)

    monkeypatch.setattr(pareto, "speed_quality", recorded)
    few, free = entry("ddim:5", 0.1, 0.01, count=60), entry("", None, 0.02, "moss.npz")
    comparison_page.write(compared(few=few, free=free), tmp_path / "a", FACTS)
    ((marks, real),) = plots
    assert real == 0.03812
    # heun is dominated by ddim:20; entries of fewer samples or without a cost are not in the plot
    assert [(mark.cost, mark.value, mark.on_front) for mark in marks] == [
        (5.0, 0.04, True),
        (2.0, 0.05, True),
        (1.0, 0.3, True),
        (2.5, 0.06, False),
        (0.5, 0.9, True),
    ]
    words = document(tmp_path / "a").words
    assert any(text.endswith("another number of samples): moss ddim:5, moss.npz.") for text in words)


def test_comparison_of_files_only_has_no_plot(tmp_path: Path) -> None:
    comparison_page.write(
        Comparison((entry("", None, 0.1, "a.npz"), entry("", None, 0.2, "b.npz"))), tmp_path / "a", {}
    )
    assert not (tmp_path / "a/speed-quality.png").exists()
    assert (tmp_path / "a/same-seeds.png").exists()


def test_comparison_without_a_ranking_is_written(tmp_path: Path) -> None:
    bare = [replace(e, evaluation=replace(e.evaluation, scores=SCORES[1:])) for e in compared().entries[:2]]
    comparison_page.write(Comparison(tuple(bare)), tmp_path / "a", FACTS)
    assert "0.912" in document(tmp_path / "a").words


def test_columns_are_seeds(tmp_path: Path) -> None:
    entries = [replace(entry("ddim:5", 1.0, 0.1), images=pixels(16, seed=k)) for k in range(3)]
    comparison_page.write(Comparison(tuple(entries)), tmp_path / "a", FACTS)
    sheet = np.asarray(Image.open(tmp_path / "a/same-seeds.png"))
    left = sheet.shape[1] - 12 * (12 + 2)
    for row, one in enumerate(entries):
        tile = sheet[2 + row * 14 :, left + 3 * 14 :][:12, :12]
        assert np.array_equal(tile, one.images[3, 0].numpy().repeat(2, 0).repeat(2, 1))


def test_points_are_compared_as_scatter_plots(tmp_path: Path) -> None:
    points = torch.randn(90, 2, generator=torch.Generator().manual_seed(0))
    found = evaluation(values=points, sure=False, requested=False)
    entries = tuple(ComparisonEntry("moons", f"ddim:{k}", 10, k, k / 10, found, points[:16]) for k in (5, 10))
    comparison_page.write(Comparison(entries), tmp_path / "a", FACTS)
    assert len(document(tmp_path / "a").all("img")) == 1 + 2


def test_comparison_of_other_shapes_or_nothing_is_refused(tmp_path: Path) -> None:
    other = replace(entry("ddim:5", 1.0, 0.1, "clover"), images=pixels(16, 3))
    for comparison, code in ((compared(other=other), "mismatch"), (Comparison(()), "missing-field")):
        with pytest.raises(UsageError) as error:
            comparison_page.write(comparison, tmp_path / "a", FACTS)
        assert error.value.code == code and not (tmp_path / "a").exists()
