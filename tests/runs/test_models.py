"""Loading trained models, their sampling schedules, clipping and guidance."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import inkwash
from inkwash import model
from inkwash.config import recipe
from inkwash.core import SCHEDULES, Clipped, Cosine, Guided, Karras, Linear, NetDenoiser, Schedule
from inkwash.errors import InkwashError, UsageError
from inkwash.io import checkpoints
from inkwash.model import Model
from inkwash.runs.run import Run

Untrained = Callable[..., Model]


def test_a_model_is_the_averaged_network_of_its_run(complete: Run) -> None:
    loaded, here = model.load(complete.folder.path), complete.trainer.ema_model
    assert (loaded.name, loaded.step, loaded.spec, loaded.weights) == (here.name, here.step, here.spec, here.weights)
    assert loaded.recipe.to_dict() == complete.trainer.recipe.to_dict()
    expected = complete.trainer.state.ema_net.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.net.state_dict().items())
    assert not loaded.net.training
    assert not any(weight.requires_grad for weight in loaded.net.parameters())


def test_a_folder_and_its_latest_file_are_the_same_model(complete: Run) -> None:
    of_folder, of_file = model.load(complete.folder.path), model.load(complete.folder.latest)
    assert of_folder.weights == of_file.weights
    early = model.load(complete.folder.checkpoints / "best.safetensors")
    assert early.step in (3, 6)


def test_weights_kept_in_half_precision_compute_in_float32(complete: Run, tmp_path: Path) -> None:
    checkpoint = checkpoints.load(complete.folder.latest)
    half = {f"average.{name}": value.bfloat16() for name, value in checkpoint.part("average").items()}
    checkpoints.save(tmp_path / "half.safetensors", checkpoint._replace(tensors=half))
    loaded = model.load(tmp_path / "half.safetensors")
    assert {weight.dtype for weight in loaded.net.parameters()} == {torch.float32}
    assert inkwash.sample(loaded, n=2, steps=2).images.shape == (2, 8, 8)


def test_a_checkpoint_of_another_network_is_refused_in_one_line(complete: Run, tmp_path: Path) -> None:
    checkpoint = checkpoints.load(complete.folder.latest)
    network = checkpoint.header["recipe"]["network"] | {"widths": [16, 16]}
    header = checkpoint.header | {"recipe": checkpoint.header["recipe"] | {"network": network}}
    path = tmp_path / "other.safetensors"
    checkpoints.save(path, checkpoint._replace(header=header))
    with pytest.raises(InkwashError) as error:
        model.load(path)
    assert error.value.code == "mismatch" and str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("missing", ["recipe", "facts", "progress"])
def test_a_header_with_a_missing_part_is_refused_in_one_line(complete: Run, tmp_path: Path, missing: str) -> None:
    checkpoint = checkpoints.load(complete.folder.latest)
    header = {key: value for key, value in checkpoint.header.items() if key != missing}
    path = tmp_path / "bare.safetensors"
    save_file(
        {k: v.contiguous() for k, v in checkpoint.tensors.items()}, path, metadata={"inkwash": json.dumps(header)}
    )
    with pytest.raises(InkwashError) as error:
        model.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_missing_models_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UsageError, match=str(path)):
            model.load(path)


def test_sampling_of_an_eps_network_starts_where_the_target_is_solvable(untrained: Untrained) -> None:
    chosen = untrained("target=eps")
    assert float(Cosine().terminal.log_snr) == -torch.inf
    started = chosen.schedule().levels(20)[0]
    assert float(started.log_snr) == pytest.approx(-9, abs=1e-6)
    assert chosen.target.determinant(started) > 0


@pytest.mark.parametrize("target", ["v", "x0", "flow", "edm"])
def test_other_targets_start_at_pure_noise(untrained: Untrained, target: str) -> None:
    chosen = untrained(f"target={target}")
    assert float(chosen.schedule().levels(20)[0].alpha) == 0


@pytest.mark.parametrize("target", ["eps", "v"])
def test_sampling_never_starts_above_the_noise_that_training_saw(untrained: Untrained, target: str) -> None:
    chosen = untrained(f"target={target}", "schedule={kind='linear', T=300}")
    seen = float(Linear(T=300).terminal.log_snr)
    for other in (Cosine(), Karras(high=1e4), Linear(T=1000)):
        assert float(other.terminal.log_snr) < seen
        started = chosen.schedule(other).levels(20)[0]
        assert float(started.log_snr) == pytest.approx(seen, abs=1e-6)
    assert chosen.schedule() is chosen.recipe.schedule


def test_a_sampling_schedule_within_the_trained_levels_is_unchanged(untrained: Untrained) -> None:
    chosen, other = untrained(), Karras(high=20.0)
    assert chosen.schedule(other) is other
    assert untrained("sampling.schedule={kind='karras', high=20.0}").schedule() == other


@pytest.mark.parametrize("target", ["eps", "v"])
@pytest.mark.parametrize("kind", sorted(set(SCHEDULES)))
@pytest.mark.parametrize("warp", ["none", "shift", "power"])
def test_the_noise_level_decreases_in_every_step(untrained: Untrained, target: str, kind: str, warp: str) -> None:
    chosen = untrained(f"target={target}", f"schedule={{kind='{kind}', warp={{kind='{warp}'}}}}")
    for text in ("ddpm:200", "ddim:50", "dpm++2m"):
        levels = chosen.sampler(text).schedule.levels(chosen.sampler(text).steps)
        codes = [float(level.c_noise) for level in levels]
        assert all(now > nxt for now, nxt in pairwise(codes))


@pytest.mark.parametrize("warp", [None, "{kind='shift'}"])
def test_ddpm_has_a_step_for_each_timestep(untrained: Untrained, warp: str | None) -> None:
    section = "kind='linear', T=30" + (f", warp={warp}" if warp else "")
    assert untrained(f"schedule={{{section}}}").sampler("ddpm").steps == 30


@pytest.mark.parametrize(
    ("text", "steps", "taken"),
    [
        (None, None, ("ddim", 2)),
        ("dpm++2m:7", None, ("dpm++2m", 7)),
        ("ddpm:9", 4, ("ddpm", 4)),
        ("heun", 3, ("heun", 3)),
    ],
)
def test_steps_override_the_text_and_the_text_the_recipe(
    untrained: Untrained, text: str | None, steps: int | None, taken: tuple[str, int]
) -> None:
    sampler = untrained().sampler(text, steps)
    assert (sampler.kind, sampler.steps) == taken


def test_images_of_eps_networks_are_clipped_by_default(untrained: Untrained) -> None:
    eps, v = untrained("target=eps"), untrained()
    assert isinstance(eps.denoiser(), Clipped) and isinstance(eps.denoiser(clip=False), NetDenoiser)
    assert isinstance(v.denoiser(), NetDenoiser) and isinstance(v.denoiser(clip=True), Clipped)


def test_images_are_clipped_if_the_recipe_clips(untrained: Untrained) -> None:
    clips = untrained("clip=true")
    assert isinstance(clips.denoiser(), Clipped) and isinstance(clips.denoiser(clip=False), NetDenoiser)


def test_guidance_needs_a_conditional_network(untrained: Untrained) -> None:
    unconditional = untrained("training.label_dropout=0.0", "network.conditional=false")
    with pytest.raises(UsageError) as error:
        unconditional.denoiser(guidance=2.0)
    assert (error.value.code, error.value.field) == ("no-effect", "guidance")
    assert isinstance(unconditional.denoiser(guidance=1.0), NetDenoiser)
    assert isinstance(untrained().denoiser(guidance=2.0), Guided)
    assert isinstance(untrained("sampling.guidance=2.0").denoiser(), Guided)


@pytest.mark.parametrize("interval", [(0.5, 0.5), (0.6, 0.4), (-0.1, 1.0), (0.0, 1.1)])
def test_a_guidance_interval_lies_within_the_path(untrained: Untrained, interval: tuple[float, float]) -> None:
    with pytest.raises(UsageError) as error:
        untrained().denoiser(guidance=2.0, interval=interval)
    assert (error.value.code, error.value.field) == ("out-of-range", "interval")


def test_an_unknown_schedule_in_a_checkpoint_names_it(complete: Run, tmp_path: Path) -> None:
    checkpoint = checkpoints.load(complete.folder.latest)
    header = checkpoint.header | {"recipe": checkpoint.header["recipe"] | {"schedule": {"kind": "bent"}}}
    checkpoints.save(tmp_path / "other.safetensors", checkpoint._replace(header=header))
    with pytest.raises(UsageError, match="bent"):
        model.load(tmp_path / "other.safetensors")


def test_a_spec_equals_its_json(untrained: Untrained) -> None:
    spec = untrained().spec
    plain: dict[str, Any] = json.loads(json.dumps(spec.to_dict()))
    assert type(spec).from_dict(plain) == spec
    assert spec.num_classes(True) == 10 and spec.num_classes(False) == 0
    assert isinstance(spec.shape, tuple) and not spec.is_points


def test_a_cut_schedule_is_a_schedule(untrained: Untrained) -> None:
    assert isinstance(untrained("target=eps").schedule(), Schedule)


@pytest.mark.parametrize("name", model.bundled())
def test_texts_of_a_bundled_model_are_those_of_its_recipe(name: str) -> None:
    current, written = recipe.load(name), Path(str(resources.files("inkwash.models"))) / name / "recipe.toml"
    stored = tomllib.loads(written.read_text(encoding="utf-8"))
    assert (stored["about"], stored["experiment"]) == (current.about, current.to_dict()["experiment"])
    loaded = model.load(name).recipe
    assert (loaded.about, loaded.experiment) == (current.about, current.experiment)


def test_a_changed_bundled_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(str(resources.files("inkwash.models")))
    assert set(json.loads((root / "sums.json").read_text())) == set(model.bundled())
    shutil.copytree(root / "moons", tmp_path / "moons")
    shutil.copy(root / "sums.json", tmp_path)
    files = resources.files
    monkeypatch.setattr(resources, "files", lambda name: tmp_path if name == "inkwash.models" else files(name))
    assert model.load("moons").step == model.load(tmp_path / "moons").step
    latest = tmp_path / "moons" / "checkpoints" / "latest.safetensors"
    content = bytearray(latest.read_bytes())
    content[-1] ^= 1
    latest.write_bytes(content)
    for name in ("moons", tmp_path / "moons", latest):
        with pytest.raises(InkwashError) as error:
            model.load(name)
        assert error.value.code == "damaged-file"


class FarBelowBlack(torch.nn.Module):
    """A network of target x0 that predicts -2 with a label and -9 without, where black is -1."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor, code: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        return torch.full_like(x, -9.0 if label is None else -2.0)


def test_a_clipped_model_guides_from_a_clipped_prediction_without_label(untrained: Untrained) -> None:
    clipped = untrained("target=x0", "clip=true")
    far = replace(clipped, net=FarBelowBlack())
    x, label = torch.zeros(2, *far.spec.shape), torch.zeros(2, dtype=torch.int64)
    # Unclipped, guidance of 3 would extrapolate from -9 to 12, which is white.
    assert (far.denoiser(guidance=3.0)(x, Cosine()(0.5), label) == -1).all()
