"""Training from Python: events to iterate over, a history, paths, calls that are repeated, and networks that are refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from raised import code_and_field, raised
from torch import Tensor, nn

import inkwash
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.model import check_labels
from inkwash.nets import NETS
from inkwash.nets.layers import ConditionEmbedding
from inkwash.runs import run as run_module

Tiny = Callable[..., Recipe]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out cards and plots, which are slow and have other tests."""
    monkeypatch.setattr(run_module, "write_card", lambda *_: None)


class Own(nn.Module):
    """A network with an embedding of `rows` that `row_of` selects for a label."""

    def __init__(self, rows: int, row_of: Callable[[Tensor], Tensor], zero: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            self.table, self.first = nn.Embedding(rows, 6), nn.Conv2d(1, 6, 3, padding=1)
            self.last = nn.Conv2d(6, 1, 1)
        self.row_of = row_of
        if zero:
            nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
        if label is None:
            label = torch.full((len(x),), -1)
        return self.last(torch.relu(self.first(x) + self.table(self.row_of(label))[:, :, None, None]))


class Unlabelled(nn.Module):
    """A network that takes no label."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor, c_noise: Tensor) -> Tensor:
        return self.layer(x)


def pixels(image: Image.Image) -> tuple[tuple[int, int], bytes]:
    return image.size, image.convert("RGB").tobytes()


def last_row(label: Tensor) -> Tensor:
    return torch.where(label < 0, 10, label)


def test_events_of_an_iterated_run(tiny: Tiny, digits: Dataset) -> None:
    run = inkwash.start_run(tiny(), digits, "run", training__milestones=["4 steps"])
    assert run.trainer.state.progress.step == 0
    losses, validation, images, shown = {}, {}, {}, inkwash.Sampled(0, Path())
    for event in run:
        match event:
            case inkwash.Step():
                losses[event.step] = event.loss
            case inkwash.Measured():
                validation[event.step] = event.validation_loss
            case inkwash.Sampled():
                images[event.step] = event.image
                shown = event if event.step == 4 else shown
    assert list(losses) == [1, 2, 3, 4, 5, 6] and list(validation) == [3, 4, 6]
    assert run.history.losses == pytest.approx(losses) and run.history.validation == validation
    with Image.open("run/samples/step-0000004.png") as written:
        assert list(images) == [4, 6] and pixels(images[4]) == pixels(written)
        assert inkwash.Sampled(4, Path("run/samples/step-0000004.png")) == shown
        enlarged = Image.open(io.BytesIO(shown._repr_png_()))
        assert pixels(enlarged) == pixels(written.resize((2 * written.width, 2 * written.height), 0))


def test_a_loop_left_by_break_or_an_exception_is_continued(tiny: Tiny, digits: Dataset) -> None:
    run, reference = (inkwash.start_run(tiny(), digits, out) for out in ("run", "reference"))
    for _ in reference:
        pass
    for event in run:
        if event.step == 2:
            break
    early = run.model
    assert early.step == 2 and inkwash.load("run").step == 2
    with pytest.raises(ZeroDivisionError):
        for event in run:
            assert event.step == 3
            raise ZeroDivisionError
    assert [event.step for event in run if isinstance(event, inkwash.Step)] == [4, 5, 6]
    assert list(run) == []
    assert run.model.weights == reference.model.weights
    # A model taken from a run is a copy.
    assert early.identified() is early and early.weights != run.model.weights


def test_a_trained_model_has_its_path_and_history(tiny: Tiny, digits: Dataset) -> None:
    trained = inkwash.train(tiny(), digits, "runs/mine")
    assert trained.path == Path("runs/mine/checkpoints/latest.safetensors")
    assert inkwash.load(trained.path).weights == trained.weights
    rows = [json.loads(line) for line in Path("runs/mine/metrics.jsonl").read_text().splitlines()]
    assert trained.history.losses == {row["step"]: row["loss"] for row in rows if row["kind"] == "train"}
    assert trained.history.validation == {row["step"]: row["loss"] for row in rows if row["kind"] == "held-out"}
    assert repr(trained) == repr(inkwash.load("runs/mine"))
    assert len(repr(trained.history)) < 100


def test_a_history_is_plotted_as_on_the_card(tiny: Tiny, digits: Dataset, tmp_path: Path) -> None:
    history = inkwash.train(tiny(), digits, "run").history
    history.save("loss.png")
    with Image.open("loss.png") as written:
        shown = Image.open(io.BytesIO(history._repr_png_() or b""))
        assert pixels(history.plot()) == pixels(written) == pixels(shown)
        # Lines of both losses, which have colours.
        assert len(written.convert("RGB").getcolors(10**6) or ()) > 50
    history.save("loss.svg")
    assert "<svg" in Path("loss.svg").read_text()


def test_a_history_without_rows_is_shown_as_text(tiny: Tiny, digits: Dataset) -> None:
    history = inkwash.start_run(tiny(), digits, "run").history
    assert (history.rows, history._repr_png_()) == ((), None)
    assert raised(history.plot).code == "invalid-data"


def test_histories_of_bundled_models_and_run_folders_are_read(tiny: Tiny, digits: Dataset) -> None:
    trained = inkwash.train(tiny(), digits, "run")
    assert inkwash.History.read("run").rows == trained.history.rows
    bundled = inkwash.History.read("digits")
    assert bundled.losses[1] == 0.8614218235015869 and max(bundled.validation) == inkwash.load("digits").step
    Path("run/metrics.jsonl").unlink()
    assert code_and_field(lambda: inkwash.History.read("run")) == ("missing-file", "model")


def test_a_cell_that_is_run_again_trains_into_the_next_folder(
    tiny: Tiny, digits: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [inkwash.train(tiny(), digits, "runs/mine", length="2 steps") for _ in range(3)]
    folders = [trained.path.parts[-3] for trained in models if trained.path]
    assert folders == ["mine", "mine-1", "mine-2"]
    assert len({trained.weights for trained in models}) == 1
    assert capsys.readouterr().err.count("runs/mine is not empty") == 2
    unnamed = [inkwash.train(tiny(), digits, length="1 step").path for _ in range(2)]
    assert [path.parts[-3] for path in unnamed if path] == ["tiny-1", "tiny-2"]


def test_no_file_of_the_user_is_changed(tiny: Tiny, digits: Dataset) -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("keep")
    inkwash.train(tiny(), digits, "mine", length="1 step")
    assert [file.name for file in Path("mine").iterdir()] == ["notes.txt"]
    Path("file").write_text("keep")
    assert code_and_field(lambda: inkwash.train(tiny(), digits, "file")) == ("exists", "out")


def test_a_cell_that_resumes_a_complete_run_returns_its_model(tiny: Tiny, digits: Dataset) -> None:
    trained = inkwash.train(tiny(), digits, "run")
    before = {file: file.read_bytes() for file in Path("run").rglob("*") if file.is_file()}
    again = [inkwash.train("run", digits, length=length) for length in (None, "6 steps", "3 steps")]
    assert {each.weights for each in again} == {trained.weights}
    assert {file: file.read_bytes() for file in Path("run").rglob("*") if file.is_file()} == before
    assert inkwash.train("run", digits, length="7 steps").step == 7


WRONG: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {
    "no row for the null label": (10, lambda label: label),
    "negative index": (11, lambda label: label),
    "one row too few": (10, lambda label: label + 1),
    "null label clamped to class 0": (10, lambda label: label.clamp(min=0)),
    "null label wraps to class 9": (10, lambda label: label % 10),
    "too few classes": (6, lambda label: torch.where(label < 0, 5, label)),
}


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("fault", WRONG)
def test_an_embedding_without_a_row_for_each_label_is_refused_before_the_run(
    tiny: Tiny, digits: Dataset, fault: str, zero: bool
) -> None:
    error = raised(lambda: inkwash.train(tiny(), digits, "run", net=Own(*WRONG[fault], zero)))
    assert (error.code, error.field) == ("mismatch", "network")
    assert "\n" not in str(error) and "11 rows" in str(error)
    assert not Path("run").exists()
    assert inkwash.train(tiny(), digits, "run", net=Own(11, last_row, zero)).step == 6


def test_the_null_label_is_not_needed_where_no_label_is_dropped(tiny: Tiny, digits: Dataset) -> None:
    class Plain(Own):
        def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
            return self.layers(x) if label is None else super().forward(x, c_noise, label)

        def layers(self, x: Tensor) -> Tensor:
            return self.last(self.first(x))

    net = Plain(10, lambda label: label)
    assert inkwash.train(tiny("training.label_dropout=0.0"), digits, "run", net=net).step == 6
    assert code_and_field(lambda: inkwash.train(tiny(), digits, "other", net=net)) == ("mismatch", "network")


@pytest.mark.parametrize("kind", [kind for kind in NETS if kind != "mlp"])
def test_every_conditional_network_of_the_package_takes_all_labels(kind: str, digits: Dataset) -> None:
    net = NETS[kind](1, 10)
    check_labels(net, DatasetSpec.of(digits), 0.1)
    if any(isinstance(module, ConditionEmbedding) and module.label is not None for module in net.modules()):
        assert code_and_field(lambda: check_labels(NETS[kind](1, 9), DatasetSpec.of(digits), 0.1))[0] == "mismatch"


def test_a_network_that_takes_no_label_is_refused_with_its_signature(tiny: Tiny, digits: Dataset) -> None:
    error = raised(lambda: inkwash.train(tiny(), digits, "run", net=Unlabelled()))
    assert (error.code, error.field) == ("mismatch", "network.kind")
    assert "(x, c_noise, label)" in str(error) and not Path("run").exists()


def test_a_first_step_that_fails_leaves_no_folder(tiny: Tiny, digits: Dataset) -> None:
    def faulty(*_: Any) -> Tensor:
        raise IndexError("index out of range in self")

    with pytest.raises(IndexError):
        inkwash.train(tiny(), digits, "run", objective=faulty)
    assert not Path("run").exists()


def test_a_later_step_that_fails_keeps_the_run(tiny: Tiny, digits: Dataset) -> None:
    calls: list[int] = []

    def faulty(denoiser: Any, images: Tensor, labels: Tensor | None, u: Tensor, noise: Tensor) -> Tensor:
        calls.append(len(calls))
        if len(calls) == 3:
            raise IndexError("index out of range in self")
        return denoiser.output(images, inkwash.Cosine()(u), labels).flatten(1).square().mean(1)

    with pytest.raises(IndexError):
        inkwash.train(tiny(), digits, "run", objective=faulty)
    assert inkwash.load("run").step == 2


def test_a_resumed_run_whose_step_fails_is_kept(tiny: Tiny, digits: Dataset) -> None:
    def faulty(*_: Any) -> Tensor:
        raise IndexError("index out of range in self")

    run = inkwash.start_run(tiny(), digits, "run")
    with pytest.raises(IndexError):
        inkwash.train("run", digits, objective=faulty)
    assert Path("run/recipe.toml").is_file()
    assert [event.step for event in run if isinstance(event, inkwash.Step)][-1] == 6
