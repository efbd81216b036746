"""The sections of a recipe whose `kind` names an entry of a registry: their validation, serialization and JSON schema.

Such a section holds the kind and the arguments of the entry's constructor. Registries may grow at run time
(`--with FILE.py`), so the pydantic model of an entry is built when it is first needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import torch
from pydantic import BaseModel, Field, GetJsonSchemaHandler, StrictBool, TypeAdapter, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from inkwash.attributes.table import ATTRIBUTES
from inkwash.core import DENSITIES, SCHEDULES, WARPS, Density, Schedule, Warped
from inkwash.core.schedules import MAX_SAMPLING_STEPS
from inkwash.core.warps import Warp
from inkwash.data.spec import MAX_SIDE
from inkwash.errors import UsageError
from inkwash.io import json_schema
from inkwash.io.validation import CONFIG, to_pydantic_error, validate
from inkwash.io.validation_errors import missing, unknown
from inkwash.nets import NETS
from inkwash.objectives import WEIGHTS, Weight

Table = Mapping[str, Callable[..., Any]]
SKIP_NETWORK_OPTIONS = {"skip_network_options": True}
"""The context of a validation that leaves the options of a network unchecked, for one that is given as an object."""


@dataclass(frozen=True, eq=False)
class RegistryName:
    """The annotation of a field that is the name of an entry of the registry `table`."""

    table: Table

    def __post_init__(self) -> None:
        json_schema.REGISTRIES.append(self.table)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, core_schema.str_schema())

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.table)}

    def _known(self, name: str) -> str:
        if name not in self.table:
            raise unknown(self.table)
        return name


@dataclass(frozen=True, eq=False)
class RegistrySection:
    """The annotation of a field that is an object made by an entry of `table`, or the section that describes one.

    A kind without required options may be written as a word, as in schedule = "cosine". `noun` ends the names of the models.
    """

    noun: str
    table: Table
    common: ClassVar[dict[str, Any]] = {}
    """The fields of every kind beside those of its constructor, each with its annotation and default."""
    derived: ClassVar[Collection[str]] = ()
    """Arguments of constructors that are not part of the section."""
    hint: ClassVar[str] = ""
    """The end of the message for an unknown kind."""

    def __post_init__(self) -> None:
        json_schema.REGISTRIES.append(self.table)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(self.write)
        return core_schema.with_info_plain_validator_function(self.read, serialization=write)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        models = {kind: self.model(kind) for kind in self.table}
        words = [
            kind
            for kind, model in models.items()
            if not any(each.is_required() for name, each in model.model_fields.items() if name != "kind")
        ]
        sections: Any = Union[tuple(models.values())]  # noqa: UP007
        described = TypeAdapter(Annotated[sections, Field(discriminator="kind")]).core_schema
        return {"anyOf": [{"type": "string", "enum": words}, handler(described)]}

    def read(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        """Return the object that the section `value` describes; an object is returned as it is."""
        if isinstance(value, str):
            value = {"kind": value}
        if not isinstance(value, Mapping):
            if not self.accepts(value):
                raise PydanticCustomError("section_type", "a kind or a section")
            return value
        if value.get("kind") is None:
            raise _at_kind(missing(self.table), value)
        kind = str(value["kind"])
        if kind not in self.table:
            raise _at_kind(unknown(self.table, self.hint), kind)
        found = self.model(kind).model_validate(dict(value), context=info.context)
        options = {name: getattr(found, name) for name in type(found).model_fields if name != "kind"}
        try:
            return self.build(kind, options)
        except UsageError as error:
            raise to_pydantic_error(error) from None

    def write(self, value: Any) -> dict[str, Any]:
        """Return `value` as plain values; the kind of an object that no entry makes is the name of its class."""
        kind = next((name for name, each in self.table.items() if each is type(value)), type(value).__name__)
        return {"kind": kind} | (asdict(value) if is_dataclass(value) and not isinstance(value, type) else {})

    def model(self, kind: str) -> type[BaseModel]:
        """Return the model of the section of this `kind`."""
        return _model(self, kind, self.table[kind])

    def fields(self, kind: str) -> set[str]:
        """Return the fields of the section of this `kind`; those that every kind has for one that is not in the table."""
        return {"kind", *self.common} | (set(self.model(kind).model_fields) if kind in self.table else set())

    def build(self, kind: str, options: dict[str, Any]) -> Any:
        """Return the object of the entry `kind` with validated `options`."""
        return self.table[kind](**options)

    @staticmethod
    def accepts(value: Any) -> bool:
        """Return whether `value` is an object that the field may hold."""
        return callable(value)

    @staticmethod
    def annotation(name: str, hint: Any) -> Any:
        """Return the annotation of the field for the argument `name` of a constructor, which is annotated with `hint`."""
        return hint


WARP = RegistrySection("Warp", WARPS)


class ScheduleSection(RegistrySection):
    """A noise schedule, which may have a section `warp`; its levels must rise from clean to noisy."""

    common: ClassVar = {"warp": (Annotated[Warp, WARP] | None, None)}

    def build(self, kind: str, options: dict[str, Any]) -> Schedule:
        warp = options.pop("warp")
        schedule = self.table[kind](**options)
        schedule = schedule if warp is None else Warped(schedule, warp)
        if not _rises(schedule):
            text = "its levels do not rise from clean to noisy; choose other options"
            raise PydanticCustomError("not_monotone", text, {"code": "invalid-value"})
        return schedule

    def write(self, value: Any) -> dict[str, Any]:
        if isinstance(value, Warped):
            return self.write(value.schedule) | {"warp": WARP.write(value.warp)}
        return super().write(value)

    @staticmethod
    def annotation(name: str, hint: Any) -> Any:
        """Return `hint`, with the bounds on the number of timesteps."""
        return Annotated[int, Field(ge=1, le=MAX_SAMPLING_STEPS)] if name == "T" else hint


@dataclass(frozen=True)
class NetworkConfig:
    """An entry of NETS and its `options`; the numbers of channels and classes come from the data set.

    A `conditional` network takes class labels.
    """

    kind: str
    conditional: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the attributes that the network takes, an option of networks that can."""
        return tuple(self.options.get("attributes", ()))


class NetworkSection(RegistrySection):
    """A network: the section becomes a `NetworkConfig`, which is built when the data set is known."""

    common: ClassVar = {"conditional": (StrictBool, False)}
    derived = ("channels", "classes")
    hint = "; add your own with --with FILE.py, or net=… in Python"

    def read(self, value: Any, info: core_schema.ValidationInfo) -> NetworkConfig:
        if isinstance(value, Mapping) and (info.context or {}).get("skip_network_options"):
            options = dict(value)
            return NetworkConfig(str(options.pop("kind", None)), bool(options.pop("conditional", False)), options)
        return super().read(value, info)

    def build(self, kind: str, options: dict[str, Any]) -> NetworkConfig:
        if not options.get("attributes", True):
            del options["attributes"]  # As in recipes from before there were attributes.
        return NetworkConfig(kind, options.pop("conditional"), options)

    def write(self, value: NetworkConfig) -> dict[str, Any]:
        return {"kind": value.kind, "conditional": value.conditional} | value.options

    @staticmethod
    def accepts(value: Any) -> bool:
        return isinstance(value, NetworkConfig)

    @staticmethod
    def annotation(name: str, hint: Any) -> Any:
        """Return `hint` with bounds on integers: larger widths, depths and counts are refused; attributes are known ones."""
        if name == "attributes":
            return tuple[Annotated[str, RegistryName(ATTRIBUTES)], ...]
        if hint is int:
            return Annotated[int, Field(ge=0, le=MAX_SIDE)]
        if get_origin(hint) is tuple:
            items = tuple(each if each is ... else NetworkSection.annotation(name, each) for each in get_args(hint))
            return tuple.__class_getitem__(items)
        return hint


NETWORK = NetworkSection("Network", NETS)
SCHEDULE = ScheduleSection("Schedule", SCHEDULES)
DENSITY = RegistrySection("Density", DENSITIES)
WEIGHT = RegistrySection("Weight", WEIGHTS)
SECTIONS = {"network": NETWORK, "schedule": SCHEDULE, "warp": WARP, "density": DENSITY, "weight": WEIGHT}
"""By the name of the section."""

NetworkField = Annotated[NetworkConfig, NETWORK]
ScheduleField = Annotated[Schedule, SCHEDULE]
DensityField = Annotated[Density, DENSITY]
WeightField = Annotated[Weight, WEIGHT]


def encode_schedule(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as plain values: its kind, its options, and its `warp` where it has one."""
    return SCHEDULE.write(schedule)


def decode_schedule(values: Mapping[str, Any] | str, where: str = "schedule") -> Schedule:
    """Return the schedule of a section or of a word. Raises `UsageError`, naming the field below `where`."""
    return validate(ScheduleField, values, where)


def _rises(schedule: Schedule) -> bool:
    try:
        codes = schedule(torch.linspace(0, 1, 21, dtype=torch.float64)).c_noise
        return bool(codes.isfinite().all() and (codes.diff() > -1e-9).all())
    except (ArithmeticError, ValueError, TypeError, RuntimeError):
        return False


@cache
def _model(kinds: RegistrySection, kind: str, constructor: Callable[..., Any]) -> type[BaseModel]:
    hints = get_type_hints(constructor.__init__ if inspect.isclass(constructor) else constructor)
    fields: dict[str, Any] = {"kind": (Literal[kind], ...), **kinds.common}
    for name, parameter in inspect.signature(constructor).parameters.items():
        if name not in kinds.derived and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (kinds.annotation(name, hints.get(name, Any)), default)
    name = f"{kind.title().replace('-', '')}{kinds.noun}"
    return create_model(name, __config__=CONFIG, __doc__=inspect.getdoc(constructor), **fields)


def _at_kind(error: PydanticCustomError, value: Any) -> ValidationError:
    return ValidationError.from_exception_data("kind", [InitErrorDetails(type=error, loc=("kind",), input=value)])
