"""Check the annotated types and tensor shapes of PACKAGES at run time, in tests only.

Importing this module installs the checks; they apply to modules that are imported afterwards. A check takes longer than
many a function that it checks, so that each test checks the first CALLS calls of a function only.
"""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

PACKAGES = ("inkwash.core", "inkwash.nets", "inkwash.objectives", "inkwash.metrics", "inkwash.sampling")
CALLS = 60
"""The calls of a function that are checked in each test."""

_counted: Counter[Any] = Counter()
_silenced: list[Any] = []


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check arguments and results; an int is accepted for a float, as PEP 484 does."""
    checking: Callable[..., Any] = beartype(conf=BeartypeConf(is_pep484_tower=True))(function)

    @wraps(checking)
    def counting(*args: Any, **kwargs: Any) -> Any:
        _counted[function] += 1
        if _counted[function] == CALLS:
            _silence(function)
        return checking(*args, **kwargs)

    return counting


def renew() -> None:
    """Check the next calls of every function again."""
    _counted.clear()
    while _silenced:
        del _silenced.pop().__no_type_check__


def _silence(check: Callable[..., Any]) -> None:
    """Stop the checks of the function that jaxtyping made `check` for, which has its module and its name."""
    found: Any = sys.modules[check.__module__]
    for name in check.__qualname__.split("."):
        found = inspect.getattr_static(found, name, None)
    for wrapped in ("fget", "func", "__func__"):
        found = getattr(found, wrapped, found)
    if found is not None and not hasattr(found := inspect.unwrap(found), "__no_type_check__"):
        found.__no_type_check__ = True
        _silenced.append(found)


install_import_hook(PACKAGES, "shape_checks.checked")
