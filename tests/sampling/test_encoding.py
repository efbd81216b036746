"""Images encoded as noise by the deterministic path backwards, and sampled again with another condition."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from raised import code_and_field
from torch import Tensor

import inkwash
from inkwash.core import Cosine, GaussianDenoiser, Sampler
from inkwash.core.inversion import invert
from inkwash.data.spec import QUANTILES, AttributeSpec
from inkwash.model import Model
from inkwash.sampling.editing import Edit
from inkwash.sampling.encoding import with_defaults
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve

Untrained = Callable[..., Model]
SHAPE = (1, 8, 8)
IMAGE = torch.arange(0, 256, 4, dtype=torch.uint8).reshape(SHAPE)


def gaussian() -> tuple[GaussianDenoiser, Tensor, Tensor]:
    """Return the denoiser of N(mean, diag(variances)) and both parameters."""
    mean, variances = torch.tensor([0.3, -1.0, 0.0]), torch.tensor([0.2, 1.0, 2.5])
    return GaussianDenoiser(mean.double(), torch.diag(variances).double()), mean.double(), variances.double()


def test_noise_of_a_gaussian_converges_to_the_standardized_image() -> None:
    # The path of Gaussian data scales each axis: noise = (image - mean) / std, up to the alpha left at the noisy end.
    denoiser, mean, variances = gaussian()
    images = torch.tensor([[0.5, 0.7, -2.0], [-0.4, -1.2, 1.0]], dtype=torch.float64)
    exact = (images - mean) / variances.sqrt()
    errors = [
        float((invert(Sampler(Cosine(), "ddim", n, eta=0.0), denoiser, images, 30) - exact).abs().max())
        for n in (50, 100, 400)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02


@pytest.mark.parametrize("steps", [2, 7, 50])
def test_the_path_from_the_noise_of_an_image_leads_to_the_image(steps: int) -> None:
    denoiser, _, _ = gaussian()
    images = torch.tensor([[0.5, 0.7, -2.0], [-0.4, -1.2, 1.0]], dtype=torch.float64)
    sampler = Sampler(Cosine(), "ddim", steps, eta=0.0)
    usual, iterated = (invert(sampler, denoiser, images, iterations) for iterations in (1, 400))

    def distance(noise: Tensor) -> float:
        return float((list(sampler(denoiser, lambda step: noise))[-1].x - images).abs().max())

    distances = [distance(usual), distance(iterated)]
    assert distances[1] < 1e-3 * max(distances[0], 1e-3)


def request(**fields: Any) -> SampleRequest:
    return SampleRequest(edit=Edit(IMAGE, encode=4), **fields)


def test_one_image_for_each_label_and_a_request_that_repeats_it(untrained: Untrained) -> None:
    model = untrained()
    run = resolve(request(label="0-1"), model)
    assert len(run) == 2 and run.sampler.kind == "ddim" and run.sampler.steps == 4
    assert run.seeds.tolist() == [0, 0]
    stored = SampleRequest.from_dict(replace(run.request, model="m").to_dict())
    again = resolve(stored, model)
    first, second = (next(each.batches()).values for each in (run, again))
    assert torch.equal(first, second)


def test_samples_in_batches_are_those_of_one_batch(untrained: Untrained) -> None:
    run = resolve(request(label="0-1", n=4), untrained())
    assert torch.equal(
        torch.cat([each.values for each in run.batches(1)]), torch.cat([each.values for each in run.batches(4)])
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sampler": "ddpm:4"}, ("unsupported", "sampler")),
        ({"sampler": "ddim:4", "eta": 1.0}, ("unsupported", "sampler")),
        ({"seed": 3}, ("no-effect", "seed")),
        ({"attributes": {"thickness+": 1.0}}, ("no-effect", "attributes")),
    ],
)
def test_settings_without_effect_are_refused(untrained: Untrained, fields: Any, expected: tuple[str, str]) -> None:
    assert code_and_field(lambda: resolve(request(**fields), untrained())) == expected


@pytest.mark.parametrize("steps", [0, -1, 10**6])
def test_steps_outside_the_schedule_are_refused(untrained: Untrained, steps: int) -> None:
    assert code_and_field(
        lambda: resolve(SampleRequest(edit=Edit(IMAGE, encode=steps), sampler="ddim:4"), untrained())
    ) == ("out-of-range", "encode")


@pytest.mark.parametrize(
    ("fields", "field"), [({"noise": 0.5}, "noise"), ({"mask": torch.ones(8, 8, dtype=torch.bool)}, "mask")]
)
def test_an_encoded_image_takes_neither_noise_nor_mask(fields: Any, field: str) -> None:
    assert code_and_field(lambda: Edit(IMAGE, encode=4, **fields)) == ("conflict", field)


def bar(width: int) -> Tensor:
    image = torch.zeros(SHAPE, dtype=torch.uint8)
    image[:, 1:7, 3 : 3 + width] = 255
    return image


def test_changes_are_added_to_what_the_image_has(untrained: Untrained) -> None:
    model = untrained()
    spec = replace(model.spec, attributes=(AttributeSpec("width", 3.0, 1.0, QUANTILES, ()),))
    model = replace(model, spec=spec)
    found = [
        with_defaults(SampleRequest(edit=Edit(bar(w), encode=4), attributes={name: (1.0, 0.5)}), model).attributes
        for w, name in ((2, "width+"), (3, "width+"), (3, "width-"))
    ]
    two, three, less = ((each or {})["width"] for each in found)
    assert isinstance(two, tuple) and isinstance(three, tuple) and isinstance(less, tuple)
    assert three[0] - two[0] == pytest.approx(1, abs=0.2)  # type: ignore[operator]
    assert three[0] - less[0] == pytest.approx(2, abs=1e-3)  # type: ignore[operator]
    assert code_and_field(
        lambda: with_defaults(SampleRequest(edit=Edit(bar(0), encode=4), attributes={"width+": 1.0}), model)
    ) == ("invalid-data", "image")


def test_an_encoded_digit_is_reproduced_from_its_file(tmp_path: Path) -> None:
    picture = tmp_path / "seven.png"
    digit = inkwash.sample("fast", n=1, label=7, seed=3, progress=False)
    Image.fromarray(digit.values[0, 0].numpy()).save(picture)
    out = tmp_path / "again.png"
    command = [sys.executable, "-m", "inkwash", "sample"]
    options = ["fast", "--from", str(picture), "--encode", "5", "--label", "7", "--out", str(out), "--quiet"]
    assert subprocess.run([*command, *options]).returncode == 0
    assert subprocess.run([*command, str(out), "--quiet"]).returncode == 0
