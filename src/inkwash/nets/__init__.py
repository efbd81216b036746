"""Networks: `forward(x [B, C, ...], c_noise [B] in [0, 1], label int64 [B] or None) -> [B, C, ...]`, one file each.

Networks do not depend on the rest of inkwash. To add one, write an nn.Module whose first two arguments are `channels` and
`classes` (0 for an unconditional network) and add it to NETS.
"""

from collections.abc import Callable

from torch import nn

from inkwash.nets.attention_unet import AttentionUNet
from inkwash.nets.batchnorm_unet import BatchNormUNet
from inkwash.nets.class_unet import ClassUNet
from inkwash.nets.ddpm_unet import DDPMUNet
from inkwash.nets.folded_unet import FoldedUNet
from inkwash.nets.mlp import MLP
from inkwash.nets.simple_unet import SimpleUNet
from inkwash.nets.strided_unet import StridedUNet

NETS: dict[str, Callable[..., nn.Module]] = {
    "batchnorm-unet": BatchNormUNet,
    "class-unet": ClassUNet,
    "strided-unet": StridedUNet,
    "simple-unet": SimpleUNet,
    "attention-unet": AttentionUNet,
    "ddpm-unet": DDPMUNet,
    "folded-unet": FoldedUNet,
    "mlp": MLP,
}

__all__ = [
    "MLP",
    "NETS",
    "AttentionUNet",
    "BatchNormUNet",
    "ClassUNet",
    "DDPMUNet",
    "FoldedUNet",
    "SimpleUNet",
    "StridedUNet",
]
