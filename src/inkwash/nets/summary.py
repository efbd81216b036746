"""Summary of a network: its stages in execution order, with parameters and FLOPs, and its attention layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from inkwash.errors import InkwashError

Call = Callable[[nn.Module, Tensor], Any]


@dataclass(frozen=True)
class Stage:
    """One part of a network, as it ran on one example.

    `shape` is that of its (first) output without the batch, () for a part that did not run; `parameters`
    counts weights not already counted in an earlier stage; `flops` counts a multiply-add as 2 and only matrix
    products, convolutions and attention; `depth` is 0 for a part of the network itself, 1 for a member of a
    list in it.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flops: int
    depth: int


@dataclass(frozen=True)
class Attention:
    """One attention, as it ran on one example: the module that contains it, its numbers of queries, keys and heads."""

    name: str
    queries: int
    keys: int
    heads: int


def parameters(net: nn.Module) -> int:
    """Return the number of weights of `net`, one that is shared counted once, buffers not at all."""
    return sum(weight.numel() for weight in net.parameters())


def flops(net: nn.Module, shape: tuple[int, ...], call: Call | None = None) -> int:
    """Return the operations of one forward pass of one example of `shape`, a multiply-add counted as 2.

    Matrix products, convolutions and attention are counted; norms, activations and sums are not, as is usual.
    `call` runs the network on x [1, *shape], by default `net(x, c_noise, None)`.
    Raises `InkwashError` when the network cannot run on that shape.
    """
    with _probed(net, shape, call) as run, FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def stages(net: nn.Module, shape: tuple[int, ...], call: Call | None = None) -> list[Stage]:
    """Return the parts of `net` in the order in which they first run on one example of `shape`.

    `shape` is (C, H, W) or (D,). The parts are the network's named children, with lists (`ModuleList`,
    `ModuleDict`) opened. Parts that do not run without a label come last, and weights that the network holds
    itself make a stage of their own at the front, so that the parameters of all stages sum to
    `parameters(net)`. `call` is as for `flops`. Raises `InkwashError` when the network cannot run on that
    shape.
    """
    entries = list(parts(net))
    ran: dict[str, tuple[tuple[int, ...], int]] = {}
    starts: dict[str, int] = {}

    with ExitStack() as stack:
        run = stack.enter_context(_probed(net, shape, call))
        counter = stack.enter_context(FlopCounterMode(display=False))

        def track(name: str, part: nn.Module) -> None:
            def before(module: nn.Module, inputs: Any) -> None:
                starts[name] = counter.get_total_flops()
                ran.setdefault(name, ((), 0))

            def after(module: nn.Module, inputs: Any, output: Any) -> None:
                # A part that runs twice counts its FLOPs twice and shows its last output.
                ran[name] = _shape(output), ran[name][1] + counter.get_total_flops() - starts[name]

            stack.callback(part.register_forward_pre_hook(before).remove)
            stack.callback(part.register_forward_hook(after).remove)

        for name, part, _ in entries:
            track(name, part)
        run()

    order = {name: place for place, name in enumerate(ran)}
    found: list[Stage] = []
    counted: set[int] = set()

    def uncounted(weights: Iterator[nn.Parameter]) -> int:
        new = {id(weight): weight.numel() for weight in weights if id(weight) not in counted}
        counted.update(new)
        return sum(new.values())

    own = uncounted(net.parameters(recurse=False))
    if own:
        found.append(Stage("(own weights)", type(net).__name__, (), own, 0, 0))
    for name, part, depth in sorted(entries, key=lambda entry: order.get(entry[0], len(order))):
        output, cost = ran.get(name, ((), 0))
        found.append(Stage(name, type(part).__name__, output, uncounted(part.parameters()), cost, depth))
    return found


def attentions(net: nn.Module, shape: tuple[int, ...], call: Call | None = None) -> list[Attention]:
    """Return the attentions of `net` in the order in which they run on one example of `shape`.

    They are detected by their softmax over [..., queries, keys], in any implementation. The network is copied to the meta
    device, so that maps of any size need no memory. `call` is as for `flops`. Raises
    `InkwashError` when the network cannot run on that shape, or not without numbers.
    """
    bare = copy.deepcopy(net).to("meta")
    running: list[str] = []
    found: list[Attention] = []

    class AttentionCounter(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func.overloadpacket in _SOFTMAXES and args[0].ndim > 2 and args[1] % args[0].ndim == args[0].ndim - 1:
                queries, keys = args[0].shape[-2:]
                found.append(Attention(running[-1], queries, keys, args[0].numel() // (queries * keys)))
            return func(*args, **(kwargs or {}))

    def track(name: str, part: nn.Module) -> None:
        part.register_forward_pre_hook(lambda module, inputs: running.append(name))
        part.register_forward_hook(lambda module, inputs, output: running.pop() and None)

    for name, part in bare.named_modules():
        track(name or type(net).__name__, part)
    with _probed(bare, shape, call) as run, AttentionCounter():  # type: ignore[no-untyped-call]
        run()
    return found


def activation_bytes(net: nn.Module, shape: tuple[int, ...], call: Call | None = None) -> int:
    """Return the bytes that the inputs and outputs of the largest operation on one example of `shape` take together.

    It bounds the memory of a forward pass from below. The network is copied to the meta device, as for `attentions`;
    0 if it cannot run there.
    """
    bare = copy.deepcopy(net).to("meta")
    largest = 0

    class PeakActivation(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            held = {id(each): each.nbytes for each in (*args, result) if isinstance(each, Tensor)}
            largest = max(largest, sum(held.values()))
            return result

    try:
        with _probed(bare, shape, call) as run, PeakActivation():  # type: ignore[no-untyped-call]
            run()
    except Exception:
        return 0  # A network that fails here fails in use too, with the message of its own error.
    return largest


_SOFTMAXES = (torch.ops.aten._softmax, torch.ops.aten._safe_softmax)


def parts(net: nn.Module, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, nn.Module, int]]:
    """Yield name, module and depth of the children of `net`, with lists (`ModuleList`, `ModuleDict`) opened."""
    for name, child in net.named_children():
        # A list has no forward, so its hooks would not be called.
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from parts(child, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", child, depth


def _shape(output: Any) -> tuple[int, ...]:
    if isinstance(output, Tensor):
        return tuple(output.shape[1:])
    if isinstance(output, list | tuple) and output:
        return _shape(output[0])
    return ()


@contextmanager
def _probed(net: nn.Module, shape: tuple[int, ...], call: Call | None) -> Iterator[Callable[[], None]]:
    """Yield a function that runs `net` in evaluation mode, without gradients; then restore every mode."""
    modes = [(module, module.training) for module in net.modules()]
    weight = next(net.parameters(), torch.empty(0))
    x = torch.zeros(1, *shape, device=weight.device, dtype=weight.dtype)

    def run() -> None:
        try:
            if call is not None:
                call(net, x)
            else:
                net(x, torch.full((1,), 0.5, device=x.device), None)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            reason = str(error).strip().partition("\n")[0]
            message = f"{type(net).__name__} cannot run on an example of shape {tuple(shape)}: {reason}"
            raise InkwashError(message, code="unsupported") from error

    net.eval()
    try:
        with torch.no_grad():
            yield run
    finally:
        for module, training in modes:
            module.training = training
