"""The summary of a network agrees with closed forms, and does not change the network."""

from __future__ import annotations

import pytest
import torch
from raised import raised
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.nets.summary import attentions, flops, parameters, stages


class Toy(nn.Module):
    """A network with lists, a part that runs twice, one that needs a label, and weights outside of its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Conv2d(4, 1, 1)
        self.label = nn.Embedding(10, 4)
        self.code = nn.Linear(1, 4)
        self.offset = nn.Parameter(torch.zeros(4, 1, 1))
        self.down = nn.ModuleList([nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, stride=2, padding=1)])
        self.middle = nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, padding=1), nn.Dropout(0.5))
        self.up = nn.ModuleDict({"shared": nn.Conv2d(4, 4, 1)})

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        h = self.down[1](self.down[0](x) + self.code(c_noise[:, None])[:, :, None, None])
        if label is not None:
            h = h + self.label(label)[:, :, None, None]
        h = self.up["shared"](self.up["shared"](self.middle(h)))
        return self.out(F.interpolate(h, scale_factor=2) + self.offset)


class SinglePart(nn.Module):
    """One part, called with the image only."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        return self.part(x)


class Attention(nn.Module):
    """Attention of each place to each, in `heads` heads."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)
        return F.scaled_dot_product_attention(tokens, tokens, tokens)


@pytest.mark.parametrize(("inputs", "outputs", "kernel", "side"), [(1, 8, 3, 28), (16, 4, 1, 7), (3, 5, 5, 12)])
def test_a_convolution_costs_its_closed_form(inputs: int, outputs: int, kernel: int, side: int) -> None:
    net = SinglePart(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2))
    expected = 2 * inputs * outputs * kernel**2 * side**2
    assert flops(net, (inputs, side, side)) == expected
    (stage,) = stages(net, (inputs, side, side))
    assert (stage.name, stage.kind, stage.shape) == ("part", "Conv2d", (outputs, side, side))
    assert (stage.flops, stage.parameters) == (expected, outputs * (inputs * kernel**2 + 1))


@pytest.mark.parametrize("heads", [1, 4])
def test_attention_costs_two_products_of_all_pairs(heads: int) -> None:
    # queries with keys, then weights with values: 2·L²·C each, however many heads share C
    assert flops(SinglePart(Attention(heads)), (32, 14, 14)) == 2 * 2 * (14 * 14) ** 2 * 32


def test_stages_run_in_the_order_of_the_forward_not_of_the_constructor() -> None:
    found = stages(Toy(), (1, 8, 8))
    assert [stage.name for stage in found] == [
        "(own weights)",
        "down.0",
        "code",
        "down.1",
        "middle",
        "up.shared",
        "out",
        "label",
    ]
    assert [stage.depth for stage in found] == [0, 1, 0, 1, 0, 1, 0, 0]
    assert [stage.shape for stage in found] == [(), (4, 8, 8), (4,), *[(4, 4, 4)] * 3, (1, 8, 8), ()]


def test_stage_parameters_and_flops_sum_to_the_network() -> None:
    net = Toy()
    found = stages(net, (1, 8, 8))
    assert sum(stage.parameters for stage in found) == parameters(net)
    assert sum(stage.flops for stage in found) == flops(net, (1, 8, 8))


def test_a_shared_module_counts_flops_twice_and_parameters_once() -> None:
    shared = next(stage for stage in stages(Toy(), (1, 8, 8)) if stage.name == "up.shared")
    assert shared.flops == 2 * (2 * 4 * 4 * 4 * 4)
    assert shared.parameters == 4 * 4 + 4


def test_tied_weights_are_counted_once() -> None:
    first, second = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
    second.weight = first.weight
    net = SinglePart(nn.Sequential(first, second))
    assert parameters(net) == 4 + 2 + 2
    assert sum(stage.parameters for stage in stages(net, (2, 4, 4))) == 8


@pytest.mark.parametrize("training", [True, False])
def test_summary_leaves_the_network_unchanged(training: bool) -> None:
    net = Toy().train(training)
    net.middle[2].train(not training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    stages(net, (1, 8, 8))
    flops(net, (1, 8, 8))
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(weight.grad is None for weight in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_summary_uses_no_global_random_state() -> None:
    net = Toy()
    before = torch.get_rng_state()
    stages(net, (1, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)


def test_call_argument_runs_networks_of_another_signature() -> None:
    net = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 2))
    found = stages(net, (2,), call=lambda part, x: part(x))
    assert [(stage.kind, stage.shape) for stage in found] == [
        ("Linear", (16,)),
        ("SiLU", (16,)),
        ("Linear", (2,)),
    ]
    assert sum(stage.flops for stage in found) == 2 * (2 * 16 + 16 * 2)


def test_unfit_shape_raises_and_restores_the_mode() -> None:
    net = Toy().train()
    error = raised(lambda: stages(net, (3, 8, 8)))
    assert error.code == "unsupported" and "(3, 8, 8)" in str(error)
    assert net.training
    assert not any(module._forward_hooks for module in net.modules())


class ByHand(nn.Module):
    """The same attention as `Attention` of one head, in two matrix products."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return (tokens @ tokens.transpose(1, 2)).softmax(-1) @ tokens


class Library(nn.Module):
    """torch's own layer, in two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return self.layer(tokens, tokens, tokens, need_weights=False)[0]


@pytest.mark.parametrize(
    ("part", "name", "heads"),
    [(Attention(1), "part", 1), (Attention(4), "part", 4), (ByHand(), "part", 1), (Library(), "part.layer", 2)],
    ids=["fused", "heads", "by hand", "library"],
)
def test_attention_is_found_in_any_implementation(part: nn.Module, name: str, heads: int) -> None:
    (found,) = attentions(SinglePart(part), (4, 6, 7))
    assert (found.name, found.queries, found.keys, found.heads) == (name, 42, 42, heads)


def test_a_softmax_over_channels_or_classes_is_no_attention() -> None:
    for part in (nn.Softmax(dim=1), nn.Softmax(dim=2), nn.Sequential(nn.Flatten(), nn.Softmax(dim=1))):
        assert attentions(SinglePart(part), (4, 6, 7)) == []


def test_attentions_of_maps_beyond_memory_are_found() -> None:
    """A million places have 10^12 pairs, 4 TB of scores."""
    (found,) = attentions(SinglePart(Library()), (4, 1000, 1000))
    assert found.queries == found.keys == 10**6


def test_attentions_leaves_the_network_on_its_device() -> None:
    net = SinglePart(Library()).train()
    attentions(net, (4, 6, 7))
    assert net.training and all(weight.device.type == "cpu" for weight in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
