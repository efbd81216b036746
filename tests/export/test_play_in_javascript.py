"""Play: the exact denoiser equals that of Python, and a trained network samples the data."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.core import Cosine, EmpiricalDenoiser
from inkwash.core.rng import Stream, normals

Run = Callable[..., Any]
PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()
POINTS = normals(torch.tensor([5]), 0, 0, Stream.SAMPLE, (60,)).reshape(30, 2).round(decimals=2)
LABELS = torch.arange(30) % 2


@pytest.mark.parametrize("u", [0.02, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("label", [None, [0, 1, -1, 1]])
def test_exact_denoiser_equals_that_of_python(javascript: Run, u: float, label: list[int] | None) -> None:
    code = f"""
    import {{ exactDenoiser }} from "{PAGE}/math/exact.js";
    import {{ build }} from "{PAGE}/math/schedules.js";
    const denoise = exactDenoiser(Float32Array.from(given.points), 2, given.labels);
    const x = Float32Array.from(given.x), level = build({{ kind: "cosine" }}).level(given.u);
    console.log(JSON.stringify(Array.from(await denoise(x, level, given.label))));
    """
    x = normals(torch.arange(4), 0, 1, Stream.SAMPLE, (2,))
    given = {"points": POINTS.flatten().tolist(), "labels": LABELS.tolist(), "x": x.flatten().tolist()}
    found = javascript(code, given | {"u": u, "label": label})
    requested = None if label is None else torch.tensor(label)
    expected = EmpiricalDenoiser(POINTS, LABELS)(x, Cosine()(u), requested)
    np.testing.assert_allclose(found, expected.flatten(), rtol=1e-5, atol=1e-5)


def energy(first: list[float], second: list[float]) -> float:
    """Return the unbiased energy distance of two samples of the plane."""

    def mean(a: np.ndarray, b: np.ndarray, pairs: int) -> float:
        return float(np.linalg.norm(a[:, None] - b[None], axis=-1).sum() / pairs)

    x, y = (np.reshape(values, (-1, 2)) for values in (first, second))
    n, m = len(x), len(y)
    return 2 * mean(x, y, n * m) - mean(x, x, n * (n - 1)) - mean(y, y, m * (m - 1))


def test_density_integrates_to_one_and_energy_distance_is_unbiased(javascript: Run) -> None:
    code = f"""
    import {{ density }} from "{PAGE}/math/exact.js";
    import {{ energyDistance }} from "{PAGE}/math/energy.js";
    import {{ fieldGrid, WINDOW }} from "{PAGE}/math/grid.js";
    const grid = fieldGrid(101), cell = ((2 * WINDOW) / 100) ** 2;
    const values = density(Float32Array.from(given.points), grid, {{ alpha: 0.6, sigma: 0.3 }});
    const first = Float32Array.from(given.first), second = Float32Array.from(given.second);
    const far = second.map((value, i) => value + (i % 2 ? 0 : 3));
    const total = values.reduce((a, b) => a + b) * cell;
    console.log(JSON.stringify([total, energyDistance(first, second), energyDistance(first, far)]));
    """
    first, second = (normals(torch.tensor([k]), 0, 0, Stream.SAMPLE, (1200,))[0].tolist() for k in (1, 2))
    moved = (np.reshape(second, (-1, 2)) + np.array([3, 0])).ravel().tolist()
    total, same, far = javascript(code, {"points": POINTS.flatten().tolist(), "first": first, "second": second})
    assert (
        total == pytest.approx(1, abs=0.01)
        and abs(same) < 0.01
        and far == pytest.approx(energy(first, moved), rel=1e-5)
    )


@pytest.mark.parametrize(("label", "guidance"), [(-1, 1), (1, 1), (0, 2.5)])
def test_copied_python_gives_the_trajectory_of_the_page(javascript: Run, label: int, guidance: float) -> None:
    code = f"""
    import {{ pythonOf }} from "{PAGE}/play/code.js";
    import {{ denoiserOf, trajectories }} from "{PAGE}/play/sampling.js";
    const data = {{ points: Float32Array.from(given.points), labels: Int8Array.from(given.labels) }};
    const settings = {{ sampler: "dpm++2m", steps: 6, count: 5, seed: 9, label: given.label, guidance: given.guidance }};
    const {{ frames, fields }} = await trajectories(denoiserOf(data), settings);
    const program = pythonOf(data, {{ ...settings, isExact: true }});
    console.log(JSON.stringify([frames.map((x) => Array.from(x)), fields.length, program]));
    """
    given = {"points": POINTS.flatten().tolist(), "labels": LABELS.tolist(), "label": label, "guidance": guidance}
    frames, fields, program = javascript(code, given)
    found: dict[str, Any] = {"xs": []}
    program = program.replace("print(frame.level.c_noise, frame.x[:3])", "xs.append(frame.x)")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, found)
    assert fields == 6 and len(frames) == len(found["xs"]) == 7
    for in_javascript, in_python in zip(frames, found["xs"], strict=True):
        np.testing.assert_allclose(in_javascript, in_python.flatten(), rtol=1e-4, atol=1e-4)


def test_gradient_of_the_network_equals_finite_differences(javascript: Run) -> None:
    code = f"""
    import {{ Mlp, features }} from "{PAGE}/math/mlp.js";
    const net = new Mlp(3, 8, 2), input = features(Float32Array.of(0.3, -1, 1.2, 0.4), 0.4, [1, -1]);
    const target = Float32Array.of(1, 0, -1, 0.5), found = [];
    net.backward(input, target);
    const gradient = net.gradient.slice(), loss = () => net.backward(input, target);
    for (let i = 0; i < gradient.length; i += 7) {{
      const kept = net.parameters[i];
      net.parameters[i] = kept + 1e-2; const above = loss();
      net.parameters[i] = kept - 1e-2; const below = loss();
      net.parameters[i] = kept;
      found.push([gradient[i], (above - below) / 2e-2]);
    }}
    console.log(JSON.stringify(found));
    """
    by_hand, measured = np.array(javascript(code)).T
    assert len(by_hand) > 20 and np.abs(by_hand).max() > 0.05
    np.testing.assert_allclose(by_hand, measured, atol=2e-3)


def test_trained_network_samples_the_data(javascript: Run) -> None:
    code = f"""
    import {{ train }} from "{PAGE}/math/training.js";
    import {{ dataset }} from "{PAGE}/play/datasets.js";
    import {{ denoiserOf, trajectories }} from "{PAGE}/play/sampling.js";
    import {{ energyDistance }} from "{PAGE}/math/energy.js";
    const data = dataset("spiral"), fresh = dataset("spiral", 400, 7);
    let last = null;
    for (last of train(data.points, data.labels, {{ steps: 700 }}));
    const denoise = denoiserOf(data, last.parameters), found = [];
    const settings = {{ steps: 20, guidance: 1, label: -1, count: 300, seed: 3 }};
    for (const sampler of ["dpm++2m", "ddpm"]) {{
      const {{ frames }} = await trajectories(denoise, {{ ...settings, sampler }});
      found.push(energyDistance(frames[0], fresh.points), energyDistance(frames.at(-1), fresh.points));
    }}
    const {{ frames }} = await trajectories(denoise, {{ ...settings, sampler: "dpm++2m", label: 1 }});
    const ofClass = (which) => fresh.points.filter((_, i) => fresh.labels[Math.floor(i / 2)] === which);
    const ofClasses = [1, 0].map((which) => energyDistance(frames.at(-1), ofClass(which)));
    console.log(JSON.stringify([found, ofClasses]));
    """
    (start, ode, _, sde), (own, other) = javascript(code)
    assert start > 0.03 and ode < 0.015 and sde < 0.015
    assert own < 0.04 and other > 3 * own


def test_points_survive_their_text_and_other_text_is_empty(javascript: Run) -> None:
    code = f"""
    import {{ NAMES, dataset, decodePoints, encodePoints }} from "{PAGE}/play/datasets.js";
    const found = Object.keys(NAMES).filter((name) => name !== "drawn").map((name) => {{
      const data = dataset(name), back = decodePoints(encodePoints(data));
      const error = Math.max(...data.points.map((value, i) => Math.abs(value - back.points[i])));
      return [error, String(data.labels) === String(back.labels), Math.max(...data.points.map(Math.abs))];
    }});
    console.log(JSON.stringify([found, decodePoints("!").labels.length]));
    """
    found, empty = javascript(code)
    assert len(found) == 4 and empty == 0
    assert all(error <= 0.0101 and equal and largest < 2.5 for error, equal, largest in found)
