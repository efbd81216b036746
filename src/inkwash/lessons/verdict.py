"""The verdict on an answer to an exercise, and the comparison of a function with the right one and with likely mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and why; `mistake` is the name of a recognised wrong answer.

    It is true or false as such, and prints as one line.
    """

    right: bool
    reason: str
    mistake: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}: {self.reason}"


@dataclass(frozen=True)
class Mistake:
    """A likely wrong answer: its name, the hint that it gets, and the wrong function."""

    name: str
    hint: str
    answer: Callable[..., Tensor]


def as_function(answer: object) -> Callable[..., object] | Verdict:
    """Return an answer that has to be a function, or the verdict where it is none."""
    return answer if callable(answer) else Verdict(False, f"the answer is {type(answer).__name__}; give a function")


def as_result(found: object, shape: torch.Size | None = None) -> Tensor | Verdict:
    """Return what an answer returned as a tensor of `shape`, or the verdict where it is none (a function without `return`)."""
    try:
        result = torch.as_tensor(found)
    except (TypeError, ValueError, RuntimeError):
        return Verdict(False, f"its result is {type(found).__name__}; return a tensor")
    if result.dtype is torch.bool:
        return Verdict(False, "its result is bool; return numbers")
    if shape is not None and result.shape != shape:
        return Verdict(False, f"its result has the shape {list(result.shape)}; it must be {list(shape)}")
    return result


def recognised(
    found: Sequence[Tensor], mistakes: Sequence[Mistake], cases: Sequence[tuple[object, ...]]
) -> Verdict | None:
    """Return the verdict on results that are those of a mistake in every case, given the arguments of the cases."""
    for mistake in mistakes:
        if all(_equal(result, mistake.answer(*case)) for result, case in zip(found, cases, strict=True)):
            return Verdict(False, mistake.hint, mistake.name)
    return None


def compare(
    answer: object,
    expected: Callable[..., Tensor],
    cases: Mapping[str, tuple[object, ...]],
    right: str,
    mistakes: Sequence[Mistake],
) -> Verdict:
    """Return whether `answer` returns what `expected` does for the arguments of every case, by its description.

    An answer that equals a mistake in all cases gets the hint of that, another the first case in which it differs.
    """
    function = as_function(answer)
    if isinstance(function, Verdict):
        return function
    results = []
    for case in cases.values():
        result = as_result(function(*case))
        if isinstance(result, Verdict):
            return result
        results.append(result)
    expectations = [expected(*case) for case in cases.values()]
    if all(map(_equal, results, expectations)):
        return Verdict(True, right)
    hint = recognised(results, mistakes, list(cases.values()))
    if hint is not None:
        return hint
    for where, result, wanted in zip(cases, results, expectations, strict=True):
        shaped = as_result(result, wanted.shape)
        if isinstance(shaped, Verdict):
            return shaped
        if not _equal(result, wanted):
            error = float((result - wanted).abs().max())
            return Verdict(False, f"it differs by up to {error:.3g} from the right value {where}")
    raise AssertionError("some case differs")


def _equal(result: Tensor, expected: Tensor) -> bool:
    return result.shape == expected.shape and bool(((result - expected).abs() <= TOLERANCE).all())
