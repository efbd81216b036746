"""Parts of the generated documents: columns of scores, formatted numbers, generated blocks within a text."""

from __future__ import annotations

from inkwash.evaluation.scores import PERCENTAGES

QUALITY = {
    "fd.a": "FD A",
    "fd.b": "FD B",
    "fd.c": "FD C",
    "kid": "KID ×1000",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "two_sample": "1-NN",
}
MORE = {
    "fd.a.test": "FD A to test",
    "fd.b.test": "FD B to test",
    "fd.c.test": "FD C to test",
    "spread.a": "spread A",
    "accuracy.a": "accuracy A",
    "worst.a": "worst class A",
    "accuracy.b": "accuracy B",
    "unsure.a": "low-confidence % A",
    "unsure.b": "low-confidence % B",
    "entropy.a": "label entropy A",
    "zero": "exactly black pixels %",
    "nearest": "nearest train image",
    "copies": "near-copies",
}

REQUESTED = {
    **{f"r2.{name}": name for name in ("thickness", "slant", "width", "height", "ink", "roundness", "holes")},
    "fd.a.requested": "FD A",
    "accuracy.a.requested": "accuracy A",
}
"""Scores of samples that attributes are requested of."""


def figure(key: str, value: float | None) -> str:
    """Return the value of a score for a table: proportions in percent, others with three decimals, "" for None."""
    if value is None:
        return ""
    return f"{value:.1%}" if key.split(".")[0] in PERCENTAGES else f"{value:.3f}"


def block(text: str, name: str, inside: str) -> str:
    """Return `text` with `inside` between its comments "`name`: written by …" and "end of `name`"."""
    begin, end = text.index(f"<!-- {name}: written by"), text.index(f"<!-- end of {name} -->")
    head = text[: text.index("-->", begin) + len("-->")]
    return f"{head}\n{inside}\n{text[end:]}"
