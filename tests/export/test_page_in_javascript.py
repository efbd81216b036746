"""Modules of the page that need no browser: axes, text, comparison, PNG, the ink layer, URL parameters."""

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

from inkwash.io.png_metadata import read_metadata, save_png
from inkwash.viz.samples import POINT_LIMITS
from inkwash.web.events import FIELD_SIDE

Run = Callable[..., Any]

PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()


@pytest.mark.parametrize(
    "values", [[1, 1000000], [0.03, 0.7], [2, 9], [0.11, 0.13], [4, 4.01], [0.9, 30], [95, 105], [7, 7]]
)
def test_logarithmic_axis_has_at_least_three_ticks(javascript: Run, values: list[float]) -> None:
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


def test_columns_are_a_multiple_of_the_number_of_classes(javascript: Run) -> None:
    code = f"""
    import {{ columnsFor }} from "{PAGE}/parts/painting.js";
    console.log(JSON.stringify(given.map(([count, classes]) => columnsFor(count, classes))));
    """
    cases = [(20, 2), (20, 0), (6, 1), (20, 10), (4, 10), (100, 3), (4, 2)]
    assert javascript(code, cases) == [6, 5, 3, 10, 4, 12, 2]


def test_labels_after_the_limit_are_omitted(javascript: Run) -> None:
    code = f"""
    import {{ labelsOfText }} from "{PAGE}/views/write.js";
    console.log(JSON.stringify(given.map((text) => labelsOfText(text, ["0", "1", "2"], 3))));
    """
    complete, cut = javascript(code, ["0 12", "0 12x 01"])
    assert complete == {"order": [0, None, 1, 2], "unknown": [], "omitted": []}
    assert cut == {"order": [0, None, 1, 2, None], "unknown": ["x"], "omitted": [0, 1]}


def test_long_text_is_read_in_linear_time_and_cut(javascript: Run) -> None:
    code = f"""
    import {{ labelsOfText }} from "{PAGE}/views/write.js";
    const unwritable = labelsOfText("x".repeat(300000), ["0", "1"]);
    const spaced = labelsOfText("1" + " ".repeat(40000) + "0", ["0", "1"]);
    console.log(JSON.stringify([unwritable.unknown.length, spaced.order.length, spaced.omitted]));
    """
    assert javascript(code) == [300_000, 1000, [0]]


def test_grid_of_the_field_equals_that_of_the_server(javascript: Run) -> None:
    code = f"""
    import {{ fieldGrid }} from "{PAGE}/math/grid.js";
    console.log(JSON.stringify(Array.from(fieldGrid())));
    """
    line = np.linspace(POINT_LIMITS[0], POINT_LIMITS[1], FIELD_SIDE)
    expected = np.stack(np.meshgrid(line, line, indexing="xy"), axis=-1).reshape(-1)
    np.testing.assert_allclose(javascript(code), expected, atol=1e-6)


def test_cost_of_a_link_counts_guidance_and_second_evaluations(javascript: Run) -> None:
    code = f"""
    import {{ costOf }} from "{PAGE}/parts/settings.js";
    console.log(JSON.stringify(given.map(costOf)));
    """
    few = {"seeds": [0] * 20, "steps": 50, "sampler": "ddim", "guidance": None}
    cheap, guided, heun = javascript(
        code, [few, few | {"steps": 200, "guidance": 2}, few | {"steps": 200, "sampler": "heun"}]
    )
    assert cheap is None and "8,000 network evaluations" in guided and "8,000 network evaluations" in heun


def test_equal_evaluations_with_similar_seconds_tie(javascript: Run) -> None:
    code = f"""
    import {{ compareSpeed }} from "{PAGE}/views/compare.js";
    console.log(JSON.stringify(given.map((results) => compareSpeed(results).text)));
    """
    a, b = ({"name": name, "evaluations": 50, "seconds": seconds} for name, seconds in (("A", 1.1), ("B", 1.0)))
    slow, other = a | {"name": "C", "seconds": 3.0}, b | {"name": "D", "evaluations": 20}
    even, won, shared, unlike = javascript(code, [[a, b], [b, slow], [a, slow, b], [a, other]])
    assert even == "B and A are equally fast: 50 evaluations each."
    assert won == "B is fastest, 3.0 times as fast as C."
    assert shared == "B and A are fastest, 3.0 times as fast as C."
    assert unlike.startswith("D is fastest")


@pytest.mark.parametrize("count", [1, 3])
def test_png_and_apng_are_lossless(javascript: Run, count: int) -> None:
    code = f"""
    import {{ png }} from "{PAGE}/parts/png.js";
    const frames = given.frames.map((data) => ({{ width: 5, height: 4, data: Uint8ClampedArray.from(data) }}));
    const progress = [];
    const file = await png(frames, {{ delays: [40, 50, 1500], onprogress: (done) => progress.push(done) }});
    console.log(JSON.stringify([Buffer.from(file).toString("base64"), progress]));
    """
    frames = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 4), dtype=np.uint8)
    frames[..., 3] = 255
    encoded, progress = javascript(code, {"frames": frames.reshape(count, -1).tolist()})
    assert progress == list(range(1, count + 1))
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        assert getattr(image, "n_frames", 1) == count
        for place in range(count):
            image.seek(place)
            assert (np.asarray(image.convert("RGB")) == frames[place, ..., :3]).all()
            assert count == 1 or image.info["duration"] == [40, 50, 1500][place]


def test_metadata_of_a_png_is_that_of_python(javascript: Run, tmp_path: Path) -> None:
    code = f"""
    import {{ png, readMetadata }} from "{PAGE}/parts/png.js";
    const frame = {{ width: 1, height: 1, data: Uint8ClampedArray.of(1, 2, 3, 255) }};
    const made = [await png([frame], {{ metadata: given.metadata }}), await png([frame])];
    const files = [...made, Buffer.from(given.python, "base64")];
    const cut = [0, 8, 20, 40, 70].map((end) => readMetadata(new Uint8Array(files[2].subarray(0, end))));
    const read = files.map((file) => readMetadata(new Uint8Array(file)));
    console.log(JSON.stringify([Buffer.from(files[0]).toString("base64"), ...read, cut]));
    """
    metadata = {"page": "#sample?prompt=a bold 7", "other": "\u00e9\u2028\u00df\u0000 \U0001f600"}
    save_png(Image.new("L", (2, 2)), tmp_path / "a.png", metadata)
    written, ours, none, python, cut = javascript(
        code, {"metadata": metadata, "python": base64.b64encode((tmp_path / "a.png").read_bytes()).decode()}
    )
    (tmp_path / "b.png").write_bytes(base64.b64decode(written))
    assert read_metadata(tmp_path / "b.png") == metadata == ours
    assert none is None and {name: python[name] for name in metadata} == metadata
    assert cut == [None] * 5


def test_ink_layer_in_colour_keeps_its_background(javascript: Run) -> None:
    code = f"""
    import {{ InkLayer }} from "{PAGE}/parts/ink_layer.js";
    const made = new InkLayer([3, 16, 16]), middle = [8.5, 8.5], found = [];
    const at = (x, y) => [0, 1, 2].map((c) => Math.round(made.pixels[c * 256 + y * 16 + x]));
    const keep = () => found.push([made.isBlank, at(8, 8), at(0, 0)]);
    const once = (tool) => {{ made.beginStroke(); made.stroke(tool, middle, middle); }};
    // The soft edge of the eraser leaves a rest, which further strokes remove.
    const stroke = (tool) => {{ for (let time = 0; time < (tool === "erase" ? 4 : 1); time++) once(tool); keep(); }};
    keep();
    made.setBackground([10, 20, 30]); keep();
    made.colour = [200, 0, 100];
    stroke("ink");
    stroke("erase");
    made.set(Float32Array.from({{ length: 768 }}, (_, at) => (at % 256 === 136 ? 0 : 240))); keep();
    stroke("erase");
    stroke("ink");
    made.clear(); keep();
    console.log(JSON.stringify(found));
    """
    background, ink, paper = [10, 20, 30], [200, 0, 100], [240] * 3
    assert javascript(code) == [
        [True, [0, 0, 0], [0, 0, 0]],
        [True, background, background],
        [False, ink, background],
        [True, background, background],
        [False, [0, 0, 0], paper],
        [True, paper, paper],
        [False, ink, paper],
        [True, paper, paper],
    ]


def test_url_parameters_are_validated_against_their_fields(javascript: Run) -> None:
    code = f"""
    import {{ UrlState }} from "{PAGE}/parts/url_state.js";
    const url = new UrlState("n=-5&steps=7&guidance=0.5&seed=1.5&labels=1,99&sampler=nope&noise=");
    const range = {{ min: 1, max: 100 }};
    const found = [
      url.number("n", 20, range), url.number("steps", 50, range),
      url.number("guidance", 1, {{ min: 0, max: 9, step: "any" }}),
      url.number("seed", 0, range), url.number("other", 3, range), url.number("noise", 4, range),
      url.choice("sampler", "ddim", ["ddim", "heun"]), url.list("labels", ["0", "1"]),
    ];
    const sampled = [url, new UrlState("seed=1")].map((each) => each.shouldSample("seed"));
    console.log(JSON.stringify([found, url.invalidParameters, url.valid, ...sampled]));
    """
    found, invalid, valid, with_invalid, without = javascript(code)
    assert found == [20, "7", "0.5", 0, 3, 4, "ddim", ["1"]]
    assert invalid == ["n=-5", "seed=1.5", "sampler=nope", "labels=1,99"]
    assert valid == {"steps": "7", "guidance": "0.5", "noise": ""}
    assert (with_invalid, without) == (False, True)


def test_calls_during_a_run_cause_one_more_run_that_reads_the_last_state(javascript: Run) -> None:
    code = f"""
    import {{ newest }} from "{PAGE}/parts/newest.js";
    let state = 0, running = 0, most = 0;
    const read = [];
    const start = newest(async () => {{
      most = Math.max(most, ++running);
      read.push(state);
      await new Promise((resume) => setTimeout(resume, 5));
      running--;
    }});
    for (state = 1; state <= 5; state++) start();
    state = 6;
    await start();
    while (running || read.at(-1) !== 6) await new Promise((resume) => setTimeout(resume, 5));
    state = 7;
    await start();
    console.log(JSON.stringify([read, most]));
    """
    assert javascript(code) == [[1, 6, 7], 1]


def test_models_of_one_step_are_live_and_have_a_counterpart_of_several(javascript: Run) -> None:
    code = f"""
    import {{ counterpart, isLive }} from "{PAGE}/parts/live_panel.js";
    const found = given.map((model) => [isLive(model), counterpart(model, given)?.name ?? null]);
    console.log(JSON.stringify(found));
    """
    common = {"data": "mnist", "conditional": True, "classes": ["0", "1"], "shape": [1, 28, 28]}
    models = [
        common | {"name": "one", "steps": 1},
        common | {"name": "broken", "steps": 9, "broken": "damaged"},
        common | {"name": "other", "steps": 9, "classes": ["a", "b"]},
        common | {"name": "many", "steps": 15},
        common | {"name": "points", "data": "moons", "steps": 1, "shape": [2]},
    ]
    assert javascript(code, models) == [[True, "many"], [False, "one"], [False, None], [False, "one"], [False, None]]
