"""A recipe is everything that decides a training run, as one frozen value that reads and writes as TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from inkwash.config.lengths import Length, Milestones
from inkwash.config.schema import Data, Experiment, Network, Sampling, Training, decode, encode, options_of
from inkwash.core import TARGETS, Density, Linear, Schedule, Uniform
from inkwash.core.samplers import parse
from inkwash.core.schedules import MOST
from inkwash.data import dataset_called
from inkwash.errors import UnknownFieldError, UsageError, other_file, unknown_name
from inkwash.io import limits, toml
from inkwash.io.binding import bind
from inkwash.io.names import checked_name, cleaned_name
from inkwash.nets import NETS
from inkwash.objectives import Unweighted, Weight
from inkwash.optim.optimizers import Optimizer
from inkwash.text import synonyms


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; each field is a section of its TOML file. Raises `UsageError` for what no run could follow.

    `clip` clips guesses to the range of images when drawing, and lets training know (see `Denoising`).
    """

    name: str
    network: Network
    about: str = ""
    data: Data = field(default_factory=Data)
    target: str = "eps"
    clip: bool = False
    schedule: Schedule = field(default_factory=Linear)
    density: Density = field(default_factory=Uniform)
    weight: Weight = field(default_factory=Unweighted)
    optimizer: Optimizer = field(default_factory=Optimizer)
    training: Training = field(default_factory=Training)
    sampling: Sampling = field(default_factory=Sampling)
    experiment: Experiment = field(default_factory=Experiment)

    def __post_init__(self) -> None:
        checked_name(self.name, "field 'name'")
        if self.target not in TARGETS:
            raise unknown_name("target", self.target, TARGETS)
        for part, levels in (("sampler", self.sampling.schedule or self.schedule), ("preview", self.schedule)):
            text, most = getattr(self.sampling, part), levels.rows or MOST
            steps = parse(text)[1]
            if steps is not None and not 1 <= steps <= most:
                have = f", but the betas have T = {most} rows" if steps > most and levels.rows else ""
                raise UsageError(f"sampling.{part} is {text}{have}: write 1 to {min(most, 1000)} steps, as in ddim:50")
        if self.training.label_dropout and not self.network.conditional:
            raise UsageError(
                "training.label_dropout has no effect on a network that hears no label: "
                "set network.conditional = true, or label_dropout = 0"
            )
        self.schedule.between(*self.training.guidance_interval)
        if self.training.guidance != 1 and not self.training.label_dropout:
            raise UsageError(
                "training.guidance needs a network that knows what to say without a label: "
                "set training.label_dropout = 0.1, or guidance = 1"
            )

    @property
    def milestones(self) -> Milestones:
        """The moments of pictures and kept checkpoints."""
        return Milestones(self.training.milestones)

    def suiting(self, classes: Sequence[str]) -> Recipe:
        """Return this recipe for data of these `classes`: without any, the network hears no label and is guided by none."""
        if classes or not self.network.conditional:
            return self
        plain = Training()
        training = replace(
            self.training,
            label_dropout=plain.label_dropout,
            guidance=plain.guidance,
            guidance_interval=plain.guidance_interval,
        )
        sampling = replace(self.sampling, guidance=Sampling().guidance)
        return replace(self, network=replace(self.network, conditional=False), training=training, sampling=sampling)

    def to_dict(self) -> dict[str, Any]:
        """Return the sections as plain values, every default resolved: what TOML and checkpoints hold."""
        return {part.name: encode(part.name, getattr(self, part.name)) for part in fields(self)}

    def to_toml(self) -> str:
        """Return the resolved recipe as TOML."""
        import tomli_w

        return tomli_w.dumps(_without_none(self.to_dict()))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], net_known: bool = True) -> Recipe:
        """Return the recipe of `values`, unknown or mistyped fields being `UsageError`s that name the nearest valid one.

        `net_known` False leaves the network's options unchecked, for a network that the caller brings himself.
        """
        limits.require_bounded(values)
        try:
            bound = {name: decode(name, section, net_known) for name, section in values.items()}
            return cls(**bind(cls, bound, ""))
        except UnknownFieldError as error:
            meant = synonyms.fields(error.field, _fields(values))
            if not meant:
                raise
            way = ', such as "5 epochs"; or use --epochs, --steps or --minutes' if "training.length" in meant else ""
            raise UsageError(f"unknown field '{error.field}': use {' or '.join(meant)}{way}") from None

    def with_changes(self, changes: Sequence[str]) -> Recipe:
        """Return this recipe with changes such as "optimizer.lr=1e-3"; values are read as TOML, else as text."""
        values = self.to_dict()
        for change in changes:
            path, equals, text = change.partition("=")
            if not equals:
                raise UsageError(f"--set {change}: write FIELD=VALUE, as in optimizer.lr=1e-3")
            *sections, key = path.strip().split(".")
            table = values
            for depth, section in enumerate(sections):
                if ".".join(sections[: depth + 1]) in OPTIONAL_SECTIONS and not isinstance(table.get(section), dict):
                    table[section] = {}
                if not isinstance(table.get(section), dict):
                    raise unknown_name("field", path.strip(), _paths(values))
                table = table[section]
            table[key] = _value(text.strip())
            if key == "kind" and sections and sections[-1] in _NAMED_BY_KIND:
                # what another kind does not take goes, what it takes as well stays
                taken = options_of(sections[-1], str(table["kind"])) | {"kind"}
                for option in set(table) - taken:
                    del table[option]
        return Recipe.from_dict(_without_none(values))


OPTIONAL_SECTIONS = ("schedule.warp", "sampling.schedule", "sampling.schedule.warp")
"""Sections that a recipe has only when they are written; a change may begin them."""

_NAMED_BY_KIND = ("network", "schedule", "density", "weight")


def bundled() -> list[str]:
    """Return the names of the recipes that come with inkwash."""
    return sorted(
        file.name[:-5] for file in resources.files("inkwash.recipes").iterdir() if file.name.endswith(".toml")
    )


def read_text(name: str | Path) -> str:
    """Return the TOML text of a bundled recipe or of a file. Raises `UsageError` when there is neither."""
    if str(name) in bundled():
        return (resources.files("inkwash.recipes") / f"{name}.toml").read_text(encoding="utf-8")
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise _no_recipe(str(name))
    return limits.read_text(path)


def _no_recipe(name: str) -> UsageError:
    """Return the error for the name of no recipe; a data set or a file of another kind is recognised."""
    dataset = dataset_called(name)
    if dataset is not None:
        trained = [each for each in bundled() if load(each).data.name == dataset]
        recipes = f"recipes that train on it are {', '.join(trained)}" if trained else "no bundled recipe names it"
        return UsageError(
            f"{name} is a data set, not a recipe: {recipes}; for others, inkwash train RECIPE --data {dataset}"
        )
    if Path(name).is_file():
        wanted = f"a bundled recipe ({', '.join(bundled())}), a recipe file NAME.toml, or a run folder"
        return other_file(Path(name), "recipe", wanted)
    return unknown_name("recipe", name, bundled())


def load(name: str | Path) -> Recipe:
    """Return the recipe called `name`, bundled or a TOML file. Raises `UsageError` when it cannot be read or is wrong."""
    try:
        values = toml.parsed(read_text(name))
    except ValueError as error:
        raise UsageError(f"recipe {name} is not TOML: {error}") from None
    try:
        return Recipe.from_dict({"name": cleaned_name(Path(name).stem)} | values)
    except UsageError as error:
        raise UsageError(f"recipe {name}: {error}") from None


def with_length(recipe: Recipe, length: Length) -> Recipe:
    """Return `recipe` with another training length."""
    return replace(recipe, training=replace(recipe.training, length=str(length)))


def differing(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the sections in which two recipes train differently; how long and how often kept may change."""
    free = {"length", "checkpoint_every", "milestones"}
    sections = ("network", "target", "clip", "schedule", "density", "weight", "optimizer", "training")
    # a field that was not yet known then has its default
    before = Recipe.from_dict(then, net_known=str(then["network"]["kind"]) in NETS).to_dict()

    def fixed(section: Any) -> Any:
        plain = json.loads(json.dumps(section))
        return {key: value for key, value in plain.items() if key not in free} if isinstance(plain, dict) else plain

    return [name for name in sections if fixed(before[name]) != fixed(now[name])]


def _value(text: str) -> Any:
    try:
        return toml.parsed(f"value = {text}")["value"]
    except ValueError:
        return text


def _fields(values: Mapping[str, Any]) -> list[str]:
    """Return the paths of all fields that a recipe with the kinds of `values` takes."""
    plain = {"data": Data, "optimizer": Optimizer, "training": Training, "sampling": Sampling, "experiment": Experiment}
    found = [f"{name}.{part.name}" for name, section in plain.items() for part in fields(section)]
    found += [part.name for part in fields(Recipe) if part.name not in {*plain, *_NAMED_BY_KIND}]
    for name in _NAMED_BY_KIND:
        section = values.get(name, "")
        kind = section.get("kind", "") if isinstance(section, Mapping) else section
        found += [f"{name}.{option}" for option in sorted({"kind"} | options_of(name, str(kind)))]
    return found


def _paths(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        found += _paths(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return found


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if value is not None}
    return {key: _without_none(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
