"""A narrow U-Net with two residual blocks per stage and self-attention at half resolution, used by `attention-unet`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ConditionEmbedding, StridedDown, StridedUp, zero_init


class GroupNormBlock(nn.Module):
    """GN-conv-SiLU, plus a linear map of the condition (if `dim` > 0), GN-conv, plus the input, SiLU."""

    def __init__(self, channels: int, out: int, dim: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(math.gcd(8, channels), channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.condition = nn.Linear(dim, out) if dim else None
        self.norm2 = nn.GroupNorm(math.gcd(min(8, channels), out), out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inner = F.silu(self.conv1(self.norm1(x)))
        if self.condition is not None:
            inner = inner + self.condition(condition)[:, :, None, None]
        return F.silu(self.skip(x) + self.conv2(self.norm2(inner)))


class TwoBlockStage(nn.Module):
    """Two residual blocks at one resolution; the condition enters the first, or both when `every_block`."""

    def __init__(self, channels: int, out: int, dim: int, every_block: bool) -> None:
        super().__init__()
        self.first = GroupNormBlock(channels, out, dim)
        self.second = GroupNormBlock(out, out, dim if every_block else 0)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.second(self.first(x, condition), condition)


class GatedSelfAttention(nn.Module):
    """Single-head attention over all positions, added with a learned gate initialized to zero: Zhang et al. (2019), SAGAN."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (part(x).flatten(2).transpose(1, 2) for part in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(query, key, value)
        return x + self.gate * attended.transpose(1, 2).reshape(x.shape)


class AttentionUNet(nn.Module):
    """Widths `base` times 1, 2, 4, attention after the encoder stage at half resolution; condition of width `dim`.

    `forward(x [B, C, H, W], c_noise [B], label)` -> [B, C, H, W], H and W at least 4. Without `attention`
    the layer is the identity; with `every_block` both blocks of a stage are conditioned (376,228 parameters).
    """

    def __init__(
        self,
        channels: int,
        classes: int = 0,
        base: int = 16,
        dim: int = 64,
        attention: bool = True,
        every_block: bool = False,
    ) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(dim, hidden=2 * dim, classes=classes)
        self.encoder1 = TwoBlockStage(channels, base, dim, every_block)
        self.down1 = StridedDown(base, 2 * base)
        self.encoder2 = TwoBlockStage(2 * base, 2 * base, dim, every_block)
        self.attention = GatedSelfAttention(2 * base) if attention else nn.Identity()
        self.down2 = StridedDown(2 * base, 4 * base)
        self.middle = TwoBlockStage(4 * base, 4 * base, dim, every_block)
        self.up2 = StridedUp(4 * base, 2 * base)
        self.decoder2 = TwoBlockStage(4 * base, 2 * base, dim, every_block)
        self.up1 = StridedUp(2 * base, base)
        self.decoder1 = TwoBlockStage(2 * base, base, dim, every_block)
        self.out = zero_init(nn.Conv2d(base, channels, 1))

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = self.condition(c_noise, label)
        fine = self.encoder1(x, condition)
        coarse = self.attention(self.encoder2(self.down1(fine), condition))
        x = self.middle(self.down2(coarse), condition)
        x = self.decoder2(self.up2(x, coarse), condition)
        x = self.decoder1(self.up1(x, fine), condition)
        return self.out(x)
