"""Strategies of command lines and recipe files, from valid ones to random text.

Flags and their numbers of values are read from the signatures of the commands, so that a new flag is tried without a
change here. Most requests are valid but for one or two faults: random text is refused before it reaches much code.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from cyclopts import Parameter
from fuzz_values import (
    AMOUNTS,
    BEGINNINGS,
    FILES,
    LISTS,
    NAMES,
    NUMBERS,
    OTHERS,
    SENSIBLE,
    STRANGE,
    THINGS,
    VALUES,
    WORDS,
)
from hypothesis import strategies as st

from inkwash import cli
from inkwash.config import recipe
from inkwash.core import DENSITIES, SCHEDULES, WARPS
from inkwash.nets import NETS
from inkwash.objectives import WEIGHTS
from inkwash.optim.optimizers import OPTIMIZERS, OptimizerConfig

Draw = st.DrawFn
RECIPE_FILE = "fuzz.toml"
"""The recipe file of a request: in the working folder, and as the recipe of the run `again`."""


class CommandLine(NamedTuple):
    """The words of a command line, and the content of its recipe file."""

    words: list[str]
    file: bytes | None = None


@dataclass(frozen=True)
class Flag:
    """The names of a flag, its parameter and its number of values."""

    words: tuple[str, ...]
    parameter: str
    takes: int


def parameters_of(command: str) -> tuple[list[str], list[Flag]]:
    """Return the positional parameters and the flags of a command, from the signature of its function."""
    function = getattr(import_module(f"inkwash.cli.{command}"), command)
    hints, full = typing.get_type_hints(function), typing.get_type_hints(function, include_extras=True)
    places, flags = [], []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY:
            places.append(name)
            continue
        marks = get_args(full[name])[1:] if get_origin(full[name]) is Annotated else ()
        named = next((mark.name for mark in marks if isinstance(mark, Parameter) and mark.name), None)
        called = (named,) if isinstance(named, str) else tuple(named or (f"--{name.replace('_', '-')}",))
        kinds = {hints[name], *get_args(hints[name])}
        takes = 0 if bool in kinds else 2 if hints[name] == tuple[float, float] else 1
        flags.append(Flag((*called, "--no-clip") if name == "clip" else called, name, takes))
    return places, flags


COMMANDS = {command: parameters_of(command) for command in cli.COMMANDS}


@st.composite
def values(draw: Draw, parameter: str) -> str:
    """Return a value for a parameter: mostly a plausible one."""
    if draw(st.integers(0, 3)):
        return draw(st.sampled_from(SENSIBLE.get(parameter, NUMBERS)))
    text = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), max_size=8)
    return draw(st.one_of(st.sampled_from(NUMBERS), st.sampled_from(FILES), st.sampled_from(WORDS), text))


@st.composite
def fields(draw: Draw) -> list[tuple[str, str]]:
    """Return a field of some recipe with another value, or the kind of a section with one of its options."""
    match draw(st.sampled_from(["known"] * 4 + ["kind"] * 4 + ["strange"])):
        case "known":
            path, value = draw(st.sampled_from(known()))
            return [(path, draw(like(path, value)))]
        case "kind":
            section = draw(st.sampled_from(sorted(TABLES)))
            kind = draw(st.sampled_from(sorted(TABLES[section])))
            options = inspect.signature(TABLES[section][kind]).parameters
            chosen = [(f"{section}.kind", f'"{kind}"')]
            for name in draw(st.lists(st.sampled_from(sorted(options)), max_size=2)) if options else ():
                kinds = str(options[name].annotation)
                value = "[1]" if "tuple" in kinds else "true" if "bool" in kinds else "1"
                chosen.append((f"{section}.{name}", draw(like(name, value))))
            return chosen
    return [(draw(st.sampled_from(STRANGE)), draw(st.sampled_from(VALUES)))]


def like(path: str, value: str) -> st.SearchStrategy[str]:
    """Return other values for the field at `path` that is `value` in TOML, most of them of its type."""
    key = path.rpartition(".")[2]
    names = [f'"{name}"' for name in SENSIBLE.get({"ema": "length", "preview": "sampler"}.get(key, key), NAMES)]
    same = names if value[0] == '"' else LISTS if value[0] == "[" else OTHERS if value[0] in "tf{" else AMOUNTS
    return st.integers(0, 5).flatmap(lambda k: st.sampled_from(same if k else VALUES))


TABLES: dict[str, Mapping[str, Any]] = {"network": NETS, "schedule": SCHEDULES, "density": DENSITIES, "weight": WEIGHTS}
TABLES |= {
    "optimizer": dict.fromkeys(OPTIMIZERS, OptimizerConfig),
    "schedule.warp": WARPS,
    "sampling.schedule": SCHEDULES,
}


@cache
def known() -> list[tuple[str, str]]:
    """Return the fields of all bundled recipes."""
    return sorted({leaf for name in recipe.bundled() for leaf in leaves(name)})


@cache
def leaves(name: str) -> list[tuple[str, str]]:
    """Return the fields of a bundled recipe by their dotted paths, their values written as in TOML."""

    def below(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
        for key, value in table.items():
            if isinstance(value, Mapping):
                yield from below(value, f"{prefix}{key}.")
            elif value is not None:
                yield f"{prefix}{key}", json.dumps(value)

    return [*below(recipe.load(name).to_dict(), "")]


@st.composite
def recipes(draw: Draw) -> bytes:
    """Return a bundled recipe with some fields changed, gone, renamed or added, or with some of its bytes spoilt."""
    name = draw(st.sampled_from(recipe.bundled()))
    text = recipe.read_text(name).encode()
    if draw(st.integers(0, 7)) == 0:
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 40))
        return text[:at] + draw(st.binary(max_size=6)) + text[at + length :]
    found = [*leaves(name)]
    if draw(st.integers(0, 4)):
        small = {
            "network.widths": "[8, 16]",
            "data.name": '"digits"',
            "training.length": '"1 step"',
            "network.groups": "8",
        }
        found = [(path, small.get(path, value)) for path, value in found]
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(found) - 1))
        path, value = found[at]
        match draw(st.sampled_from(["changed"] * 12 + ["gone", "renamed", "nested", "lifted"])):
            case "changed":
                changed = dict(draw(fields()))
                # the options of the former kind are removed with it
                renewed = {path.removesuffix("kind") for path in changed if path.endswith(".kind")}
                unchanged = [
                    (path, value) for path, value in found if not any(path.startswith(each) for each in renewed)
                ]
                found = [*[each for each in unchanged if each[0] not in changed], *changed.items()]
            case "gone" if len(found) > 1:
                del found[at]
            case "renamed":
                found[at] = f"{path}{draw(st.sampled_from(['s', '_', '-x', ' ']))}", value
            case "nested":
                found[at] = f"{path}.{draw(st.sampled_from(['x', 'kind']))}", value
            case "lifted":
                found[at] = path.partition(".")[2] or "x", value
    return "\n".join(f"{path} = {value}" for path, value in found).encode("utf-8", "surrogatepass")


@st.composite
def flags(draw: Draw, command: str) -> list[str]:
    """Return a flag of `command` with its values; sometimes without, with too many, or misspelt."""
    flag = draw(st.sampled_from(COMMANDS[command][1]))
    word = draw(st.sampled_from(flag.words))
    if flag.parameter == "set_" and draw(st.integers(0, 9)):
        return [part for path, value in draw(fields()) for part in (word, f"{path}={value}")]
    given = [draw(values(flag.parameter)) for _ in range(flag.takes)]
    match draw(st.sampled_from(["plain"] * 40 + ["equals"] * 8 + ["none", "more", "misspelt", "ended"])):
        case "equals" if len(given) == 1:
            return [f"{word}={given[0]}"]
        case "none":
            return [word]
        case "more":
            return [word, *given, "1"]
        case "misspelt":
            return [f"{word}x", *given]
        case "ended":
            return ["--", word, *given]
    return [word, *given]


@st.composite
def command_lines(draw: Draw, command: str) -> CommandLine:
    """Return a command line for `command`."""
    several = st.lists(flags(command), max_size=draw(st.sampled_from([1, 1, 2, 4])))
    some = [word for flag in draw(several) for word in flag]
    match draw(
        st.sampled_from(["valid"] * 8 + ["thing", "things"] + ["recipe"] * (8 if command in ("train", "show") else 1))
    ):
        case "valid":
            begun = draw(st.sampled_from(BEGINNINGS[command])).split()
        case "thing":
            begun = [draw(st.one_of(st.sampled_from(THINGS), *(values(name) for name in COMMANDS[command][0])))]
        case "things":
            begun = draw(st.lists(st.sampled_from(THINGS + FILES), max_size=3))
        case _:
            begun = [draw(st.sampled_from([RECIPE_FILE, RECIPE_FILE, "again"]))]
            begun = [
                *begun,
                *draw(st.sampled_from([[], ["--data", "digits"]])) * (command == "train"),
            ]
            return CommandLine([command, *begun, *some], draw(recipes()))
    return CommandLine([command, *begun, *some])


@st.composite
def requests(draw: Draw) -> CommandLine:
    """Return a command line for any command, none, or one that does not exist."""
    command = draw(st.sampled_from([*COMMANDS, "train", "train", "train", "sample", "sample", "show", ""]))
    if command:
        return draw(command_lines(command))
    begun = draw(st.sampled_from(["", "trian", "draw", "ls", "--version", "--help", "--", "--processes 2", "-x", "é"]))
    return CommandLine(
        [*begun.split(), *draw(st.lists(st.sampled_from([*WORDS, *FILES, *COMMANDS, "--processes"]), max_size=3))]
    )
