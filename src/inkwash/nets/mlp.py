"""A residual multilayer perceptron for points, used by the 2-D recipes."""

from __future__ import annotations

from torch import Tensor, nn

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ConditionEmbedding, zero_init


class ResidualLayer(nn.Module):
    """A linear layer of input and condition, SiLU, plus the input."""

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.condition = nn.Linear(dim, width)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return x + nn.functional.silu(self.linear(x) + self.condition(condition))


class MLP(nn.Module):
    """`depth` residual layers of `width` for points of `channels` coordinates; condition of width `dim`.

    `forward(x [B, C], c_noise [B], label)` -> [B, C].
    """

    def __init__(self, channels: int, classes: int = 0, width: int = 128, depth: int = 4, dim: int = 64) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(dim, hidden=2 * dim, classes=classes)
        self.stem = nn.Linear(channels, width)
        self.layers = nn.ModuleList(ResidualLayer(width, dim) for _ in range(depth))
        self.out = zero_init(nn.Linear(width, channels))

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = self.condition(c_noise, label)
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x, condition)
        return self.out(x)
