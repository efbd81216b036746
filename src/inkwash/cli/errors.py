"""Any exception of a command as an error of inkwash, whose message is one line."""

from __future__ import annotations

import os

from cyclopts import CycloptsError, MissingArgumentError, UnknownCommandError, UnknownOptionError, UnusedCliTokensError

from inkwash.cli import synonyms
from inkwash.errors import InkwashError, UsageError
from inkwash.hardware import memory
from inkwash.text.printing import shortened

HELP = "('inkwash --help' and 'inkwash COMMAND --help' list commands and options)"


def one_line(error: Exception) -> str:
    """Return the message of an exception without line breaks."""
    return " ".join(str(error).split())


def inkwash_error(error: Exception, arguments: list[str]) -> InkwashError:
    """Return the error to print for an exception that the command with these `arguments` raised."""
    if isinstance(error, InkwashError):
        return error
    if isinstance(error, CycloptsError):
        return _parsing_error(error, arguments)
    text = one_line(error) or "no message"
    if memory.is_out_of_memory(error):
        message = f"out of memory ({text}): reduce --batch, -n or --size, or use a smaller network"
        return InkwashError(message, code="too-large")
    if isinstance(error, OSError) and error.filename is not None:
        path = shortened(os.fsdecode(error.filename))
        return InkwashError(f"{path}: {error.strerror}; check the path and its permissions", code="io")
    message = f"unexpected {type(error).__name__}: {text}; INKWASH_DEBUG=1 shows where, please report it"
    return InkwashError(message, code="internal")


def _parsing_error(error: CycloptsError, arguments: list[str]) -> UsageError:
    if isinstance(error, UnknownOptionError | UnknownCommandError | UnusedCliTokensError):
        unknown = error.token.keyword or error.token.value if isinstance(error, UnknownOptionError) else ""
        field = (unknown or next(iter(error.unused_tokens or ()), "")).lstrip("-").partition("=")[0]
        text = synonyms.option_suggestion(arguments) or f"{one_line(error)} {HELP}"
        return UsageError(text, code="unknown-field", field=field)
    argument = error.argument.name.strip("-").lower().replace("-", "_") if error.argument else None
    missing = isinstance(error, MissingArgumentError)
    text = f"{one_line(error)} {HELP}"
    return UsageError(text, code="missing-field" if missing else "invalid-value", field=argument)
