"""`--with FILE.py`: a user's own Python file, run before the work, that may add rows to inkwash's tables; and its hash."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from inkwash.errors import UsageError

PREFIX = "inkwash_with_"

"""What the modules of such files are called, before their own names."""


class _AsItStands(SourceFileLoader):
    """Reads the file itself: Python's own cache would take one that was edited within a second for the one before."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load(path: Path | None) -> None:
    """Run the Python file at `path`, if any. Raises `UsageError` when it is missing or fails, naming the line."""
    if path is None:
        return
    if not path.is_file():
        raise UsageError(f"--with {path}: there is no such file")
    if path.suffix != ".py":
        raise UsageError(f"--with {path}: it is no Python file")
    name, place = f"{PREFIX}{path.stem}", str(path.resolve())
    spec = importlib.util.spec_from_file_location(name, place, loader=_AsItStands(name, place))
    assert spec is not None and spec.loader is not None
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


def hashes() -> list[str]:
    """Return a short hash of each file that was run: what was made by an edited one is no longer what it was."""
    files = [Path(module.__file__ or "") for name, module in sys.modules.items() if name.startswith(PREFIX)]
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in files if file.is_file())
