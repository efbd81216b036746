"""Detect classes without examples, and labels that start at 1."""

from __future__ import annotations

from inkwash.data.spec import DatasetSpec

NAMED = 5


def without_examples(spec: DatasetSpec) -> str | None:
    """A class without examples is never trained; if only class 0 has none, the labels probably start at 1."""
    empty = [name for name, share in zip(spec.classes, spec.proportions, strict=True) if share == 0]
    count = len(spec.classes)
    if not empty:
        return None
    if empty == ["0"] and spec.classes == tuple(map(str, range(count))) and count > 2:
        return f"labels run from 1 to {count - 1} and none is 0: class 0 has no examples; use labels - 1"
    names = ", ".join(empty[:NAMED]) + (", …" if len(empty) > NAMED else "")
    return (
        f"{len(empty)} of {count} classes have no examples ({names}): "
        "samples of them will be meaningless; add examples, or leave the classes out"
    )
