"""A recipe is everything that decides a training run, as one frozen value that reads and writes as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from inkwash.binding import bind, build, kind_of
from inkwash.core import DENSITIES, SCHEDULES, TARGETS, WARPS, Density, Linear, Schedule, Uniform, Warped
from inkwash.core.samplers import parse
from inkwash.errors import UsageError, unknown
from inkwash.nets import NETS
from inkwash.objectives import WEIGHTS, Unweighted, Weight
from inkwash.training.lengths import Length, Milestones
from inkwash.training.optimizers import Optimizer


@dataclass(frozen=True)
class Data:
    """What is trained on: the `name` of a data set or a path, and the `size` in pixels that images are resized to."""

    name: str = "mnist"
    size: int | None = None


@dataclass(frozen=True)
class Network:
    """A row of NETS and its options; channels and classes come from the data. `conditional` networks hear the label."""

    kind: str
    conditional: bool = False
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """How long and in what portions: lengths are written "5 epochs", "1000 steps", "60000 images", "3 minutes".

    `ema` is the half-life of the averaged network; `label_dropout` the share of labels hidden in [0, 1]; `precision`
    auto, float32 or bfloat16; `milestones` the moments of pictures and kept checkpoints, log-spaced when empty.
    """

    length: str = "10 epochs"
    batch: int = 128
    seed: int = 0
    ema: str = "60000 images"
    label_dropout: float = 0.0
    precision: str = "auto"
    checkpoint_every: str = "1 epoch"
    milestones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("length", "ema", "checkpoint_every"):
            Length.parse(getattr(self, name), f"training.{name}")
        if self.batch < 1:
            raise UsageError(f"field 'training.batch' is {self.batch}: it must be at least 1")
        if not 0 <= self.label_dropout < 1:
            raise UsageError(f"field 'training.label_dropout' is {self.label_dropout}: it must be in [0, 1)")
        if self.seed < 0:
            raise UsageError(f"field 'training.seed' is {self.seed}: it must not be negative")


@dataclass(frozen=True)
class Sampling:
    """How the model is drawn from when nothing else is asked: `sampler` for users, `preview` for milestone pictures.

    `guidance` is the weight w in uncond + w (cond - uncond); `schedule` the levels to sample on, None for those trained on.
    """

    sampler: str = "ddim:50"
    preview: str = "ddim:50"
    guidance: float = 1.0
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        parse(self.sampler), parse(self.preview)


@dataclass(frozen=True)
class Experiment:
    """What the run is for, in words; its card begins and ends with them."""

    type: str = "experiment"
    objective: str = ""
    hypothesis: str = ""
    next: str = ""


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; each field is a section of its TOML file. Raises `UsageError` for what no run could follow."""

    name: str
    network: Network
    about: str = ""
    data: Data = field(default_factory=Data)
    target: str = "eps"
    schedule: Schedule = field(default_factory=Linear)
    density: Density = field(default_factory=Uniform)
    weight: Weight = field(default_factory=Unweighted)
    optimizer: Optimizer = field(default_factory=Optimizer)
    training: Training = field(default_factory=Training)
    sampling: Sampling = field(default_factory=Sampling)
    experiment: Experiment = field(default_factory=Experiment)

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise unknown("target", self.target, TARGETS)
        if self.training.label_dropout and not self.network.conditional:
            raise UsageError(
                "training.label_dropout has no effect on a network that hears no label: "
                "set network.conditional = true, or label_dropout = 0"
            )

    @property
    def milestones(self) -> Milestones:
        """The moments of pictures and kept checkpoints."""
        return Milestones(self.training.milestones)

    def to_dict(self) -> dict[str, Any]:
        """Return the sections as plain values, every default resolved: what TOML and checkpoints hold."""
        return {part.name: _ENCODERS.get(part.name, _plain)(getattr(self, part.name)) for part in fields(self)}

    def to_toml(self) -> str:
        """Return the resolved recipe as TOML."""
        import tomli_w

        return tomli_w.dumps(_without_none(self.to_dict()))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], net_known: bool = True) -> Recipe:
        """Return the recipe of `values`, unknown or mistyped fields being `UsageError`s that name the nearest valid one.

        `net_known` False leaves the network's options unchecked, for a network that the caller brings himself.
        """
        # a kind without options may be written as a word: schedule = "cosine"
        full = {
            name: {"kind": section} if name in _KINDED and isinstance(section, str) else section
            for name, section in values.items()
        }
        bound = {
            name: _DECODERS[name](section, name) if name in _DECODERS and isinstance(section, Mapping) else section
            for name, section in full.items()
            if name != "network"
        }
        if isinstance(full.get("network"), Mapping):
            bound["network"] = _network(full["network"], net_known)
        return cls(**bind(cls, bound, ""))

    def with_changes(self, changes: Sequence[str]) -> Recipe:
        """Return this recipe with changes such as "optimizer.lr=1e-3"; values are read as TOML, else as text."""
        values = self.to_dict()
        for change in changes:
            path, equals, text = change.partition("=")
            if not equals:
                raise UsageError(f"--set {change}: write FIELD=VALUE, as in optimizer.lr=1e-3")
            *sections, key = path.strip().split(".")
            table = values
            for section in sections:
                if not isinstance(table.get(section), dict):
                    raise unknown("field", path.strip(), _paths(values))
                table = table[section]
            if key == "kind" and table.get("kind") != text:
                table.clear()  # the options of another kind would not fit
            table[key] = _value(text)
        return Recipe.from_dict(_without_none(values))


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
        raise unknown("recipe", str(name), bundled())
    return path.read_text(encoding="utf-8")


def load(name: str | Path) -> Recipe:
    """Return the recipe called `name`, bundled or a TOML file. Raises `UsageError` when it cannot be read or is wrong."""
    try:
        values = tomllib.loads(read_text(name))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {name} is not TOML: {error}") from None
    try:
        return Recipe.from_dict({"name": Path(name).stem} | values)
    except UsageError as error:
        raise UsageError(f"recipe {name}: {error}") from None


def with_length(recipe: Recipe, length: Length) -> Recipe:
    """Return `recipe` with another training length."""
    return replace(recipe, training=replace(recipe.training, length=str(length)))


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _kinded(table: Mapping[str, Callable[..., Any]]) -> Callable[[Any], dict[str, Any]]:
    return lambda thing: {"kind": kind_of(table, thing)} | (asdict(thing) if is_dataclass(thing) else {})  # type: ignore[arg-type]


def _encode_schedule(schedule: Schedule) -> dict[str, Any]:
    if isinstance(schedule, Warped):
        return _encode_schedule(schedule.schedule) | {"warp": _kinded(WARPS)(schedule.warp)}
    return _kinded(SCHEDULES)(schedule)


def _encode_sampling(sampling: Sampling) -> dict[str, Any]:
    schedule = None if sampling.schedule is None else _encode_schedule(sampling.schedule)
    return {part.name: getattr(sampling, part.name) for part in fields(sampling)} | {"schedule": schedule}


def decode_schedule(values: Mapping[str, Any], where: str = "schedule") -> Schedule:
    """Return the schedule of a section: its kind, its options, and a `warp` table where it has one."""
    rest = dict(values)
    warp = rest.pop("warp", None)
    schedule = build(SCHEDULES, rest, where)
    return schedule if warp is None else Warped(schedule, build(WARPS, warp, f"{where}.warp"))


def _decode_sampling(values: Mapping[str, Any], where: str) -> Sampling:
    rest = dict(values)
    if isinstance(rest.get("schedule"), Mapping):
        rest["schedule"] = decode_schedule(rest["schedule"], f"{where}.schedule")
    return Sampling(**bind(Sampling, rest, where))


def _network(values: Mapping[str, Any], known: bool) -> Network:
    rest = dict(values)
    kind, conditional = rest.pop("kind", None), rest.pop("conditional", False)
    if not known:
        return Network(str(kind), bool(conditional), rest)
    if kind not in NETS:
        raise unknown("network.kind", str(kind), NETS)
    if not isinstance(conditional, bool):
        raise UsageError(f"field 'network.conditional' is {conditional!r}: it must be true or false")
    return Network(kind, conditional, bind(NETS[kind], rest, "network", derived=("channels", "classes")))


def _dataclass_decoder(cls: type) -> Callable[[Mapping[str, Any], str], Any]:
    return lambda values, where: cls(**bind(cls, values, where))


_ENCODERS: dict[str, Callable[[Any], Any]] = {
    "network": lambda n: {"kind": n.kind, "conditional": n.conditional} | n.options,
    "schedule": _encode_schedule,
    "density": _kinded(DENSITIES),
    "weight": _kinded(WEIGHTS),
    "sampling": _encode_sampling,
}

_DECODERS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "data": _dataclass_decoder(Data),
    "schedule": decode_schedule,
    "density": lambda values, where: build(DENSITIES, values, where),
    "weight": lambda values, where: build(WEIGHTS, values, where),
    "optimizer": _dataclass_decoder(Optimizer),
    "training": _dataclass_decoder(Training),
    "sampling": _decode_sampling,
    "experiment": _dataclass_decoder(Experiment),
}

_KINDED = ("network", "schedule", "density", "weight")


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _paths(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in values.items():
        found += _paths(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"]
    return found


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if value is not None}
    return {key: _without_none(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
