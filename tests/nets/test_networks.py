"""Laws that every network of the registry obeys; a new one is tested without a new line here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inkwash.nets import NETS
from inkwash.nets.layers import max_pool, upsample_concat
from inkwash.nets.summary import parameters

SMALL: dict[str, dict[str, Any]] = {
    "batchnorm-unet": {"base": 8, "dim": 16},
    "class-unet": {"widths": (16, 32), "dim": 16},
    "strided-unet": {"base": 16, "dim": 16},
    "simple-unet": {"base": 8},
    "attention-unet": {"base": 16, "dim": 16},
    "ddpm-unet": {"widths": (16, 32), "blocks": 1},
    "mlp": {"width": 16, "depth": 2, "dim": 16},
}
OF_POINTS = {"mlp"}
OF_IMAGES = sorted(set(NETS) - OF_POINTS)
SIZES = [(4, 4), (5, 5), (4, 7), (9, 6), (13, 28)]

# A softmax over keys is invariant under a term that is the same for all keys.
WITHOUT_EFFECT = "attention.key.bias"


def built(kind: str, channels: int = 1, classes: int = 0, zero_output: bool = False, **options: Any) -> nn.Module:
    """Return a small network in evaluation mode, random also where it starts at zero, unless `zero_output`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = NETS[kind](channels, classes, **(SMALL.get(kind, {}) | options)).eval()
        for weight in net.parameters():
            if not zero_output and not weight.any():
                nn.init.normal_(weight, std=0.5)
    return net


def states(kind: str, batch: int, channels: int = 1, height: int = 8, width: int = 8) -> Tensor:
    shape = (batch, channels) if kind in OF_POINTS else (batch, channels, height, width)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def c_noises(batch: int) -> Tensor:
    return torch.linspace(0, 1, batch)


@pytest.mark.parametrize(
    ("kind", "channels", "classes", "options", "count"),
    [
        ("batchnorm-unet", 1, 0, {}, 858_305),
        ("strided-unet", 1, 0, {}, 3_672_513),
        ("simple-unet", 1, 0, {}, 181_473),
        ("attention-unet", 1, 0, {}, 365_828),
        ("attention-unet", 1, 0, {"every_block": True}, 376_228),
        ("class-unet", 1, 10, {}, 1_971_073),
        ("ddpm-unet", 3, 0, {}, 35_746_307),
    ],
)
def test_parameter_counts_equal_the_documented_ones(
    kind: str, channels: int, classes: int, options: dict[str, Any], count: int
) -> None:
    assert parameters(NETS[kind](channels, classes, **options)) == count


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("training", [True, False])
def test_an_untrained_network_returns_zero(kind: str, channels: int, training: bool) -> None:
    net = built(kind, channels, classes=3, zero_output=True).train(training)
    x = states(kind, 4, channels)
    assert torch.equal(net(x, c_noises(4), torch.tensor([0, 1, 2, -1])), torch.zeros_like(x))


@pytest.mark.parametrize("kind", OF_IMAGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_output_has_the_shape_of_images_of_any_size_from_four(kind: str, channels: int) -> None:
    net = built(kind, channels)
    for height, width in SIZES:
        x = states(kind, 2, channels, height, width)
        output = net(x, c_noises(2), None)
        assert output.shape == x.shape
        assert output.isfinite().all() and output.any()


@pytest.mark.parametrize("coordinates", [1, 2, 5])
def test_output_has_the_shape_of_points_of_any_dimension(coordinates: int) -> None:
    x = states("mlp", 4, coordinates)
    assert built("mlp", coordinates)(x, c_noises(4), None).shape == x.shape


@pytest.mark.parametrize("kind", NETS)
def test_gradient_reaches_every_parameter_and_every_class(kind: str) -> None:
    net = built(kind, classes=3)
    labels = torch.tensor([0, 1, 2, -1])
    net(states(kind, 4), c_noises(4), labels).square().sum().backward()
    unreached = {
        name for name, weight in net.named_parameters() if weight.grad is None or weight.grad.abs().max() < 1e-6
    }
    assert all(name.endswith(WITHOUT_EFFECT) for name in unreached)
    tables = [layer.weight.grad for layer in net.modules() if isinstance(layer, nn.Embedding)]
    assert tables and all(table is not None and table.any(1).all() for table in tables)


@pytest.mark.parametrize("kind", NETS)
def test_output_depends_on_c_noise_per_example(kind: str) -> None:
    net, x = built(kind), states(kind, 2)
    output, other = net(x, torch.tensor([0.2, 0.9]), None), net(x, torch.tensor([0.2, 0.3]), None)
    assert torch.equal(output[0], other[0])
    assert not torch.allclose(output[1], other[1])


@pytest.mark.parametrize("kind", NETS)
def test_every_label_and_the_null_label_give_another_output(kind: str) -> None:
    net, x, c_noise = built(kind, classes=3), states(kind, 1), c_noises(1)
    output = [net(x, c_noise, torch.tensor([label])) for label in (0, 1, 2, -1)]
    for first in range(4):
        assert not any(torch.allclose(output[first], output[second]) for second in range(first))


@pytest.mark.parametrize("kind", NETS)
def test_none_and_negative_labels_are_the_same_null_label(kind: str) -> None:
    net, x, c_noise = built(kind, classes=3), states(kind, 3), c_noises(3)
    null = net(x, c_noise, None)
    assert torch.equal(net(x, c_noise, torch.tensor([-1, -1, -1])), null)
    mixed = net(x, c_noise, torch.tensor([-7, 2, -1]))
    assert torch.equal(mixed[[0, 2]], null[[0, 2]])
    assert not torch.allclose(mixed[1], null[1])


@pytest.mark.parametrize("kind", NETS)
def test_a_network_without_classes_ignores_labels(kind: str) -> None:
    net, x, c_noise = built(kind), states(kind, 3), c_noises(3)
    assert torch.equal(net(x, c_noise, torch.tensor([0, 5, -1])), net(x, c_noise, None))


@pytest.mark.parametrize("kind", NETS)
def test_output_does_not_depend_on_the_batch(kind: str) -> None:
    net, x, c_noise, labels = built(kind, classes=3), states(kind, 8), c_noises(8), torch.arange(8) % 4 - 1
    with torch.no_grad():
        together = net(x, c_noise, labels)
        singles = torch.cat([net(x[k : k + 1], c_noise[k : k + 1], labels[k : k + 1]) for k in range(8)])
    torch.testing.assert_close(singles, together, rtol=1e-4, atol=1e-4 * float(together.abs().max()))


@pytest.mark.parametrize("kind", NETS)
def test_bfloat16_autocast_is_near_float32(kind: str) -> None:
    net, x, c_noise, labels = built(kind, classes=3), states(kind, 4), c_noises(4), torch.tensor([0, 1, 2, -1])
    with torch.no_grad():
        exact = net(x, c_noise, labels)
        with torch.autocast("cpu", torch.bfloat16):
            rough = net(x, c_noise, labels)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize("kind", NETS)
def test_a_network_holds_no_hidden_randomness(kind: str) -> None:
    net, x = built(kind, classes=3).train(), states(kind, 4)
    before = torch.random.get_rng_state()
    first, second = net(x, c_noises(4), None), net(x, c_noises(4), None)
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_max_pool_rounds_odd_sizes_up(height: int, width: int) -> None:
    x = states("", 1, 2, height, width)
    small = max_pool(x)
    assert small.shape == (1, 2, (height + 1) // 2, (width + 1) // 2)
    for row in range(small.shape[2]):
        for column in range(small.shape[3]):
            patch = x[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert torch.equal(small[..., row, column], patch.amax((-2, -1)))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_upsample_concat_takes_the_size_of_the_skip(mode: str) -> None:
    skip, flat = states("", 2, 3, 5, 7), torch.full((2, 4, 3, 4), 0.25)
    joined = upsample_concat(flat, skip, mode)
    assert torch.equal(joined[:, 4:], skip)
    torch.testing.assert_close(joined[:, :4], torch.full((2, 4, 5, 7), 0.25))
