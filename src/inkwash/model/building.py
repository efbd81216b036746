"""Build the network of a recipe, and test that a network takes the examples of a data set."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from inkwash.config.recipe import Recipe
from inkwash.core.denoisers import tensor_of
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError
from inkwash.hardware import memory
from inkwash.io.arguments import wrong_type
from inkwash.nets import NETS, summary
from inkwash.nets.parameter_limit import MAX_PARAMETERS, build_within_limit
from inkwash.text.printing import shortened

MIN_ESTIMATED_VALUES = 2**20
"""Values of an example from which on the memory of a forward pass is estimated first, which takes a second."""
FORWARD_ERRORS = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError)
"""What the forward pass of a network may raise for inputs that it does not take."""


def require_module(net: nn.Module) -> nn.Module:
    """Return `net`, an argument from Python. Raises `UsageError` when it is no module, or has no parameters."""
    if not isinstance(net, nn.Module):
        raise wrong_type("net", net, "an instance of nn.Module")
    if not any(True for _ in net.parameters()):
        message = (
            f"net, a {type(net).__name__}, has no parameters: assign its layers in __init__, after super().__init__()"
        )
        raise UsageError(message, code="invalid-value", field="net")
    return net


@torch.no_grad()
def check_forward(net: nn.Module, spec: DatasetSpec, label: int | None = None) -> nn.Module:
    """Return `net` when it takes examples of `spec`, tested with two of zeros and `label`; otherwise raise `UsageError`."""
    device = next(net.parameters()).device
    kind, expected = type(net).__name__, f"{'×'.join(map(str, spec.shape))} ({spec.data})"
    remedy = "points need --set network.kind=mlp" if spec.is_points else "images need a U-Net and at least 4 pixels"
    # Copy the network, because a forward pass may change buffers such as running statistics.
    trial = copy.deepcopy(net).eval()
    try:
        labels = None if label is None else torch.full((2,), label, device=device)
        output = tensor_of(trial(torch.zeros(2, *spec.shape, device=device), torch.zeros(2, device=device), labels))
    except FORWARD_ERRORS as error:
        reason = " ".join(str(error).split())[:100]
        if isinstance(error, TypeError):
            remedy = "its forward takes (x, c_noise, label)"
        raise UsageError(
            f"{kind} cannot process inputs of {expected}: {reason}; {remedy}", code="mismatch", field="network.kind"
        ) from error
    if not isinstance(output, Tensor):
        message = (
            f"{kind} returned a {type(output).__name__}: return a tensor, or an object with one as its attribute sample"
        )
        raise UsageError(message, code="mismatch", field="network.kind")
    if output.shape[1:] != spec.shape:
        returned = "×".join(map(str, output.shape[1:])) or "one number"
        raise UsageError(
            f"{kind} returned {returned} for inputs of {expected}: {remedy}", code="mismatch", field="network.kind"
        )
    return net


def build_net(recipe: Recipe, spec: DatasetSpec, most: int = MAX_PARAMETERS) -> nn.Module:
    """Return the recipe's untrained network for data of `spec`, initialized from the seed of the recipe.

    Raises `UsageError` for a network that is not in NETS, one of more than `most` parameters, or one whose forward pass
    does not fit in memory for examples of this shape.
    """
    kind = recipe.network.kind
    if kind not in NETS:
        raise UsageError(
            f"network '{kind}' is not known: give it as net=… in Python, or add it to NETS in a file for --with",
            code="unknown-name",
            field="network.kind",
        )

    def make() -> nn.Module:
        torch.default_generator.manual_seed(recipe.training.seed)
        return NETS[kind](spec.shape[0], spec.num_classes(recipe.network.conditional), **recipe.network.options)

    # torch initializes layers from its global generator, whose state is restored afterwards.
    with torch.random.fork_rng(devices=[]):
        try:
            net = build_within_limit(make, most, kind)
        except (RuntimeError, ValueError, TypeError, ArithmeticError, IndexError) as error:
            options = ", ".join(f"network.{name} = {value}" for name, value in recipe.network.options.items())
            reason = shortened(" ".join(str(error).split()))
            raise UsageError(
                f"{kind} cannot be built with {shortened(options)}: {reason}", code="invalid-value", field="network"
            ) from None
    if math.prod(spec.shape) > MIN_ESTIMATED_VALUES:
        sides = "×".join(map(str, spec.shape))
        needed = summary.activation_bytes(net, spec.shape)
        memory.require(
            needed, f"{kind} on one example of {sides}", "choose a smaller data.size or network", "data.size"
        )
    return net
