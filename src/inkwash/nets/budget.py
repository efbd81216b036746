"""How many parameters a network may have: what a recipe asks for is refused while it is built, before memory is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from inkwash.errors import UsageError
from inkwash.hardware import memory

MOST_PARAMETERS = 2**30
"""Of one network, 4 GB in float32: a hundred times the networks that small images need."""
MOST_TENSORS = 20_000
"""Parameter tensors of one network, so that depth has a bound too."""
SMALL = 2**25
"""Parameters up to which a network is built at once; above, it is first built without numbers, which takes a second."""


class ParameterBudgetError(UsageError):
    """A network that asks for more parameters than it may have."""


def built(make: Callable[[], nn.Module], most: int, kind: str) -> nn.Module:
    """Return the network that `make` builds, which may have `most` parameters, and no more than this machine holds.

    `kind` names it in errors. Raises `ParameterBudgetError` for a larger one, before memory is taken for it.
    """
    most = min(most, memory.machine() // 4)
    try:
        with _budget(min(most, SMALL), kind):
            return make()
    except ParameterBudgetError:
        if most <= SMALL:
            raise
    # a network of one's own that cannot be built without numbers is counted while it is built with them
    with _budget(most, kind), suppress(RuntimeError, NotImplementedError), torch.device("meta"):
        make()
    with _budget(most, kind):
        return make()


@contextmanager
def _budget(most: int, kind: str) -> Iterator[None]:
    """Raise `ParameterBudgetError` when a layer built inside registers a weight beyond `most` parameters.

    By then torch has reserved its memory, and nobody has written to it yet.
    """
    thread, count, tensors = threading.get_ident(), 0, 0

    def register(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count, tensors
        if parameter is None or threading.get_ident() != thread:
            return
        count, tensors = count + parameter.numel(), tensors + 1
        if count > most or tensors > MOST_TENSORS:
            limit = f"{most:,} ({4 * most / 1e9:.2g} GB) in {MOST_TENSORS:,}"
            raise ParameterBudgetError(
                f"{kind} of {count:,} parameters or more, in {tensors:,} tensors, of at most {limit}: "
                "choose smaller options in the section [network]"
            )

    handle = register_module_parameter_registration_hook(register)
    try:
        yield
    finally:
        handle.remove()
