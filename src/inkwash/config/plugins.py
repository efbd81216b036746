"""`--with FILE.py`: a Python file of the user, executed before a command, that may add entries to registries."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from inkwash.errors import UsageError

PREFIX = "inkwash_with_"
"""Prefix of the module names of such files."""


class _Uncached(SourceFileLoader):
    """A loader without bytecode cache, which would miss an edit within the same second."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load(path: Path | None) -> None:
    """Execute the Python file at `path`, unless it is None. Raises `UsageError` when it is missing or fails, with the line."""
    if path is None:
        return
    if not path.is_file():
        raise UsageError(f"--with {path} does not exist: check the path", code="missing-file", field="with")
    if path.suffix != ".py":
        raise UsageError(f"--with {path} is not a Python file: give FILE.py", code="wrong-file", field="with")
    name, place = f"{PREFIX}{path.stem}", str(path.resolve())
    spec = importlib.util.spec_from_file_location(name, place, loader=_Uncached(name, place))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent.resolve()))  # For imports of modules beside it, as in a script.
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        trace, line = error.__traceback__, 0
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == spec.origin else line
            trace = trace.tb_next
        line = error.lineno or 0 if isinstance(error, SyntaxError) else line
        message = f"--with {path} failed at line {line}: {type(error).__name__}: {error}"
        raise UsageError(message, code="plugin-failed", field="with") from error


def hashes() -> list[str]:
    """Return a short hash of each executed file, part of the keys of cached results."""
    files = [Path(module.__file__ or "") for name, module in sys.modules.items() if name.startswith(PREFIX)]
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in files if file.is_file())
