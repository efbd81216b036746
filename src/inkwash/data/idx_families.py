"""The data sets whose IDX files have a prefix: EMNIST and QMNIST, with the names of their classes."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from inkwash.data.label_checks import check_label_range
from inkwash.data.reading import invalid_data

CAPITALS = string.ascii_uppercase
DISTINCT_SMALL = "abdefghnqrt"
"""The small letters that EMNIST's merged and balanced splits distinguish from their capitals."""
EMNIST = "EMNIST, G. Cohen, S. Afshar, J. Tapson and A. van Schaik 2017, NIST; no licence stated"
TURNED = "EMNIST stores its images transposed: they were turned upright"


@dataclass(frozen=True)
class IdxFamily:
    """The names of the classes, the origin, and how the files differ from MNIST's.

    `first_label` is the label of the first class, and `warning` a sentence about what was changed in reading.
    """

    classes: tuple[str, ...]
    note: str
    transposed: bool = False
    first_label: int = 0
    warning: str = ""

    def class_indices(self, labels: Tensor, where: Path) -> Tensor:
        """Return `labels` int64 `[N]` as indices of `classes`. Raises `InkwashError`, naming `where`, for others."""
        if int(labels.min()) < self.first_label:
            raise invalid_data(f"{where}: label {int(labels.min())} is below the first, {self.first_label}", "labels")
        return check_label_range(labels, self.first_label + len(self.classes), where) - self.first_label


def _emnist(classes: str) -> IdxFamily:
    return IdxFamily(tuple(classes), EMNIST, transposed=True, warning=TURNED)


FAMILIES = {
    "emnist-byclass": _emnist(string.digits + CAPITALS + string.ascii_lowercase),
    "emnist-bymerge": _emnist(string.digits + CAPITALS + DISTINCT_SMALL),
    "emnist-balanced": _emnist(string.digits + CAPITALS + DISTINCT_SMALL),
    "emnist-letters": IdxFamily(
        tuple(CAPITALS), EMNIST, True, 1, f"{TURNED}; its labels 1 to 26 are the classes A to Z"
    ),
    "emnist-digits": _emnist(string.digits),
    "emnist-mnist": _emnist(string.digits),
    "qmnist": IdxFamily(tuple(string.digits), "QMNIST, C. Yadav and L. Bottou 2019, NIST; BSD"),
}
"""By prefix of the file names. https://arxiv.org/abs/1702.05373, Table II; https://arxiv.org/abs/1905.10498"""


def family(prefix: str) -> IdxFamily | None:
    """Return the family of files with this prefix, "emnist-letters" or "EMNIST_letters", None for any other."""
    return FAMILIES.get(re.sub("[-_. ]+", "-", prefix.lower()))
