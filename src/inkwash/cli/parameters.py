"""Types of command line arguments that several commands share, with their flags, help texts and converters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token

from inkwash.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from inkwash.core import Schedule

BITS = 64
"""Bits of the largest integers: larger ones would overflow in computations with floating point numbers."""


def _integer(type_: Any, tokens: Sequence[Token]) -> int:
    """Return the integer of a token. Raises `ValueError` for 2.5, which cyclopts would round."""
    try:
        value = int(tokens[0].value)
    except ValueError:
        raise ValueError(f"'{tokens[0].value}' is not an integer") from None
    if value.bit_length() > BITS:
        raise ValueError(f"{value} has more than {BITS} bits")
    return value


Integer = Annotated[int, Parameter(converter=_integer)]
Flag = Annotated[bool, Parameter(negative=())]
Count = Annotated[Integer | None, Parameter(name=["-n", "--count"])]
Out = Annotated[Path | None, Parameter(name=["--out", "-o"])]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"], negative=(), help="Print errors only.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON, for programs.")]
Device = Annotated[str, Parameter(help="auto, cpu, cuda or mps.")]
Threads = Annotated[
    Integer | None,
    Parameter(
        help="CPU threads to compute with, at least 1. Default: one per core; use fewer when other programs are "
        "running."
    ),
]
DataRange = Annotated[
    tuple[float, float] | None,
    Parameter(
        name="--range",
        negative=(),
        help="Values of black and white in arrays and tables, as in --range 0 1 or --range -1 1. Default: 0 255; floats need "
        "it.",
    ),
]
Plugin = Annotated[
    Path | None,
    Parameter(
        name="--with", help="A Python plugin file, executed first; it can register networks, schedules and samplers."
    ),
]
Eta = Annotated[
    float | None, Parameter(help="eta of DDIM in [0, 1] (0 deterministic, 1 as DDPM), or of DPM++ 2M SDE (0 or more).")
]
Temperature = Annotated[
    float, Parameter(help="Scale of the fresh noise, 0 or more: 1 is the sampler as published, 0 adds none.")
]
ScheduleName = Annotated[
    str | None,
    Parameter(
        name="--schedule",
        help="Noise schedule to sample on, such as karras, log-linear or cosine. Default: the recipe's sampling schedule, "
        "else that of training.",
    ),
]


def parse_schedule(name: str | None) -> Schedule | None:
    """Return the schedule called `name` with its default options, None for None. Raises `UsageError` if it is unknown."""
    if name is None:
        return None
    from inkwash.config.registry_sections import decode_schedule
    from inkwash.core import SCHEDULES

    if name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
    return decode_schedule(name, "--schedule")


def parse_seeds(text: str) -> tuple[int, int | None]:
    """Return both ends of an interpolation written "3..8", or one seed and None.

    Raises `UsageError` for anything else.
    """
    first, dots, last = text.partition("..")
    try:
        return int(first), int(last) if dots else None
    except ValueError:
        raise UsageError(
            f"--seed is '{text}': give an integer, or two as in 3..8", code="invalid-value", field="seed"
        ) from None


def parse_attributes(texts: Sequence[str] | None) -> tuple[dict[str, tuple[float, ...]], dict[str, tuple[float, ...]]]:
    """Return the attributes written as thickness=3 or slant=-20,0,20 by name, and the changes written as thickness+=1.

    Raises `UsageError` for anything else.
    """
    values: dict[str, tuple[float, ...]] = {}
    changes: dict[str, tuple[float, ...]] = {}
    for text in texts or ():
        name, _, numbers = (part.strip() for part in text.partition("="))
        sign = {"+": 1, "-": -1}.get(name[-1:])
        found = values if sign is None else changes
        name = name if sign is None else name[:-1].strip()
        if name in values or name in changes:
            raise UsageError(
                f"--set-attribute has {name} twice: write several values as {name}=2,6",
                code="conflict",
                field="set-attribute",
            )
        try:
            found[name] = tuple((sign or 1) * float(number) for number in numbers.split(","))
        except ValueError:
            raise UsageError(
                f"--set-attribute is '{text}': write a name and numbers, as in thickness=3 or slant=-20,0,20",
                code="invalid-value",
                field="set-attribute",
            ) from None
    return values, changes


def default_output(model: str, suffix: str) -> Path:
    """Return the file or folder in out/ that is written for `model` where no `--out` is given."""
    from inkwash.io.names import path_in, sanitized_name

    return path_in("out", f"{sanitized_name(Path(model).name.removesuffix('.safetensors'))}{suffix}")
