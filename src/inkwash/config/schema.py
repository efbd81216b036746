"""The sections of a recipe, each a frozen value, and how each is written as plain values and read back."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

import torch

from inkwash.config.lengths import Length
from inkwash.core import DENSITIES, SCHEDULES, WARPS, Schedule, Warped
from inkwash.core.samplers import parse
from inkwash.data.spec import LARGEST
from inkwash.errors import UsageError, unknown_name
from inkwash.io.binding import bind, build, kind_of
from inkwash.nets import NETS
from inkwash.objectives import WEIGHTS
from inkwash.optim.optimizers import Optimizer

LARGEST_BATCH = 10**6


@dataclass(frozen=True)
class Data:
    """What is trained on: the `name` of a data set or a path, and the `size` in pixels that images are resized to.

    `std` is what its standard deviation is taken for, None for the measured one: the network's input is scaled by it to
    unit variance (c_in of Karras et al. 2022), and 1 leaves alpha * image + sigma * noise as it is (Ho et al. 2020).
    """

    name: str = "mnist"
    size: int | None = None
    std: float | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.size > LARGEST:
            raise UsageError(f"data.size is {self.size}: it must be at most {LARGEST:,} pixels")
        if self.std is not None and not 0 < self.std < math.inf:
            raise UsageError(f"data.std is {self.std}: a standard deviation is above 0")


@dataclass(frozen=True)
class Network:
    """A row of NETS and its options; channels and classes come from the data. `conditional` networks hear the label."""

    kind: str
    conditional: bool = False
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """How long and in what portions: lengths are written "5 epochs", "1000 steps", "60000 images", "3 minutes".

    `ema` is the half-life of the averaged network; `label_dropout` the share of labels hidden in [0, 1]; `guidance` the
    weight of guidance that the network learns to say by itself, 1 for none, and `guidance_interval` the u between which
    it does; `precision` auto, float32 or bfloat16;
    `milestones` the moments of pictures and kept checkpoints, log-spaced when empty; `keep` the number of the newest such
    checkpoints that stay, None for all.
    """

    length: str = "10 epochs"
    batch: int = 128
    seed: int = 0
    ema: str = "60000 images"
    label_dropout: float = 0.0
    guidance: float = 1.0
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    precision: str = "auto"
    checkpoint_every: str = "1 epoch"
    milestones: tuple[str, ...] = ()
    keep: int | None = None

    def __post_init__(self) -> None:
        if self.keep is not None and self.keep < 0:
            raise UsageError(f"training.keep is {self.keep}: it must be at least 0, or left out to keep all")
        for name in ("length", "ema", "checkpoint_every"):
            Length.parse(getattr(self, name), f"training.{name}")
        if self.batch < 1:
            raise UsageError(f"field 'training.batch' is {self.batch}: it must be at least 1")
        if self.batch > LARGEST_BATCH:
            raise UsageError(f"field 'training.batch' is {self.batch}: it must be at most {LARGEST_BATCH:,}")
        if not 0 <= self.label_dropout < 1:
            raise UsageError(f"field 'training.label_dropout' is {self.label_dropout}: it must be in [0, 1)")
        if not 1 <= self.guidance < math.inf:
            raise UsageError(f"field 'training.guidance' is {self.guidance}: it must be at least 1, which is none")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"field 'training.seed' is {self.seed}: it must be in [0, 2^63)")


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
        if not 0 <= self.guidance < math.inf:
            raise UsageError(f"field 'sampling.guidance' is {self.guidance}: it must be at least 0, and 1 is none")


@dataclass(frozen=True)
class Experiment:
    """What the run is for, in words; its card begins and ends with them."""

    type: str = "experiment"
    objective: str = ""
    hypothesis: str = ""
    next: str = ""


def encode(name: str, value: Any) -> Any:
    """Return the section `name` as plain values, every default resolved."""
    if name in _ENCODERS:
        return _ENCODERS[name](value)
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def decode(name: str, values: Any, net_known: bool = True) -> Any:
    """Return the value of the section `name`; a kind without options may be a word, as in schedule = "cosine".

    `net_known` False leaves a network's options unchecked. Raises `UsageError` for an unknown or mistyped field,
    naming the nearest valid one.
    """
    if name in _TABLES and isinstance(values, str):
        values = {"kind": values}
    if not isinstance(values, Mapping):
        return values
    if name == "network":
        return _decode_network(values, net_known)
    return _DECODERS[name](values, name) if name in _DECODERS else values


def encode_schedule(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as plain values: its kind, its options, and its `warp` where it has one."""
    if isinstance(schedule, Warped):
        return encode_schedule(schedule.schedule) | {"warp": _encode_kind(WARPS, schedule.warp)}
    return _encode_kind(SCHEDULES, schedule)


def decode_schedule(values: Mapping[str, Any] | str, where: str = "schedule") -> Schedule:
    """Return the schedule of a section: its kind, its options, and a `warp` table where it has one."""
    rest = {"kind": values} if isinstance(values, str) else dict(values)
    warp = rest.pop("warp", None)
    schedule = build(SCHEDULES, rest, where)
    return _rising(schedule if warp is None else Warped(schedule, build(WARPS, warp, f"{where}.warp")), where)


def _rising(schedule: Schedule, where: str) -> Schedule:
    """Return `schedule` when its levels rise from clean to noisy, as by some options they do not; else `UsageError`."""
    try:
        codes = schedule(torch.linspace(0, 1, 21, dtype=torch.float64)).code
        rises = bool(codes.isfinite().all() and (codes.diff() > -1e-9).all())
    except (ArithmeticError, ValueError, TypeError, RuntimeError):
        rises = False
    if not rises:
        raise UsageError(f"{where} is {schedule}: its levels do not rise from clean to noisy; choose other options")
    return schedule


def options_of(name: str, kind: str) -> set[str]:
    """Return the options that the row `kind` of a section's table takes, none for an unknown row."""
    constructor = _TABLES[name].get(kind)
    derived = {"channels", "classes"} if name == "network" else set()
    kept = {"conditional"} if name == "network" else {"warp"} if name == "schedule" else set()
    return kept | (set() if constructor is None else set(inspect.signature(constructor).parameters) - derived)


def _encode_kind(table: Mapping[str, Callable[..., Any]], thing: Any) -> dict[str, Any]:
    return {"kind": kind_of(table, thing)} | (asdict(thing) if is_dataclass(thing) else {})  # type: ignore[arg-type]


def _encode_sampling(sampling: Sampling) -> dict[str, Any]:
    schedule = None if sampling.schedule is None else encode_schedule(sampling.schedule)
    return {part.name: getattr(sampling, part.name) for part in fields(sampling)} | {"schedule": schedule}


def _decode_sampling(values: Mapping[str, Any], where: str) -> Sampling:
    rest = dict(values)
    if isinstance(rest.get("schedule"), Mapping | str):
        rest["schedule"] = decode_schedule(rest["schedule"], f"{where}.schedule")
    return Sampling(**bind(Sampling, rest, where))


def _decode_network(values: Mapping[str, Any], known: bool) -> Network:
    rest = dict(values)
    kind, conditional = rest.pop("kind", None), rest.pop("conditional", False)
    if not known:
        return Network(str(kind), bool(conditional), rest)
    if str(kind) not in NETS:
        raise UsageError(
            f"{unknown_name('network.kind', str(kind), NETS)}; your own comes by --with FILE.py, or net=… in Python"
        )
    if not isinstance(conditional, bool):
        raise UsageError(f"field 'network.conditional' is {conditional!r}: it must be true or false")
    options = bind(NETS[kind], rest, "network", derived=("channels", "classes"))
    for name, value in options.items():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, int) and not 0 <= each <= LARGEST:
                raise UsageError(f"field 'network.{name}' is {value!r}: it must be in 0 to {LARGEST:,}")
    return Network(kind, conditional, options)


def _plain(cls: type) -> Callable[[Mapping[str, Any], str], Any]:
    return lambda values, where: cls(**bind(cls, values, where))


_TABLES: dict[str, Mapping[str, Callable[..., Any]]] = {
    "network": NETS,
    "schedule": SCHEDULES,
    "density": DENSITIES,
    "weight": WEIGHTS,
}

_ENCODERS: dict[str, Callable[[Any], Any]] = {
    "network": lambda network: {"kind": network.kind, "conditional": network.conditional} | network.options,
    "schedule": encode_schedule,
    "density": lambda density: _encode_kind(DENSITIES, density),
    "weight": lambda weight: _encode_kind(WEIGHTS, weight),
    "sampling": _encode_sampling,
}

_DECODERS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    "data": _plain(Data),
    "schedule": decode_schedule,
    "density": lambda values, where: build(DENSITIES, values, where),
    "weight": lambda values, where: build(WEIGHTS, values, where),
    "optimizer": _plain(Optimizer),
    "training": _plain(Training),
    "sampling": _decode_sampling,
    "experiment": _plain(Experiment),
}
