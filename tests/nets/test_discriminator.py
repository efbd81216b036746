"""The discriminator on feature maps: what its logits depend on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from inkwash.nets.discriminator import Discriminator

C_NOISE = torch.linspace(0.1, 0.9, 6)


@pytest.fixture
def discriminator() -> Discriminator:
    """A discriminator of one map of 5 channels and 3 classes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Discriminator([5], 3, spatial=True)


def maps(seed: int) -> list[Tensor]:
    """Return a map of six examples, 12 pixels high and wide."""
    return [torch.randn(6, 5, 12, 12, generator=torch.Generator().manual_seed(seed))]


@torch.no_grad()
def test_logits_do_not_depend_on_the_scale_of_the_maps(discriminator: Discriminator) -> None:
    scaled = [1000 * each for each in maps(0)]
    torch.testing.assert_close(discriminator(scaled, C_NOISE), discriminator(maps(0), C_NOISE), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_label_below_zero_is_no_label(discriminator: Discriminator) -> None:
    label = torch.tensor([0, 1, 2, -1, -1, -1])
    without, found = discriminator(maps(0), C_NOISE)[0], discriminator(maps(0), C_NOISE, label)[0]
    assert torch.equal(found[3:], without[3:]) and not torch.isclose(found[:3], without[:3]).any()


@torch.no_grad()
def test_modulation_of_zero_leaves_the_maps(discriminator: Discriminator) -> None:
    (head,) = discriminator.heads
    modulation = head.level[1]  # type: ignore[index]
    assert isinstance(modulation, nn.Linear)
    nn.init.zeros_(modulation.weight)
    nn.init.zeros_(modulation.bias)
    first = discriminator(maps(0), C_NOISE)
    torch.testing.assert_close(first, discriminator(maps(0), C_NOISE.flip(0)))
    assert not torch.isclose(first, discriminator(maps(1), C_NOISE)).any()
