"""A model as a pipeline folder of diffusers, for the one network that both have; the outputs are compared."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inkwash.core.rng import Stream, normals
from inkwash.errors import InkwashError, UsageError, missing_extra
from inkwash.io.atomic import fresh_folder
from inkwash.model import Model

SUPPORTED_NETWORK = "ddpm-unet"
"""The network that both have: `UNet2DModel` of diffusers is that of Ho et al. (2020)."""

PREDICTION_TYPES = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
"""Targets by their names here and in the schedulers of diffusers."""

T = 1000
"""Number of timesteps: timestep t is the noise level with c_noise = t/T."""

TOLERANCE = 1e-3

WEIGHT_NAME_PATTERNS = (
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
"""Names of weights here as patterns, and in diffusers; applied in order."""


def write(model: Model, folder: Path) -> float:
    """Write `model` into `folder` as a `DDIMPipeline` and return the largest difference of its network over some inputs.

    A conditional network is written as its unconditional branch, because the pipeline passes no labels. Raises
    `UsageError` when diffusers is missing or has no such network, target or size, `InkwashError` when the outputs differ
    by more than TOLERANCE.
    """
    require_supported(model)
    try:
        import diffusers
    except ImportError:
        raise missing_extra("--to diffusers", "interop") from None
    # Annotate as Any, because the classes of diffusers are loaded lazily, without types.
    unet: Any = diffusers.UNet2DModel(**_config(model))
    unet.load_state_dict(_weights(model))
    written: Any = diffusers.DDIMPipeline(unet, diffusers.DDIMScheduler(**_scheduler_options(model)))
    with fresh_folder(folder) as made:
        written.save_pretrained(made)
        difference = _difference(diffusers.UNet2DModel.from_pretrained(made / "unet", low_cpu_mem_usage=False), model)
        if not difference < TOLERANCE:
            raise InkwashError(
                f"{model.name}: the outputs of diffusers differ by {difference:.2g}: nothing is written",
                code="mismatch",
            )
    return difference


def require_supported(model: Model) -> None:
    """Raise `UsageError` when diffusers does not have the network of `model`, its target or its size."""
    kind = model.recipe.network.kind
    if model.spec.is_points:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, which samples images only: use --to onnx",
            code="unsupported",
            field="to",
        )
    if kind != SUPPORTED_NETWORK:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, which has no network {kind}: train one with "
            f"--set network.kind={SUPPORTED_NETWORK} --set data.std=1, or use --to onnx",
            code="unsupported",
            field="network.kind",
        )
    if model.recipe.target not in PREDICTION_TYPES:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, whose schedulers have no target {model.recipe.target}: "
            f"train one with --set target=, one of {', '.join(PREDICTION_TYPES)}",
            code="unsupported",
            field="target",
        )
    if model.spec.data_std != 1:
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, which does not scale the input of the network: train it "
            "with --set data.std=1",
            code="unsupported",
            field="data.std",
        )
    halved = 2 ** len(model.net.down)  # type: ignore[arg-type]
    if any(side % halved for side in model.spec.shape[1:]):
        sides = "x".join(map(str, model.spec.shape[1:]))
        raise UsageError(
            f"{model.name} cannot become a pipeline of diffusers, whose network requires sides divisible by {halved}: "
            f"the images are {sides}",
            code="unsupported",
            field="data.size",
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
        # None is one attention head.
        "attention_head_dim": None,
    }


def _weights(model: Model) -> dict[str, Tensor]:
    weights = {name: value.detach().cpu().float() for name, value in model.net.state_dict().items()}
    table = weights.pop("condition.label.table.weight", None)
    if table is not None:
        # The last row is the unconditional embedding, a constant that is added to every condition: part of the bias.
        weights["condition.mlp.2.bias"] = weights["condition.mlp.2.bias"] + table[-1]
    return {_renamed(name): value for name, value in weights.items()}


def _renamed(name: str) -> str:
    for pattern, replacement in WEIGHT_NAME_PATTERNS:
        name = re.sub(pattern, replacement, name)
    return name


def _scheduler_options(model: Model) -> dict[str, Any]:
    """Return the options of the scheduler; its timesteps cover c_noise, whatever the training schedule."""
    noisiest = float(model.schedule().terminal.c_noise)
    count = min(T, math.floor(noisiest * T + 1e-9) + 1)
    c_noise = torch.arange(count, dtype=torch.float64) / T
    alphas_cumprod = torch.cos(c_noise * (math.pi / 2)) ** 2
    previous = torch.cat([torch.ones(1, dtype=torch.float64), alphas_cumprod[:-1]])
    return {
        "num_train_timesteps": count,
        "trained_betas": (1 - alphas_cumprod / previous).tolist(),
        "prediction_type": PREDICTION_TYPES[model.recipe.target],
        "clip_sample": model.recipe.clip or model.recipe.target == "eps",
        "set_alpha_to_one": True,
        "timestep_spacing": "trailing",
    }


@torch.inference_mode()
def _difference(unet: Any, model: Model) -> float:
    timesteps = torch.tensor([0, T // 3, 9 * T // 10])
    x = normals(torch.arange(len(timesteps)), 0, 0, Stream.EXPORT_CHECK, model.spec.shape)
    expected = model.net(x.to(model.device), (timesteps / T).to(model.device), None).cpu()
    return float((unet(x, timesteps, return_dict=False)[0] - expected).abs().max())
