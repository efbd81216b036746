"""Speed against quality: every setting is where its numbers say, and its name can be read; bars are as long as they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Annotation
from PIL import Image

from inkwash.errors import UsageError
from inkwash.viz import bars, pareto
from inkwash.viz.bars import by_class
from inkwash.viz.pareto import Mark, speed_quality
from inkwash.viz.style import COLOURS

MARKS = [
    Mark("moss", "ddim:50", 5.0, 0.04, 0.035, 0.046, on_front=True),
    Mark("moss", "ddim:20", 2.0, 0.05, 0.045, 0.056, on_front=True),
    Mark("fern", "heun:10", 2.5, 0.06),
    Mark("fern", "ddim:10", 1.0, 0.3, on_front=True),
]


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figures that are saved, so that a test can ask their axes."""
    pages = []
    for module in (pareto, bars):
        written = module.save
        monkeypatch.setattr(
            module, "save", lambda page, path, written=written: (pages.append(page), written(page, path))
        )
    return pages


def test_the_pareto_front_is_a_step_function(tmp_path, drawn):
    speed_quality(tmp_path / "a.png", MARKS, real=0.038)
    ax = drawn[0].axes[0]
    line = next(line for line in ax.lines if line.get_label() == "best at each cost")
    assert line.get_xydata().tolist() == [[1.0, 0.3], [2.0, 0.05], [5.0, 0.04]]
    # at a cost in between, what is to be had is what the cheaper one gives
    assert line.get_drawstyle() == "steps-post"
    dashed = next(line for line in ax.lines if line.get_linestyle() == "--")
    assert set(dashed.get_ydata()) == {0.038}
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_every_mark_is_at_its_cost_and_value(tmp_path, drawn):
    speed_quality(tmp_path / "a.png", MARKS)
    ax = drawn[0].axes[0]
    spots = {tuple(line.get_xydata()[0]): line for line in ax.lines if len(line.get_xdata()) == 1}
    assert set(spots) == {(mark.cost, mark.value) for mark in MARKS}
    filled = {spot for spot, line in spots.items() if line.get_markerfacecolor() == line.get_color()}
    assert filled == {(5.0, 0.04), (2.0, 0.05), (1.0, 0.3)}
    assert spots[5.0, 0.04].get_color() == spots[2.0, 0.05].get_color() != spots[2.5, 0.06].get_color()
    intervals = [list(line.get_ydata()) for line in ax.lines if list(line.get_xdata()) in ([5.0] * 2, [2.0] * 2)]
    assert intervals == [[0.035, 0.046], [0.045, 0.056]]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["best at each cost", "moss", "fern"]


def boxes(page):
    return {
        text: text.get_window_extent()
        for text in page.axes[0].get_children()
        if isinstance(text, Annotation) and text.get_text()
    }


@pytest.mark.parametrize("seed", range(3))
def test_twenty_names_do_not_overlap(tmp_path, drawn, seed):
    spread = np.random.default_rng(seed)
    marks = [
        Mark(f"model {k % 3}", f"dpm++2m:{k} w 1.5", 10 ** spread.uniform(-1, 1), 10 ** spread.uniform(-2, 0))
        for k in range(20)
    ]
    speed_quality(tmp_path / "a.png", marks)
    page = drawn[0]
    found = boxes(page)
    assert sorted(text.get_text() for text in found) == sorted(mark.name for mark in marks)
    window = page.bbox
    for box in found.values():
        assert window.x0 <= box.x0 and box.x1 <= window.x1 and window.y0 <= box.y0 and box.y1 <= window.y1
    for one, other in combinations(found.values(), 2):
        shared = pareto._shared(one, other)
        assert shared < 0.25 * one.width * one.height


def test_a_single_mark_and_coinciding_marks_are_plotted(tmp_path, drawn):
    speed_quality(tmp_path / "a.png", MARKS[:1])
    speed_quality(tmp_path / "b.png", [Mark("moss", f"a$b_{k}", 1.0, 1.0) for k in range(5)])
    assert len(boxes(drawn[0])) == 1 and len(boxes(drawn[1])) == 5


def test_axes_with_zero_are_linear(tmp_path, drawn):
    speed_quality(tmp_path / "a.png", [*MARKS, Mark("moss", "free", 0.0, -0.1, -0.2, 0.0)])
    ax = drawn[0].axes[0]
    assert ax.get_xscale() == ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] < -0.2


def test_an_interval_close_to_zero_does_not_set_the_axis(tmp_path, drawn):
    speed_quality(
        tmp_path / "a.png", [*MARKS, Mark("moss", "odd", 1.0, 0.04, 1e-9, 0.05), Mark("moss", "b", 1, 1, -1, 2)]
    )
    assert drawn[0].axes[0].get_ylim()[0] > 0.01


@pytest.mark.parametrize("marks", [[], [Mark("moss", "a", 1.0, float("nan"))], [Mark("moss", "a", float("inf"), 1.0)]])
def test_marks_that_are_not_finite_are_refused(tmp_path, marks):
    with pytest.raises(UsageError, match=r"a\.png"):
        speed_quality(tmp_path / "a.png", marks)
    assert not list(tmp_path.iterdir())


def test_equal_values_give_equal_files(tmp_path):
    for name in ("a.png", "b.png"):
        speed_quality(tmp_path / name, MARKS, 0.038)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size[0] > 600


def test_bars_have_the_length_of_their_values_and_the_worst_another_colour(tmp_path, drawn):
    by_class(tmp_path / "a.png", ("a$", "b", "c"), (0.5, 1.0, float("nan")), (3.0, 1.0, 2.0))
    shares, distances = drawn[0].axes
    assert [bar.get_width() for bar in shares.patches] == [0.5, 1.0, 0.0]
    assert [bar.get_width() for bar in distances.patches] == [3.0, 1.0, 2.0]
    assert [text.get_text() for text in shares.texts] == ["50.0%", "100.0%", "none"]
    assert [label.get_text() for label in shares.get_yticklabels()] == ["a$", "b", "c"]
    for ax in (shares, distances):
        assert ax.patches[0].get_facecolor() == to_rgba(COLOURS[1]) != ax.patches[1].get_facecolor()
    # the first class is at the top
    assert shares.get_ylim()[0] > shares.get_ylim()[1]


def test_a_column_without_values_is_left_out_and_equal_bars_have_one_colour(tmp_path, drawn):
    nothing = [float("nan")] * 2
    by_class(tmp_path / "a.png", ("a", "b"), nothing, (2.0, 2.0))
    (ax,) = drawn[0].axes
    assert len({bar.get_facecolor() for bar in ax.patches}) == 1
    with pytest.raises(UsageError, match="no class has a number"):
        by_class(tmp_path / "b.png", ("a", "b"), nothing, nothing)
    with pytest.raises(UsageError, match="accuracies"):
        by_class(tmp_path / "b.png", ("a", "b"), (0.5,), (2.0, 2.0))
