"""Names in other programs and papers, and the corresponding names here, for suggestions in error messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

VALUES: dict[str, dict[str, str]] = {
    "sampler": {
        "ancestral": "ddpm",
        "eulera": "ddpm",  # Euler ancestral of k-diffusion: the same step in other units
        "eulerancestral": "ddpm",
        "edm": "heun",
        "rectifiedflow": "euler",
        "flow": "euler",
        "dpm": "dpm++2m",
        "dpmpp": "dpm++2m",
        "dpm++": "dpm++2m",
        "dpmpp2m": "dpm++2m",
        "dpm2m": "dpm++2m",
        "dpmsolver": "dpm++2m",
        "dpmsolver++": "dpm++2m",
        "dpmsolvermultistep": "dpm++2m",
        "dpmpp2msde": "dpm++2m-sde",
        "dpmppsde": "dpm++2m-sde",
        "dpm++sde": "dpm++2m-sde",
        "sde": "dpm++2m-sde",
        "dpmpp3m": "dpm++3m",
        "lcm": "consistency",
    },
    "target": {
        "epsilon": "eps",
        "noise": "eps",
        "predeps": "eps",
        "prednoise": "eps",
        "vprediction": "v",
        "vpred": "v",
        "predv": "v",
        "sample": "x0",
        "image": "x0",
        "xstart": "x0",
        "predx0": "x0",
        "x": "x0",
        "velocity": "flow",
        "flowmatching": "flow",
        "rectifiedflow": "flow",
        "karras": "edm",
    },
    "schedule": {
        "ddpm": "linear",
        "linearbeta": "linear",
        "linearbetas": "linear",
        "betalinear": "linear",
        "squaredcoscapv2": "cosine",
        "squaredcos": "cosine",
        "cosinebeta": "cosine",
        "quad": "quadratic",
        "edm": "karras",
        "exponential": "log-linear",
        "loglinear": "log-linear",
        "flowmatching": "flow",
        "rectifiedflow": "flow",
    },
    "density": {"logisticnormal": "logit-normal", "edm": "log-normal", "constant": "uniform"},
    "weight": {"minsnrgamma": "min-snr", "snr": "min-snr", "constant": "none", "uniform": "none", "simple": "none"},
    "device": {"gpu": "cuda", "metal": "mps", "processor": "cpu"},
    "precision": {"bf16": "bfloat16", "fp32": "float32", "full": "float32", "amp": "auto", "mixed": "auto"},
    "data set": {"cifar": "cifar-10", "fmnist": "fashion-mnist", "twomoons": "moons", "8gaussians": "gaussian-mixture"},
    "word": {
        "tiny": "small",
        "huge": "large",
        "giant": "large",
        "skinny": "thin",
        "hairline": "thin",
        "chunky": "bold",
        "oblique": "slanted",
        "cursive": "slanted",
        "erect": "upright",
        "squat": "short",
        "curved": "round",
        "black": "dark",
        "grey": "pale",
        "gray": "pale",
        "faded": "pale",
    },
}
"""By kind of name: the name in lower case without hyphens and spaces, and the key of the table that it means."""

FIELDS = {
    "learning_rate": "lr",
    "batch_size": "batch",
    "bs": "batch",
    "wd": "weight_decay",
    "grad_clip": "clip",
    "clip_grad": "clip",
    "max_grad_norm": "clip",
    "warmup_steps": "warmup",
    "lr_decay": "decay",
    "random_seed": "seed",
    "ema_decay": "ema",
    "p_uncond": "label_dropout",
    "cond_drop_prob": "label_dropout",
    "cfg": "guidance",
    "cfg_scale": "guidance",
    "guidance_scale": "guidance",
    "image_size": "size",
    "resolution": "size",
    "epochs": "length",
    "steps": "length",
    "num_epochs": "length",
    "num_steps": "length",
    "timesteps": "T",
    "num_timesteps": "T",
    "num_train_timesteps": "T",
    "prediction_type": "target",
    "parameterization": "target",
    "objective": "target",
}
"""Names of settings in other programs, and of the corresponding field of a recipe."""


def nearest(what: str, name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Return the one of the `known` names that `name` means: in another case, as a synonym, or misspelt; None for none.

    `what` is the kind of thing or the field, as in `errors.unknown_name`: "sampler", "schedule.kind".
    """
    names = {plain(each): each for each in known}
    kind = what.removesuffix(".kind").rpartition(".")[2]
    meant = VALUES.get(kind, {}).get(plain(name))
    if meant is not None and meant in names.values():
        return meant
    close = difflib.get_close_matches(plain(name), names, n=1, cutoff=cutoff)
    return names[close[0]] if close else None


def fields(name: str, known: Iterable[str]) -> list[str]:
    """Return the paths of a recipe's fields that `name`, a path such as "lr" or "training.lr", can mean.

    `known` are the paths that exist. Several are returned only if the section in `name` has no such field.
    """
    section, _, leaf = name.rpartition(".")
    leaf = leaf.replace("-", "_").lower()
    leaf = FIELDS.get(leaf, leaf)
    found = [path for path in known if path.rpartition(".")[2] == leaf]
    return [path for path in found if path.rpartition(".")[0] == section] or found


def plain(name: str) -> str:
    """Return `name` in lower case without hyphens, underscores, spaces and dots."""
    return re.sub(r"[-_ .]", "", name.lower())
