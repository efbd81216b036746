"""Weights of other programs: pickles are named and never opened, safetensors are matched with networks."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from outcome import Inkwash, UsageErrorOf
from safetensors.torch import save_file
from torch import Tensor

from inkwash import api, model
from inkwash.web.catalog import Catalog

Weights = dict[str, Tensor]


def digits(prefix: str = "", scale: float = 1.0) -> Weights:
    """The weights of the bundled model of digits."""
    return {f"{prefix}{name}": value * scale for name, value in api.load("digits").net.state_dict().items()}


def legacy(path: Path) -> None:
    torch.save(digits(), path, _use_new_zipfile_serialization=False)


def plain(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 3}))


PICKLES: dict[str, Callable[[Path], None]] = {
    "model.pt": lambda path: torch.save(digits(), path),
    "model.ckpt": lambda path: torch.save({"state_dict": digits()}, path),
    "model.pth": legacy,
    "model.safetensors": lambda path: torch.save(digits(), path),
    "old.safetensors": legacy,
    "pytorch_model.bin": lambda path: torch.save(digits(), path),
    "weights": lambda path: torch.save(digits(), path),
    "weights.zip": lambda path: torch.save(digits(), path),
    "weights.dat": plain,
    "empty.pt": Path.touch,
}


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_is_named_and_never_opened(name: str, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    PICKLES[name](Path(name))

    def forbidden(*arguments: object, **options: object) -> None:
        raise AssertionError("a pickle was opened")

    monkeypatch.setattr(torch, "load", forbidden)
    monkeypatch.setattr(pickle, "load", forbidden)
    for command in (["sample", name], ["train", "digits", "--from", name], ["export", name], ["evaluate", name]):
        outcome = inkwash(*command)
        assert (outcome.code, outcome.kind) == (2, ("wrong-file", "model")), outcome.err
        assert "pickle" in outcome.message and "safetensors" in outcome.message


@pytest.mark.parametrize("prefix", ["", "model.", "net.unet.", "average."])
def test_tensors_of_a_bundled_network_are_loaded(prefix: str, inkwash: Inkwash) -> None:
    save_file(digits(prefix), "plain.safetensors")
    outcome = inkwash("sample", "plain.safetensors", "-n", 3, "--label", "3", "-o", "x.npz")
    assert outcome.code == 0 and "all 45 tensors fit digits" in outcome.err
    expected = api.sample("digits", 3, 3).images
    with np.load("x.npz") as found:
        assert np.array_equal(found["images"], expected)


def test_averaged_weights_are_preferred(recwarn: object) -> None:
    save_file(digits("net.", 3.0) | digits("ema_model."), "both.safetensors")
    found = api.load("both.safetensors").net.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in digits().items())


def test_tensors_of_no_network_are_counted(inkwash: Inkwash) -> None:
    weights = digits("unet.")
    for name in list(weights)[:4]:
        del weights[name]
    weights["unet.extra.weight"] = torch.zeros(3)
    save_file(weights, "other.safetensors")
    outcome = inkwash("sample", "other.safetensors")
    assert (outcome.code, outcome.kind) == (1, ("wrong-file", "model"))
    assert "digits 41 of 45" in outcome.message and "--recipe" in outcome.message


def test_a_recipe_makes_a_checkpoint_of_foreign_weights(inkwash: Inkwash) -> None:
    save_file(digits("model."), "plain.safetensors")
    export = ("export", "plain.safetensors", "--to", "safetensors", "--recipe")
    assert inkwash(*export, "digits", "-o", "own.safetensors").code == 0
    assert inkwash("sample", "own.safetensors", "-n", 3, "-o", "x.npz").code == 0
    with np.load("x.npz") as found:
        assert np.array_equal(found["images"], api.sample("digits", 3).images)
    assert inkwash(*export, "digits", "-o", "own.safetensors").kind == ("exists", "out")
    assert inkwash(*export, "moons", "-o", "moons.safetensors").kind == ("mismatch", "recipe")
    assert inkwash("export", "digits", "--to", "safetensors", "--recipe", "digits").kind == ("no-effect", "recipe")
    Path("mine.toml").write_text(model.load("digits").recipe.to_toml().replace('name = "digits"', 'name = "mine"', 1))
    assert inkwash(*export, "mine.toml", "-o", "mine.safetensors").code == 0
    assert torch.equal(api.sample("mine.safetensors", 2, 5).values, api.sample("digits", 2, 5).values)


def test_a_folder_of_another_program_is_described(inkwash: Inkwash, usage_error: UsageErrorOf) -> None:
    Path("theirs/unet").mkdir(parents=True)
    torch.save(digits(), "theirs/unet/diffusion_pytorch_model.bin")
    assert usage_error("sample", "theirs") == ("missing-file", "model")
    assert "pickle" in inkwash("sample", "theirs").message
    save_file(digits(), "theirs/unet/diffusion_pytorch_model.safetensors")
    assert "diffusion_pytorch_model.safetensors: name that file" in inkwash("sample", "theirs").message


def test_the_page_shows_a_checkpoint_file(inkwash: Inkwash, usage_error: UsageErrorOf) -> None:
    assert inkwash("export", "digits", "--to", "safetensors", "-o", "mine.safetensors").code == 0
    catalog = Catalog((Path("mine.safetensors"),))
    entry = catalog.entry("mine")
    assert entry.source == "mine.safetensors" and "broken" not in entry.describe()
    assert torch.equal(api.sample(catalog.model("mine"), 2).values, api.sample("digits", 2).values)
    save_file(digits(), "plain.safetensors")
    assert usage_error("serve", "plain.safetensors") == ("wrong-file", "run")


def test_fine_tuning_starts_from_a_checkpoint_file(inkwash: Inkwash) -> None:
    save_file(digits(), "plain.safetensors")
    quick = ("--steps", 1, "--set", "training.batch=8", "--set", "sampling.preview=ddim:2")
    outcome = inkwash("train", "digits", "--from", "plain.safetensors", *quick, "--out", "tuned")
    assert outcome.code == 0, outcome.err
