"""Names in files, which older files contain and other programs read: a change needs a new format."""

from __future__ import annotations

import json
import tomllib

import numpy as np
from outcome import Inkwash, Runs, read_metadata

from inkwash.config import recipe
from inkwash.io import checkpoints

SECTIONS = {
    "name": None,
    "about": None,
    "target": None,
    "network": {"kind", "conditional", "base"},
    "data": {"name", "invert"},
    "schedule": {"kind", "T", "start", "end"},
    "clip": None,
    "density": {"kind"},
    "weight": {"kind"},
    "optimizer": {"kind", "lr", "betas", "weight_decay", "clip", "warmup", "decay"},
    "training": {
        "length",
        "batch",
        "seed",
        "ema",
        "label_dropout",
        "guidance",
        "guidance_interval",
        "precision",
        "checkpoint_every",
        "milestones",
    },
    "sampling": {"sampler", "preview", "guidance"},
    "experiment": {"type", "objective", "hypothesis", "next"},
}


def test_the_sections_and_fields_of_a_recipe(runs: Runs) -> None:
    written = tomllib.loads((runs.plain / "recipe.toml").read_text())
    assert {name: set(value) if isinstance(value, dict) else None for name, value in written.items()} == SECTIONS


def test_the_header_of_a_checkpoint(runs: Runs) -> None:
    header = checkpoints.load(runs.digits / "checkpoints" / "latest.safetensors").header
    assert set(header) == {"format", "recipe", "facts", "progress", "total", "seal"}
    assert header["format"] == 1
    assert set(header["facts"]) == {
        "data",
        "sha256",
        "count",
        "shape",
        "classes",
        "proportions",
        "data_std",
        "background",
    }
    assert set(header["progress"]) == {
        "step",
        "start_left",
        "loss_sum",
        "loss_count",
        "best",
        "decay_start",
        "decay_remaining",
    }
    again = recipe.Recipe.from_dict(header["recipe"]).to_dict()
    assert json.loads(json.dumps(again)) == header["recipe"]


def test_the_tensors_of_a_checkpoint(runs: Runs) -> None:
    found = checkpoints.load(runs.digits / "checkpoints" / "latest.safetensors")
    assert {name.partition(".")[0] for name in found.tensors} == {"net", "average", "optimizer"}
    assert found.part("net").keys() == found.part("average").keys()


def test_the_members_of_the_arrays(runs: Runs, inkwash: Inkwash) -> None:
    for name, values in (("digits", "images"), ("points", "points")):
        assert inkwash("sample", getattr(runs, name), "-n", "2", "--sampler", "ddim:1", "-o", f"{name}.npz").code == 0
        with np.load(f"{name}.npz", allow_pickle=False) as arrays:
            assert {key: arrays[key].dtype.str for key in arrays.files if key != "facts"} == {
                values: "|u1" if values == "images" else "<f4",
                "labels": "<i8",
                "seeds": "<i8",
            }
            assert set(json.loads(str(arrays["facts"]))) == {
                "model",
                "weights",
                "step",
                "inkwash",
                "sampler",
                "request",
            }


def test_fields_of_the_metadata_of_an_image(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, "-n", "1", "--sampler", "ddim:1", "-o", "x.png").code == 0
    metadata = read_metadata("x.png")
    assert set(metadata) == {"model", "weights", "step", "inkwash", "sampler", "request", "picture"}
    assert set(metadata["picture"]) == {"kind", "scale", "columns"}
    assert set(metadata["request"]) == {
        "model",
        "n",
        "label",
        "label_to",
        "seed",
        "seed_to",
        "sampler",
        "steps",
        "eta",
        "temperature",
        "schedule",
        "guidance",
        "interval",
        "clip",
        "precision",
        "edit",
    }
