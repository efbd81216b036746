"""A network that diffusers has too, as a folder that its pipelines load, compared with ours once it is written."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inkwash.core.noise import Stream, normals
from inkwash.errors import InkwashError, UsageError, missing_extra
from inkwash.io.atomic import fresh_folder
from inkwash.model import Model

KIND = "ddpm-unet"
"""The network that both have: `UNet2DModel` of diffusers is that of Ho et al. 2020."""

PREDICTIONS = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
"""Our targets, and what the schedulers of diffusers call them."""

T = 1000
"""Timesteps of a whole path: timestep t is the level whose code is t/T."""

CLOSE = 1e-3

RENAMED = (
    (r"^condition\.mlp\.0\.", "time_embedding.linear_1."),
    (r"^condition\.mlp\.2\.", "time_embedding.linear_2."),
    (r"^stem\.", "conv_in."),
    (r"^out\.0\.", "conv_norm_out."),
    (r"^out\.2\.", "conv_out."),
    (r"^down\.(\d+)\.", r"down_blocks.\1.downsamplers.0.conv."),
    (r"^up\.(\d+)\.", r"up_blocks.\1.upsamplers.0.conv."),
    (r"^encoder\.(\d+)\.(\d+)\.", r"down_blocks.\1.PART.\2."),
    (r"^decoder\.(\d+)\.(\d+)\.", r"up_blocks.\1.PART.\2."),
    (r"^middle\.(\d+)\.", r"mid_block.PART.\1."),
    (r"\.PART\.(\d+)\.residual\.", r".resnets.\1."),
    (r"\.PART\.(\d+)\.attention\.", r".attentions.\1."),
    (r"(resnets\.\d+)\.condition\.", r"\1.time_emb_proj."),
    (r"(resnets\.\d+)\.skip\.", r"\1.conv_shortcut."),
    (r"(attentions\.\d+)\.norm\.", r"\1.group_norm."),
    (r"(attentions\.\d+)\.(query|key|value)\.", lambda found: f"{found[1]}.to_{found[2][0]}."),
    (r"(attentions\.\d+)\.out\.", r"\1.to_out.0."),
)
"""Our names of weights as patterns, and theirs; each is applied to what those before it made."""


def write(model: Model, folder: Path) -> float:
    """Write `model` into `folder` as a `DDIMPipeline` and return the largest difference from ours, over some inputs.

    A network that hears labels is written as it answers to none, because the pipeline asks for none. Raises `UsageError`
    where diffusers is missing or has no such network, target or size, `InkwashError` when what is written says something
    else than ours.
    """
    refuse(model)
    try:
        import diffusers
    except ImportError:
        raise missing_extra("--to diffusers", "interop") from None
    # Any: its classes are put together where types cannot be seen
    theirs: Any = diffusers.UNet2DModel(**_config(model))
    theirs.load_state_dict(_weights(model))
    drawing: Any = diffusers.DDIMPipeline(theirs, diffusers.DDIMScheduler(**_levels(model)))
    with fresh_folder(folder) as made:
        drawing.save_pretrained(made)
        apart = _apart(diffusers.UNet2DModel.from_pretrained(made / "unet", low_cpu_mem_usage=False), model)
        if not apart < CLOSE:
            raise InkwashError(f"{model.name} in diffusers says something else, by {apart:.2g}: nothing is written")
    return apart


def refuse(model: Model) -> None:
    """Raise `UsageError` where diffusers has nothing like the network of `model`, its target or its size."""
    kind = model.recipe.network.kind
    if model.spec.is_points:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, whose networks draw images and no points"
        )
    if kind != KIND:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, which has no network like {kind}: train one with "
            f"--set network.kind={KIND} --set data.std=1, or use --to onnx, which other programs run"
        )
    if model.recipe.target not in PREDICTIONS:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, whose schedulers know no target {model.recipe.target}: "
            f"they know {', '.join(PREDICTIONS)}"
        )
    if model.spec.data_std != 1:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, which does not scale what a network hears: train it "
            "with --set data.std=1"
        )
    halved = 2 ** len(model.net.down)  # type: ignore[arg-type]
    if any(side % halved for side in model.spec.shape[1:]):
        sides = "x".join(map(str, model.spec.shape[1:]))
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, whose network needs sides that {halved} divides: "
            f"these are {sides}"
        )


def _config(model: Model) -> dict[str, Any]:
    net: Any = model.net
    channels, *sides = model.spec.shape
    attends = [any(".attention." in name for name, _ in level.named_parameters(".")) for level in net.encoder]
    return {
        "sample_size": sides[0] if len(set(sides)) == 1 else tuple(sides),
        "in_channels": channels,
        "out_channels": channels,
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "layers_per_block": len(net.encoder[0]),
        "block_out_channels": tuple(level[0].residual.conv1.out_channels for level in net.encoder),
        "down_block_types": tuple("AttnDownBlock2D" if each else "DownBlock2D" for each in attends),
        "up_block_types": tuple("AttnUpBlock2D" if each else "UpBlock2D" for each in reversed(attends)),
        "norm_num_groups": net.out[0].num_groups,
        # one head
        "attention_head_dim": None,
    }


def _weights(model: Model) -> dict[str, Tensor]:
    said = {name: value.detach().cpu().float() for name, value in model.net.state_dict().items()}
    table = said.pop("condition.label.table.weight", None)
    if table is not None:
        # the last row is that of no label: as it is added to every code, it is part of the bias
        said["condition.mlp.2.bias"] = said["condition.mlp.2.bias"] + table[-1]
    return {_renamed(name): value for name, value in said.items()}


def _renamed(name: str) -> str:
    for ours, theirs in RENAMED:
        name = re.sub(ours, theirs, name)
    return name


def _levels(model: Model) -> dict[str, Any]:
    """The scheduler's settings: a timestep is the level of that code, whatever schedule the network was trained on."""
    noisiest = float(model.schedule().terminal.c_noise)
    count = min(T, math.floor(noisiest * T + 1e-9) + 1)
    code = torch.arange(count, dtype=torch.float64) / T
    kept = torch.cos(code * (math.pi / 2)) ** 2
    before = torch.cat([torch.ones(1, dtype=torch.float64), kept[:-1]])
    return {
        "num_train_timesteps": count,
        "trained_betas": (1 - kept / before).tolist(),
        "prediction_type": PREDICTIONS[model.recipe.target],
        "clip_sample": model.recipe.clip or model.recipe.target == "eps",
        "set_alpha_to_one": True,
        "timestep_spacing": "trailing",
    }


@torch.inference_mode()
def _apart(theirs: Any, model: Model) -> float:
    timesteps = torch.tensor([0, T // 3, 9 * T // 10])
    x = normals(torch.arange(len(timesteps)), 0, 0, Stream.EXPORT_CHECK, model.spec.shape)
    ours = model.net(x.to(model.device), (timesteps / T).to(model.device), None).cpu()
    return float((theirs(x, timesteps, return_dict=False)[0] - ours).abs().max())
