"""The shape and number of classes of every named data set, so that a network can be built without loading it."""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """The shape of one example, (C, H, W) or (D,), and the number of classes, 0 without labels."""

    shape: tuple[int, ...]
    classes: int


FORMS: dict[str, Form] = {
    "mnist": Form((1, 28, 28), 10),
    "fashion-mnist": Form((1, 28, 28), 10),
    "kmnist": Form((1, 28, 28), 10),
    "cifar-10": Form((3, 32, 32), 10),
    "digits": Form((1, 8, 8), 10),
    "moons": Form((2,), 2),
    "swiss-roll": Form((2,), 0),
    "spirals": Form((2,), 2),
    "checkerboard": Form((2,), 0),
    "gaussian-mixture": Form((2,), 8),
}
