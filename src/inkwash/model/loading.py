"""Find and load a trained model: a bundled one, a run folder or a checkpoint file."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.data import canonical_name
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError, unknown_name, warn, wrong_file_error
from inkwash.hardware import devices
from inkwash.io import checkpoints, pickles
from inkwash.io.arguments import wrong_type
from inkwash.io.checkpoints import Checkpoint, ForeignCheckpointError
from inkwash.model import foreign
from inkwash.model.building import build_net, require_module
from inkwash.model.denoising_model import Model
from inkwash.nets.parameter_limit import ParameterLimitError
from inkwash.text.printing import quoted

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}


def bundled() -> list[str]:
    """Return the names of the bundled models."""
    folder = resources.files("inkwash.models")
    return sorted(item.name for item in folder.iterdir() if (item / "checkpoints" / "latest.safetensors").is_file())


def require_as_bundled(path: Path) -> None:
    """Raise `InkwashError` when `path` is the checkpoint of a bundled model with another checksum than was published."""
    root, folder = Path(str(resources.files("inkwash.models"))), path.parent.parent
    if folder.parent != root:
        return
    sums = json.loads((root / "sums.json").read_text(encoding="utf-8"))
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums.get(folder.name):
        raise InkwashError(
            f"{path} is damaged, its checksum is not that of the bundled model: install inkwash again",
            code="damaged-file",
        )


def find(name: str | Path) -> Path:
    """Return the checkpoint file of a bundled name, a run folder (its latest, damaged or not) or a file.

    Raises `UsageError` when there is none, with the nearest bundled name.
    """
    if not isinstance(name, str | Path):
        raise wrong_type("model", name, "a Model, the name of a bundled one, a run folder or a checkpoint")
    if str(name) in bundled():
        return Path(str(resources.files("inkwash.models") / str(name) / "checkpoints" / "latest.safetensors"))
    path = Path(name)
    if path.is_dir():
        if not checkpoints.files_in(path / "checkpoints"):
            raise _no_run(path)
        return path / "checkpoints" / "latest.safetensors"
    if path.is_file():
        pickled = pickles.kind(path)
        if pickled is not None:
            raise pickles.error(path, pickled)
        if path.suffix != ".safetensors":
            raise _no_checkpoint(path)
        return path
    if len(path.parts) > 1 or path.suffix == ".safetensors":
        raise UsageError(f"no run folder or checkpoint {path}: check the path", code="missing-file", field="model")
    raise _no_model(str(name))


def _no_run(folder: Path) -> UsageError:
    """Return the error for a folder without checkpoints, which may hold the weights of another program."""
    files = sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file())
    pickled = next((path for path in files if pickles.kind(path) is not None), None)
    weights = next((path for path in files if path.suffix == ".safetensors"), None)
    remedy = "name a run folder that has trained"
    if weights is not None:
        remedy = f"it holds {weights}: name that file"
    elif pickled is not None:
        remedy = f"it holds {pickled}, a pickle, which inkwash does not open because unpickling can run code: {pickles.CONVERT}"
    elif any(path.suffix.lower() in IMAGE_SUFFIXES for path in files):
        name = shlex.quote(str(folder))
        remedy = (
            f"it holds images: inkwash evaluate {name} measures them, inkwash train RECIPE --data {name} trains on them"
        )
    message = f"{folder} has no checkpoints/latest.safetensors: {remedy}"
    return UsageError(message, code="missing-file", field="model")


def _no_checkpoint(path: Path) -> UsageError:
    """Return the error for a file that is not a checkpoint, with the command for its kind."""
    if path.suffix == ".toml":
        return UsageError(
            f"{path} is a recipe, not a model: train it first, inkwash train {quoted(path)}",
            code="wrong-file",
            field="model",
        )
    if path.suffix in {".npy", ".npz"}:
        return UsageError(
            f"{path} holds arrays, not a model: inkwash evaluate {quoted(path)} measures images",
            code="wrong-file",
            field="model",
        )
    wanted = f"a bundled model ({', '.join(bundled())}), a run folder, or a checkpoint NAME.safetensors"
    return wrong_file_error(path, "model", wanted)


def _no_model(name: str) -> UsageError:
    """Return the error for an unknown name of a model, which may be that of a data set or a recipe."""
    dataset = canonical_name(name)
    if name in recipes.bundled():
        return UsageError(
            f"{name} is a recipe without bundled weights: train it first, inkwash train {name}",
            code="unknown-name",
            field="model",
        )
    if dataset is not None:
        trained = [each for each in bundled() if recipes.load(each).data.name == dataset]
        models = (
            f"bundled models trained on it are {', '.join(trained)}"
            if trained
            else "no bundled model was trained on it"
        )
        return UsageError(
            f"{name} is a data set, not a model: {models}; inkwash train RECIPE --data {dataset} makes one",
            code="unknown-name",
            field="model",
        )
    near = unknown_name("model", name, bundled())
    return UsageError(
        f"{near}; or give a run folder, or a checkpoint NAME.safetensors", code="unknown-name", field="model"
    )


def read_recipe(header: dict[str, Any], bundled_name: str | None, check_network_options: bool = True) -> Recipe:
    """Return the recipe in the header of a checkpoint; its texts are those of the recipe `bundled_name`, if one is given.

    The checksums of bundled weights cover their headers, whose texts are those of 0.1.0. Raises `UsageError` for an
    invalid recipe.
    """
    recipe = Recipe.from_dict(header["recipe"], check_network_options=check_network_options)
    if bundled_name is None:
        return recipe
    current = recipes.load(bundled_name)
    return replace(recipe, about=current.about, experiment=current.experiment)


def load(
    name: str | Path, net: nn.Module | None = None, device: str | torch.device = "auto", recipe: str | None = None
) -> Model:
    """Return the model called `name`: a bundled one, a run folder or a checkpoint file.

    `net` is the caller's network to load the weights into, None for that of the recipe. `recipe` is the recipe of a
    safetensors file of another program; without it, such a file is read as the bundled model that it fits. When the
    latest checkpoint of a run folder is damaged, the newest intact one is loaded and a warning is printed.
    Raises `UsageError` when there is no such model, `InkwashError` when its file is damaged or does not fit the network.
    """
    path = find(name)
    if net is not None:
        require_module(net)
    target_device = devices.device(device)
    require_as_bundled(path)
    if path == Path(name):
        checkpoint = _read(path, net, recipe)
        checkpoints.require_header(path, checkpoint.header)
    else:
        _require_no_recipe(recipe, path)
        path, checkpoint, instead = checkpoints.load_newest(path.parent)
        if instead:
            warn(instead)
    try:
        own_recipe = read_recipe(checkpoint.header, str(name) if str(name) in bundled() else None, net is None)
        spec = DatasetSpec.from_dict(checkpoint.header["facts"])
    except UsageError as error:
        raise UsageError(f"checkpoint {path}: {error}", code=error.code, field=error.field) from None
    weights = {
        key: value.float() if value.is_floating_point() else value for key, value in checkpoint.part("average").items()
    }
    try:
        # The budget is what the file contains, because its header may name a network of any size.
        contained = sum(value.numel() for value in weights.values())
        filled = net if net is not None else build_net(own_recipe, spec, contained)
        filled.load_state_dict(weights)
    except (RuntimeError, ParameterLimitError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InkwashError(
            f"{path} does not fit the network {own_recipe.network.kind}: {reason}", code="mismatch"
        ) from None
    ready = devices.to_device(filled, target_device).eval().requires_grad_(False)
    step = checkpoint.header["progress"]["step"]
    return Model(own_recipe.name, own_recipe, spec, ready, step, checkpoints.weights_digest(weights), path)


def _read(path: Path, net: nn.Module | None, recipe: str | None) -> Checkpoint:
    """Return the checkpoint at `path`, of another program by `recipe`."""
    try:
        checkpoint = checkpoints.load(path)
    except ForeignCheckpointError:
        return foreign.adopted(path, {name: find(name) for name in bundled()}, recipe, net)
    _require_no_recipe(recipe, path)
    return checkpoint


def _require_no_recipe(recipe: str | None, path: Path) -> None:
    """Raise `UsageError` for a recipe of a checkpoint of inkwash."""
    if recipe is not None:
        message = f"recipe {recipe} has no effect on {path}, which has its own: leave it out"
        raise UsageError(message, code="no-effect", field="recipe")
