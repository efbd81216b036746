"""The page's programs that need no browser: cards are read, ticks chosen, text spelt, races judged, pictures packed."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., Any]

PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()


def test_a_card_has_code_and_no_headings_over_nothing(javascript: Run) -> None:
    code = f"""
    import {{ blocks }} from "{PAGE}/parts/markdown.js";
    console.log(JSON.stringify(blocks(given)));
    """
    card = "# A\n\n## Seen\n**first**\n\n![first](a.png)\n\n**second**\n## Kept\n- a\n- b\n"
    card += "## Draw\n```bash\ninkwash sample\n\n# 1\n```\n"
    found = [(each["kind"], each["lines"]) for each in javascript(code, card)]
    assert found == [
        ("heading", ["A"]),
        ("heading", ["Kept"]),
        ("list", ["a", "b"]),
        ("heading", ["Draw"]),
        ("code", ["inkwash sample", "", "# 1"]),
    ]


@pytest.mark.parametrize(
    "values", [[1, 1000000], [0.03, 0.7], [2, 9], [0.11, 0.13], [4, 4.01], [0.9, 30], [95, 105], [7, 7]]
)
def test_a_logarithmic_axis_has_three_ticks_at_least(javascript: Run, values: list[float]) -> None:
    code = f"""
    import {{ axis }} from "{PAGE}/parts/axis.js";
    const made = axis(given, true, 10, 110);
    console.log(JSON.stringify([made.ticks, made.at(1e-9), made.at(1e9)]));
    """
    ticks, below, above = javascript(code, values)
    assert 3 <= len(ticks) <= 12
    assert all(10 <= at <= 110 for at, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)
    assert (below, above) == (10, 110)


def test_classes_in_turn_stand_under_each_other_in_a_picture_that_is_no_tower(javascript: Run) -> None:
    code = f"""
    import {{ columnsFor }} from "{PAGE}/parts/painting.js";
    console.log(JSON.stringify(given.map(([count, classes]) => columnsFor(count, classes))));
    """
    asked = [(20, 2), (20, 0), (6, 1), (20, 10), (4, 10), (100, 3), (4, 2)]
    assert javascript(code, asked) == [6, 5, 3, 10, 4, 12, 2]


def test_what_is_beyond_the_most_of_one_drawing_is_left_out_and_known(javascript: Run) -> None:
    code = f"""
    import {{ spell }} from "{PAGE}/views/write.js";
    console.log(JSON.stringify(given.map((text) => spell(text, ["0", "1", "2"], 3))));
    """
    whole, cut = javascript(code, ["0 12", "0 12x 01"])
    assert whole == {"order": [0, None, 1, 2], "unknown": [], "beyond": []}
    assert cut == {"order": [0, None, 1, 2, None], "unknown": ["x"], "beyond": [0, 1]}


def test_a_race_of_as_many_evaluations_is_not_won_by_the_machines_mood(javascript: Run) -> None:
    code = f"""
    import {{ judged }} from "{PAGE}/views/compare.js";
    console.log(JSON.stringify(given.map((results) => judged(results).words)));
    """
    a, b = ({"name": name, "evaluations": 50, "seconds": seconds} for name, seconds in (("A", 1.1), ("B", 1.0)))
    slow, other = a | {"name": "C", "seconds": 3.0}, b | {"name": "D", "evaluations": 20}
    even, won, shared, unlike = javascript(code, [[a, b], [b, slow], [a, slow, b], [a, other]])
    assert even == "B and A were as fast: 50 evaluations each."
    assert won == "B was first, 3.0 times as fast as C."
    assert shared == "B and A were first, 3.0 times as fast as C."
    assert unlike.startswith("D was first")


@pytest.mark.parametrize("count", [1, 3])
def test_pictures_are_packed_as_png_without_loss(javascript: Run, count: int) -> None:
    code = f"""
    import {{ png }} from "{PAGE}/parts/png.js";
    const frames = given.frames.map((data) => ({{ width: 5, height: 4, data: Uint8ClampedArray.from(data) }}));
    const told = [];
    const file = await png(frames, [40, 50, 1500], (done) => told.push(done));
    console.log(JSON.stringify([Buffer.from(file).toString("base64"), told]));
    """
    frames = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 4), dtype=np.uint8)
    frames[..., 3] = 255
    packed, told = javascript(code, {"frames": frames.reshape(count, -1).tolist()})
    assert told == list(range(1, count + 1))
    with Image.open(io.BytesIO(base64.b64decode(packed))) as image:
        assert getattr(image, "n_frames", 1) == count
        for place in range(count):
            image.seek(place)
            assert (np.asarray(image.convert("RGB")) == frames[place, ..., :3]).all()
            assert count == 1 or image.info["duration"] == [40, 50, 1500][place]


def test_a_drawing_in_colour_is_on_its_ground(javascript: Run) -> None:
    code = f"""
    import {{ InkLayer }} from "{PAGE}/parts/ink_layer.js";
    const made = new InkLayer([3, 16, 16]), middle = [8.5, 8.5], found = [];
    const at = (x, y) => [0, 1, 2].map((c) => Math.round(made.ink[c * 256 + y * 16 + x]));
    const keep = () => found.push([made.empty, at(8, 8), at(0, 0)]);
    const once = (tool) => {{ made.begin(); made.stroke(tool, middle, middle); }};
    // what is left by the soft edge of rubbing goes when it is rubbed again
    const stroke = (tool) => {{ for (let time = 0; time < (tool === "rub" ? 4 : 1); time++) once(tool); keep(); }};
    keep();
    made.lay([10, 20, 30]); keep();
    made.colour = [200, 0, 100];
    stroke("ink");
    stroke("rub");
    made.set(Float32Array.from({{ length: 768 }}, (_, at) => (at % 256 === 136 ? 0 : 240))); keep();
    stroke("rub");
    stroke("ink");
    made.clear(); keep();
    console.log(JSON.stringify(found));
    """
    ground, ink, paper = [10, 20, 30], [200, 0, 100], [240] * 3
    assert javascript(code) == [
        [True, [0, 0, 0], [0, 0, 0]],
        [True, ground, ground],
        [False, ink, ground],
        [True, ground, ground],
        [False, [0, 0, 0], paper],
        [True, paper, paper],
        [False, ink, paper],
        [True, paper, paper],
    ]


def test_an_address_is_held_against_what_its_fields_take(javascript: Run) -> None:
    code = f"""
    import {{ UrlState }} from "{PAGE}/parts/url_state.js";
    const link = new UrlState("n=-5&steps=7&guidance=0.5&seed=1.5&labels=1,99&sampler=nope&noise=");
    const whole = {{ min: 1, max: 100 }};
    const found = [
      link.number("n", 20, whole), link.number("steps", 50, whole),
      link.number("guidance", 1, {{ min: 0, max: 9, step: "any" }}),
      link.number("seed", 0, whole), link.number("other", 3, whole), link.number("noise", 4, whole),
      link.choice("sampler", "ddim", ["ddim", "heun"]), link.list("labels", ["0", "1"]),
    ];
    console.log(JSON.stringify([found, link.faults, link.right, link.asks("seed"), new UrlState("seed=1").asks("seed")]));
    """
    found, faults, right, now, then = javascript(code)
    assert found == [20, "7", "0.5", 0, 3, 4, "ddim", ["1"]]
    assert faults == ["n=-5", "seed=1.5", "sampler=nope", "labels=1,99"]
    assert right == {"steps": "7", "guidance": "0.5", "noise": ""}
    assert (now, then) == (False, True)
