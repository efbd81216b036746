"""Attribute sliders of the page in Node.js: their scales, their texts, and their values in a URL."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import inkwash
from inkwash.sampling.attributes import assign_attributes

Run = Callable[..., Any]
PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()
SCALES = f"""
import {{ scaleOf }} from "{PAGE}/parts/attribute_sliders.js";
console.log(JSON.stringify(given.map(scaleOf)));
"""


def require_scale(scale: dict[str, float], low: float, high: float) -> None:
    """Assert that a scale is inside its range, in steps of which both ends are multiples."""
    step, digits = scale["step"], scale["digits"]
    assert low <= scale["min"] <= scale["max"] <= high
    assert scale["min"] - low < step * 1.001 and high - scale["max"] < step * 1.001
    for value in (scale["min"], scale["max"], step):
        assert round(value, int(digits)) == value
        assert math.isclose(value / step, round(value / step), abs_tol=1e-6)


def test_scales_of_the_bundled_model_are_round_numbers_inside_the_range(javascript: Run) -> None:
    specs = inkwash.load("words").spec.attributes
    found = javascript(SCALES, [{"range": each.range, "quantiles": each.quantiles} for each in specs])
    for spec, scale in zip(specs, found, strict=True):
        require_scale(scale, *spec.range)
        assert scale["rest"] == spec.quantile(0.5)
    steps = {spec.name: scale["step"] for spec, scale in zip(specs, found, strict=True)}
    assert (steps["holes"], steps["thickness"], steps["slant"], steps["roundness"]) == (1, 0.05, 1, 0.01)


RANGES = st.tuples(st.floats(-1000, 1000), st.floats(1e-3, 1000)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RANGES, min_size=40, max_size=60))
def test_every_range_has_about_a_hundred_steps(javascript: Run, ranges: list[tuple[float, float]]) -> None:
    asked = [{"range": [low, high], "quantiles": [low, (low + high) / 2, high + 0.5]} for low, high in ranges]
    for (low, high), scale in zip(ranges, javascript(SCALES, asked), strict=True):
        if scale["step"] != 1:
            assert 70 <= (high - low) / scale["step"] <= 220
        require_scale(scale, low, high)


def test_values_are_written_with_unit_and_range(javascript: Run) -> None:
    code = f"""
    import {{ valueText }} from "{PAGE}/parts/attribute_sliders.js";
    console.log(JSON.stringify(given.map((each) => valueText(...each))));
    """
    cases = [[[3.456], "pixels", 2], [[2, 2], "", 0], [[-10, 5.4], "degrees", 0]]
    assert javascript(code, cases) == ["3.46 pixels", "2", "-10 to 5 degrees"]


@pytest.mark.parametrize(
    ("text", "values", "invalid"),
    [
        ("slant:-10.5,width:8", {"slant": -10.5, "width": 8}, []),
        ("", {}, []),
        ("slant:", {}, ["attributes"]),
        ("slant:1e999", {}, ["attributes"]),
        ("slope:3,slant:1", {}, ["attributes"]),
        ("slant", {}, ["attributes"]),
    ],
)
def test_attributes_in_a_url_are_all_valid_or_reported(
    javascript: Run, text: str, values: dict[str, float], invalid: list[str]
) -> None:
    code = f"""
    import {{ UrlState }} from "{PAGE}/parts/url_state.js";
    const url = new UrlState(new URLSearchParams({{ attributes: given }}));
    const values = url.pairs("attributes", (name, value) => ["slant", "width"].includes(name) && Number.isFinite(value));
    console.log(JSON.stringify([values, url.invalid]));
    """
    assert javascript(code, text) == [values, invalid]


def test_newest_work_ends_with_the_last_state(javascript: Run) -> None:
    code = f"""
    import {{ newest }} from "{PAGE}/parts/newest.js";
    let state = 0, running = 0, most = 0;
    const seen = [];
    const work = newest(async () => {{
      const read = state;
      most = Math.max(most, ++running);
      await new Promise((resume) => setTimeout(resume, 1));
      running--;
      seen.push(read);
    }});
    const done = [];
    for (state = 1; state < 5; state++) done.push(work());
    state = 9;
    await work();
    const after = [...seen];
    await work();
    console.log(JSON.stringify([most, after.at(-1), after.length, seen.length]));
    """
    assert javascript(code) == [1, 9, 2, 3]


def test_attributes_are_standardized_as_in_python(javascript: Run) -> None:
    model = inkwash.load("words")
    requested = {"slant": (-10.5, None, 20.0), "holes": (1.0,), "thickness": (2.1, 3.3)}
    code = """
    import { standardized } from "@/attributes.js";
    const any = (value) => (Number.isNaN(value) ? null : value);
    console.log(JSON.stringify(Array.from(standardized(given.requested, given.scales, 5), any)));
    """
    scales = [{"name": each.name, "mean": each.mean, "std": each.std} for each in model.spec.attributes]
    found = javascript(code, {"requested": requested, "scales": scales})
    expected = assign_attributes(model, 5, requested)
    assert expected is not None
    ours = np.array([math.nan if each is None else each for each in found]).reshape(expected.shape)
    np.testing.assert_array_equal(ours.astype(np.float32), expected.numpy())
