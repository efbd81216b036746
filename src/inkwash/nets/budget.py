"""How many parameters a network may have: what a recipe asks for is refused while it is built, before memory is taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from inkwash import memory
from inkwash.errors import UsageError

MOST_PARAMETERS = 2**30
"""Of one network, 4 GB in float32: a hundred times the networks that small images need."""
MOST_TENSORS = 20_000
"""Parameter tensors of one network, so that depth has a bound too."""


class ParameterBudgetError(UsageError):
    """A network that asks for more parameters than it may have."""


@contextmanager
def parameter_budget(most: int, kind: str) -> Iterator[None]:
    """Raise `ParameterBudgetError` as soon as the network built inside holds more than `most` parameters.

    A layer is refused when it registers a weight, which torch has reserved and nobody has written to yet. `most` is
    lowered to what this machine's memory holds; `kind` names the network in the error.
    """
    most = min(most, memory.machine() // 4)
    thread, count, tensors = threading.get_ident(), 0, 0

    def register(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        nonlocal count, tensors
        if parameter is None or threading.get_ident() != thread:
            return
        count, tensors = count + parameter.numel(), tensors + 1
        if count > most or tensors > MOST_TENSORS:
            given = f"{count:,} parameters in {tensors:,} tensors, of at most {most:,} in {MOST_TENSORS:,}"
            raise ParameterBudgetError(f"{kind} has {given}: choose smaller options in the section [network]")

    handle = register_module_parameter_registration_hook(register)
    try:
        yield
    finally:
        handle.remove()
