"""A limit on the parameters of a network, enforced while it is built and before its memory is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from inkwash.errors import UsageError
from inkwash.hardware import memory

MAX_PARAMETERS = 2**30
"""Parameters of one network, 4 GB in float32: a hundred times those of networks for small images."""
MAX_TENSORS = 20_000
"""Parameter tensors of one network, which limits its depth."""
SMALL = 2**25
"""Parameters up to which a network is built directly; a larger one is first counted on the meta device."""


class ParameterLimitError(UsageError):
    """A network has more parameters than its limit."""


def build_within_limit(make: Callable[[], nn.Module], most: int, kind: str) -> nn.Module:
    """Return the network that `make` builds, with at most `most` parameters and a quarter of this machine's memory.

    `kind` names it in errors. Raises `ParameterLimitError` for a larger network, before its memory is written.
    """
    most = min(most, memory.total_memory() // 4)
    try:
        with _budget(min(most, SMALL), kind):
            return make()
    except ParameterLimitError:
        if most <= SMALL:
            raise
    # A plugin network that cannot be built on the meta device is counted while it is built for use.
    with _budget(most, kind), suppress(RuntimeError, NotImplementedError), torch.device("meta"):
        make()
    with _budget(most, kind):
        return make()


@contextmanager
def _budget(most: int, kind: str) -> Iterator[None]:
    """Raise `ParameterLimitError` when a layer built in this context registers a weight beyond `most` parameters.

    At that point torch has reserved the memory of the weight but not written to it.
    """
    thread, count, tensors = threading.get_ident(), 0, 0

    def register(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count, tensors
        if parameter is None or threading.get_ident() != thread:
            return
        count, tensors = count + parameter.numel(), tensors + 1
        if count > most or tensors > MAX_TENSORS:
            raise ParameterLimitError(
                f"network {kind} has at least {count:,} parameters in {tensors:,} tensors, more than {most:,} "
                f"({4 * most / 1e9:.2g} GB) or {MAX_TENSORS:,} tensors: choose smaller options in the section [network]",
                code="too-large",
                field="network",
            )

    handle = register_module_parameter_registration_hook(register)
    try:
        yield
    finally:
        handle.remove()
