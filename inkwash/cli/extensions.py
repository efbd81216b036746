"""`--with FILE.py`: a user's own file, run before the command, that may add rows to inkwash's tables."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from inkwash import own_code
from inkwash.errors import UsageError


def load(path: Path | None) -> None:
    """Run the Python file at `path`, if any. Raises `UsageError` when it is missing or fails, naming the line."""
    if path is None:
        return
    if not path.is_file():
        raise UsageError(f"--with {path}: there is no such file")
    spec = importlib.util.spec_from_file_location(f"{own_code.PREFIX}{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--with {path}: it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.parent.resolve()))  # so that it can import its neighbours, as a script can
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        trace, line = error.__traceback__, 0
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == spec.origin else line
            trace = trace.tb_next
        line = error.lineno or 0 if isinstance(error, SyntaxError) else line
        raise UsageError(f"--with {path} failed at line {line}: {type(error).__name__}: {error}") from error
