"""Validate values from outside (TOML, JSON, Python arguments) with pydantic; what it refuses becomes a `UsageError`.

A class decorated with `validated` checks its own arguments; `validate` reads plain values as any annotation. Both name
the field by its path, as in "optimizer.lr", with the value given, the range allowed and the nearest valid name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache, wraps
from typing import Any, TypeVar, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from inkwash.errors import UsageError
from inkwash.io.validation_errors import to_usage_error

CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False, protected_namespaces=())
"""The configuration of every model and validated dataclass."""

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def validated(section: str) -> Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass that raises `UsageError` for arguments outside the types and ranges of its fields.

    `section` is the path of its fields in error messages, "" for the root. Docstrings below fields become descriptions.
    """

    def decorate(cls: type[T]) -> type[T]:
        made: Any = dataclass(frozen=True, config=CONFIG | {"use_attribute_docstrings": True})(cls)
        initialize = made.__init__

        @wraps(initialize)
        def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807
            named = {each.name: value for each, value in zip(fields(made), args, strict=False)}
            if len(named) < len(args) or named.keys() & values.keys():
                raise TypeError(f"{cls.__name__} has too many arguments, or one of them twice")
            try:
                initialize(self, **named, **values)
            except ValidationError as error:
                raise to_usage_error(error, adapter(made), (named | values,), section, (0,)) from None

        made.__init__ = __init__
        return made

    return decorate


def validate(kind: Any, value: Any, section: str = "", context: Any = None) -> Any:
    """Return `value` as a `kind`, a dataclass or another annotation. Raises `UsageError` for what that does not allow.

    `section` is the path of the value in error messages; `context` is passed to the validators of the fields.
    """
    try:
        return adapter(kind).validate_python((value,), context=context)[0]
    except ValidationError as error:
        raise to_usage_error(error, adapter(kind), (value,), section) from None


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the validator of a tuple of one `kind`: a plain dataclass takes its configuration from what contains it."""
    return TypeAdapter(tuple[kind], config=CONFIG)


def validator_of(check: Callable[[Any], object]) -> AfterValidator:
    """Return the validator that keeps a value, or raises the `UsageError` of `check(value)` with the path of its field."""

    def validator(value: Any) -> Any:
        try:
            check(value)
        except UsageError as error:
            raise to_pydantic_error(error) from None
        return value

    return AfterValidator(validator)


def to_pydantic_error(error: UsageError) -> PydanticCustomError:
    """Return `error` as one that a validator may raise, to which pydantic adds the path of the field."""
    return PydanticCustomError("refused", "{error}", {"error": error})
