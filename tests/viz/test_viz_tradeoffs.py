"""Speed against quality, with readable names, and bars of the classes."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from PIL import Image

from inkwash.errors import UsageError
from inkwash.viz import pareto
from inkwash.viz.bars import class_bars
from inkwash.viz.pareto import Mark, speed_quality
from inkwash.viz.style import COLOURS

MARKS = [
    Mark("moss", "ddim:50", 5.0, 0.04, 0.035, 0.046, on_front=True),
    Mark("moss", "ddim:20", 2.0, 0.05, 0.045, 0.056, on_front=True),
    Mark("fern", "heun:10", 2.5, 0.06),
    Mark("fern", "ddim:10", 1.0, 0.3, on_front=True),
]


def ends(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


def test_the_pareto_front_is_a_step_function(tmp_path: Path, figures: list[Figure]) -> None:
    speed_quality(tmp_path / "a.png", MARKS, real=0.038)
    ax = figures[0].axes[0]
    front = next(line for line in ax.lines if line.get_label() == "best at each cost")
    assert ends(front) == [(1.0, 0.3), (2.0, 0.05), (5.0, 0.04)]
    # Between two costs, the quality is that of the cheaper setting.
    assert front.get_drawstyle() == "steps-post"
    dashed = next(line for line in ax.lines if line.get_linestyle() == "--")
    assert {y for _, y in ends(dashed)} == {0.038}
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_every_mark_is_at_its_cost_and_value(tmp_path: Path, figures: list[Figure]) -> None:
    speed_quality(tmp_path / "a.png", MARKS)
    lines = figures[0].axes[0].lines
    marks = {ends(line)[0]: line for line in lines if len(ends(line)) == 1}
    assert set(marks) == {(mark.cost, mark.value) for mark in MARKS}
    filled = {place for place, line in marks.items() if line.get_markerfacecolor() == line.get_color()}
    assert filled == {(5.0, 0.04), (2.0, 0.05), (1.0, 0.3)}
    assert marks[5.0, 0.04].get_color() == marks[2.0, 0.05].get_color() != marks[2.5, 0.06].get_color()
    intervals = [ends(line) for line in lines if len({x for x, _ in ends(line)}) == 1 and len(ends(line)) == 2]
    assert intervals == [[(5.0, 0.035), (5.0, 0.046)], [(2.0, 0.045), (2.0, 0.056)]]
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["best at each cost", "moss", "fern"]


def boxes(figure: Figure) -> dict[Annotation, Bbox]:
    return {
        text: text.get_window_extent()
        for text in figure.axes[0].get_children()
        if isinstance(text, Annotation) and text.get_text()
    }


@pytest.mark.parametrize("seed", range(3))
def test_twenty_names_do_not_overlap(tmp_path: Path, figures: list[Figure], seed: int) -> None:
    spread = np.random.default_rng(seed)
    marks = [
        Mark(f"model {k % 3}", f"dpm++2m:{k} w 1.5", 10 ** spread.uniform(-1, 1), 10 ** spread.uniform(-2, 0))
        for k in range(20)
    ]
    speed_quality(tmp_path / "a.png", marks)
    found = boxes(figures[0])
    assert sorted(text.get_text() for text in found) == sorted(mark.name for mark in marks)
    window = figures[0].bbox
    for box in found.values():
        assert window.x0 <= box.x0 and box.x1 <= window.x1 and window.y0 <= box.y0 and box.y1 <= window.y1
    for one, other in combinations(found.values(), 2):
        shared = pareto._shared(one, other)
        assert shared < 0.25 * one.width * one.height


def test_a_single_mark_and_coinciding_marks_are_plotted(tmp_path: Path, figures: list[Figure]) -> None:
    speed_quality(tmp_path / "a.png", MARKS[:1])
    speed_quality(tmp_path / "b.png", [Mark("moss", f"a$b_{k}", 1.0, 1.0) for k in range(5)])
    assert len(boxes(figures[0])) == 1 and len(boxes(figures[1])) == 5


def test_axes_with_zero_are_linear(tmp_path: Path, figures: list[Figure]) -> None:
    speed_quality(tmp_path / "a.png", [*MARKS, Mark("moss", "free", 0.0, -0.1, -0.2, 0.0)])
    ax = figures[0].axes[0]
    assert ax.get_xscale() == ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] < -0.2


def test_an_interval_close_to_zero_does_not_set_the_axis(tmp_path: Path, figures: list[Figure]) -> None:
    speed_quality(
        tmp_path / "a.png", [*MARKS, Mark("moss", "odd", 1.0, 0.04, 1e-9, 0.05), Mark("moss", "b", 1, 1, -1, 2)]
    )
    assert figures[0].axes[0].get_ylim()[0] > 0.01


@pytest.mark.parametrize("marks", [[], [Mark("moss", "a", 1.0, float("nan"))], [Mark("moss", "a", float("inf"), 1.0)]])
def test_marks_that_are_not_finite_are_refused(tmp_path: Path, marks: list[Mark]) -> None:
    with pytest.raises(UsageError) as error:
        speed_quality(tmp_path / "a.png", marks)
    assert (error.value.code, error.value.field) == ("invalid-data", "marks")
    assert not list(tmp_path.iterdir())


def test_equal_values_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        speed_quality(tmp_path / name, MARKS, 0.038)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size[0] > 600


def widths(ax: Axes) -> list[float]:
    return [bar.get_width() for bar in ax.patches if isinstance(bar, Rectangle)]


def test_bars_have_the_length_of_their_values_and_the_worst_another_colour(
    tmp_path: Path, figures: list[Figure]
) -> None:
    class_bars(tmp_path / "a.png", ("a$", "b", "c"), (0.5, 1.0, float("nan")), (3.0, 1.0, 2.0))
    fractions, distances = figures[0].axes
    assert widths(fractions) == [0.5, 1.0, 0.0]
    assert widths(distances) == [3.0, 1.0, 2.0]
    assert [text.get_text() for text in fractions.texts] == ["50.0%", "100.0%", "none"]
    assert [label.get_text() for label in fractions.get_yticklabels()] == ["a$", "b", "c"]
    for ax in (fractions, distances):
        assert ax.patches[0].get_facecolor() == to_rgba(COLOURS[1]) != ax.patches[1].get_facecolor()
    # The first class is at the top.
    assert fractions.get_ylim()[0] > fractions.get_ylim()[1]


def test_a_column_without_values_is_left_out_and_equal_bars_have_one_colour(
    tmp_path: Path, figures: list[Figure]
) -> None:
    nothing = [float("nan")] * 2
    class_bars(tmp_path / "a.png", ("a", "b"), nothing, (2.0, 2.0))
    (ax,) = figures[0].axes
    assert len({bar.get_facecolor() for bar in ax.patches}) == 1
    for accuracy, distance, field in ((nothing, nothing, "accuracy"), ((0.5,), (2.0, 2.0), "classes")):
        with pytest.raises(UsageError) as error:
            class_bars(tmp_path / "b.png", ("a", "b"), accuracy, distance)
        assert (error.value.code, error.value.field) == ("invalid-data", field)
