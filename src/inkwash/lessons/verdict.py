"""The verdict on an answer to an exercise, and the comparison of a function's result with the right one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and why; it is true or false as such, and prints as one line."""

    right: bool
    reason: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}: {self.reason}"


def as_result(found: object) -> Tensor | Verdict:
    """Return what an answer returned as a tensor, or the verdict where it is none, as of a function without `return`."""
    try:
        return torch.as_tensor(found)
    except (TypeError, ValueError, RuntimeError):
        return Verdict(False, f"its result is {type(found).__name__}; return a tensor")


def equal_result(
    answer: object, arguments: tuple[object, ...], expected: Tensor, where: str, right: str = ""
) -> Verdict:
    """Return whether the function `answer` returns `expected` for `arguments`."""
    if not callable(answer):
        return Verdict(False, f"the answer is {type(answer).__name__}; give a function")
    found = as_result(answer(*arguments))
    if isinstance(found, Verdict):
        return found
    if found.shape != expected.shape:
        return Verdict(False, f"its result has the shape {list(found.shape)}; it must be {list(expected.shape)}")
    error = float((found - expected).abs().max())
    if not error <= TOLERANCE:
        return Verdict(False, f"it differs by up to {error:.3g} from the right value {where}")
    return Verdict(True, right)
