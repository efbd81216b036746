"""Denoise: spectra and readings equal those of Python, and the copied Python computes what the server returns."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import inkwash
from inkwash import data
from inkwash.core import Cosine, Target
from inkwash.core.rng import Stream, normals
from inkwash.core.targets import TARGETS
from inkwash.metrics.power_spectrum import power_spectrum
from inkwash.web import denoising
from inkwash.web.catalog import Catalog
from inkwash.web.descriptions import model_description
from inkwash.web.schemas import DenoiseBody

Run = Callable[..., Any]
PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 16), (1, 8, 8)])
def test_power_spectrum_equals_that_of_python(javascript: Run, shape: tuple[int, ...]) -> None:
    code = """
    import { powerSpectrum } from "@/spectrum.js";
    console.log(JSON.stringify(powerSpectrum(Float32Array.from(given.values), given.shape)));
    """
    values = normals(4, 0, 0, Stream.SAMPLE, shape)
    found = javascript(code, {"values": values.flatten().tolist(), "shape": shape})
    np.testing.assert_allclose(found, power_spectrum(values)[0], rtol=1e-9)


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_equal_those_of_python(javascript: Run, kind: str) -> None:
    code = """
    import { targetOf } from "@/levels.js";
    const [image, noise] = given.pair.map((values) => Float32Array.from(values));
    console.log(JSON.stringify(Array.from(targetOf(given.kind, given.level, 0.5, image, noise))));
    """
    level = Cosine()(0.3)
    image, noise = normals(torch.arange(2), 0, 0, Stream.SAMPLE, (6,))
    given = {"alpha": float(level.alpha), "sigma": float(level.sigma)}
    found = javascript(code, {"kind": kind, "level": given, "pair": [image.tolist(), noise.tolist()]})
    np.testing.assert_allclose(found, Target(kind, 0.5).of(level, image, noise), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("label", "sampled"), [(3, False), (-1, True)])
def test_copied_python_gives_what_the_server_returns(
    javascript: Run, tmp_path: Path, label: int, sampled: bool
) -> None:
    code = f"""
    import {{ denoiseCode }} from "{PAGE}/parts/denoise_code.js";
    console.log(JSON.stringify(denoiseCode(given.model, given.request, given.of)));
    """
    model = inkwash.load("digits")
    drawing = data.load("digits").test_values[5]  # type: ignore[index]
    request: dict[str, Any] = {
        "image": base64.b64encode(drawing.numpy().tobytes()).decode(),
        "noise": 0.35,
        "seed": 12,
        "label": label,
    }
    described = model_description(model.recipe, model.spec, 0) | {"source": "digits"}
    texts = javascript(code, {"model": described, "request": request, "of": {"count": 1, "sampled": sampled}})
    found: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(texts["python"], found)
    answer = denoising.respond(Catalog((), tmp_path), DenoiseBody(model="digits", **request))
    for name in ["x", "x0", "eps", "v"] + ([] if sampled else ["exact"]):
        values = np.frombuffer(base64.b64decode(answer[name]), np.float32)
        np.testing.assert_allclose(found[name].flatten(), values, rtol=1e-4, atol=1e-4)
    assert printed.getvalue().count("RMS error") == 2
    expected = f"--from drawing.png --noise 0.35 --seed 12 -n 1 --label {'none' if label < 0 else 3}"
    assert texts["command"] == f"inkwash sample digits {expected}"


def test_model_of_a_private_path_has_no_code(javascript: Run) -> None:
    code = f"""
    import {{ denoiseCode }} from "{PAGE}/parts/denoise_code.js";
    console.log(JSON.stringify(denoiseCode({{ source: null }}, {{}}, null)));
    """
    assert javascript(code) == {"command": None, "python": None}
