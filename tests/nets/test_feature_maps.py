"""Feature maps are those of hidden blocks, in the order in which they run, without the prediction."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor, nn

import inkwash
from inkwash.nets.feature_maps import recorded_maps


class Convolutions(nn.Module):
    """A network of images without blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Conv2d(1, 3, 1), nn.Conv2d(3, 5, 1), nn.Conv2d(5, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.out(self.second(self.first(x))))


@torch.no_grad()
def test_network_without_blocks_has_the_maps_of_its_convolutions() -> None:
    with recorded_maps(Convolutions(), 2, 4) as maps:
        pass
    assert maps == []
    net = Convolutions()
    x = torch.randn(2, 1, 4, 4)
    with recorded_maps(net, 2, 4) as maps:
        net(x)
    first, second = maps
    assert torch.equal(first, net.first(x)) and torch.equal(second, net.second(first))


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("fast", [(48, 14, 14), (48, 14, 14), (96, 7, 7), (96, 7, 7), (48, 14, 14), (48, 14, 14)]),
        ("digits", [(48, 8, 8), (96, 4, 4), (48, 8, 8)]),
        ("moons", [(64,), (128,), (128,), (128,), (128,), (128,)]),
    ],
)
def test_maps_are_those_of_the_blocks(name: str, shapes: list[tuple[int, ...]]) -> None:
    model = inkwash.load(name)
    x = torch.zeros(2, *model.spec.shape)
    with recorded_maps(model.net, 2, x.ndim) as maps:
        model.net(x, torch.zeros(2), None)
    assert [tuple(each.shape[1:]) for each in maps] == shapes
    assert all(each.dtype == torch.float32 for each in maps)
