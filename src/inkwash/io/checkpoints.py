"""Checkpoints: one safetensors file with a JSON header, written atomically, loaded without pickle.

The header says all that is needed to use the file: format version, recipe, facts of the data, progress. It holds
no clock, no path and no machine, so that equal runs write equal files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from inkwash.errors import InkwashError, UsageError, warn
from inkwash.io import integrity
from inkwash.io.atomic import atomic, require_space
from inkwash.io.limits import MOST_STEPS, parsed_json, require_bounded
from inkwash.io.names import cleaned_name

FORMAT = 1
LATEST = "latest"
"""The checkpoint that a run goes on from and a model is loaded from."""
_KEY = "inkwash"
_LENGTH = 8
"""Bytes at the beginning of a safetensors file that tell the length of its header."""
LARGEST_HEADER = 1 << 24
"""Bytes of a header: a thousand tensors take about 100,000."""


class Checkpoint(NamedTuple):
    """A file's header and its tensors, by flat names such as `net.stem.weight`, `average.…`, `optimizer.…`."""

    header: dict[str, Any]
    tensors: dict[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the tensors under `name.`, without that prefix."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `path`, whole or not at all. Raises `InkwashError` when it cannot be written."""
    tensors = {name: value.detach().to("cpu").contiguous() for name, value in checkpoint.tensors.items()}
    told = integrity.with_tensor_checksums({"format": FORMAT} | checkpoint.header, tensors)
    header = json.dumps(told, sort_keys=True, ensure_ascii=False)
    # safetensors orders tensors by itself; one key of metadata keeps the bytes the same from run to run
    require_space(path, sum(value.nbytes for value in tensors.values()) + len(header))
    with atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={_KEY: header})
        except SafetensorError as error:
            raise OSError(str(error)) from error


def load(path: str | Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Return the checkpoint at `path`.

    Raises `UsageError` when there is no such file, `InkwashError` when it is cut short, damaged, from another program
    or of a newer format.
    """
    # opened once: a run that trains puts another file in its place at any moment
    with _opened(path) as file:
        found = _metadata(file)
        file.seek(0)
        tensors = {name: value.to(device) for name, value in safetensors.torch.load(file.read()).items()}
    checked = _checked(path, found)
    wrong = integrity.mismatch(checked, tensors)
    if wrong:
        raise _damaged(path, ValueError(wrong))
    return Checkpoint(_with_clean_names(path, checked), tensors)


def header(path: str | Path) -> dict[str, Any]:
    """Return the header of the checkpoint at `path` without reading its weights. Raises as `load` does."""
    with _opened(path) as file:
        found = _metadata(file)
    return _with_clean_names(path, _checked(path, found))


@contextmanager
def _opened(path: str | Path) -> Iterator[BinaryIO]:
    if not Path(path).is_file():
        raise UsageError(f"no checkpoint {path}: name a run folder, a bundled model or a .safetensors file")
    try:
        with open(path, "rb") as file:
            yield file
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise _damaged(path, error) from None


def _metadata(file: BinaryIO) -> dict[str, str]:
    """Return the metadata at the head of a safetensors file. Raises `ValueError` and its like for a damaged one."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(_LENGTH), "little")
    if not 0 < length <= size - _LENGTH:
        raise ValueError("its header is cut short")
    if length > LARGEST_HEADER:
        raise ValueError(f"its header has {length:,} bytes, of at most {LARGEST_HEADER:,}")
    head = parsed_json(file.read(length))
    if not isinstance(head, dict):
        raise ValueError("its header is none")
    ends = [each["data_offsets"][1] for name, each in head.items() if name != "__metadata__"]
    if max(ends, default=0) != size - _LENGTH - length:
        raise ValueError("its numbers are cut short")
    return head.get("__metadata__") or {}


class DamagedError(InkwashError):
    """A checkpoint at `path` that is not what was written, for a `reason`, while another one of its run may be whole."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.fault = f"checkpoint {path} is damaged or cut short ({reason})"
        super().__init__(f"{self.fault}: use another one of its run, such as best.safetensors")


class Newest(NamedTuple):
    """The checkpoint that a run folder stands for, where it lies, and what to say where that is not its latest."""

    path: Path
    checkpoint: Checkpoint
    instead: str | None


def kept(folder: Path) -> list[Path]:
    """Return the checkpoint files in `folder` by name, without what is just being written."""
    return sorted(folder.glob("[!.]*.safetensors"))


def newest(folder: Path) -> Newest:
    """Return the latest checkpoint in `folder`, or where that is damaged or gone the furthest one that is whole.

    Raises as `load` does where none is whole.
    """
    latest = folder / f"{LATEST}.safetensors"
    try:
        found = load(latest)
        require(latest, found.header)
    except (DamagedError, UsageError) as error:
        if not kept(folder):
            raise
        fault = error.fault if isinstance(error, DamagedError) else f"checkpoint {latest} is gone"
        before = newest_whole(folder)
        if before is None:
            raise InkwashError(f"{fault}, and none of {folder} is whole: start a new run") from None
        path, found = before
        return Newest(path, found, f"{fault}: {path.name}, step {found.header['progress']['step']:,}, is taken instead")
    return Newest(latest, found, None)


def newest_whole(folder: Path) -> tuple[Path, Checkpoint] | None:
    """Return the furthest checkpoint in `folder` that is whole, None where there is none."""
    ahead: list[tuple[int, Path]] = []
    for path in kept(folder):
        with suppress(InkwashError):
            told = header(path)
            require(path, told)
            ahead.append((told["progress"]["step"], path))
    for _, path in sorted(ahead, key=lambda each: (each[0], each[1].name), reverse=True):
        with suppress(InkwashError):
            found = load(path)
            require(path, found.header)
            return path, found
    return None


def _damaged(path: str | Path, error: Exception) -> DamagedError:
    return DamagedError(path, _first_line(error))


def _checked(path: str | Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the header that a file's `metadata` hold."""
    try:
        found = parsed_json(metadata[_KEY]) if _KEY in metadata else None
    except ValueError as error:
        raise _damaged(path, error) from None
    if not isinstance(found, dict):
        raise InkwashError(
            f"{path} holds tensors but no inkwash header, it was not written by inkwash: "
            "name a run folder or a bundled model"
        )
    if found.get("format") != FORMAT:
        raise InkwashError(
            f"checkpoint {path} has format {found.get('format')}, this inkwash reads {FORMAT}: update inkwash"
        )
    try:
        require_bounded(found)
    except UsageError as error:
        raise _damaged(path, error) from None
    wrong = integrity.mismatch(found)
    if wrong:
        raise _damaged(path, ValueError(wrong))
    return found


def _with_clean_names(path: str | Path, header: dict[str, Any]) -> dict[str, Any]:
    """Return `header` with names that may become part of a path, and warn where one was not: old files have any."""
    cleaned = dict(header)
    for section, field in (("recipe", "name"), ("facts", "data")):
        values = cleaned.get(section)
        if not isinstance(values, dict) or not isinstance(values.get(field), str):
            continue
        name = cleaned_name(values[field])
        if name != values[field]:
            warn(
                f"checkpoint {path}: {section}.{field} {values[field][:100]!a} is no valid name; '{name}' is used instead"
            )
            cleaned[section] = values | {field: name}
    return cleaned


def require(path: str | Path, header: Mapping[str, Any]) -> None:
    """Make sure that a header has what a model needs. Raises `DamagedError`, naming what is missing."""
    missing = [part for part in ("facts", "progress", "recipe") if not isinstance(header.get(part), dict)]
    if missing:
        raise DamagedError(path, f"its header lacks {', '.join(missing)}")
    step = header["progress"].get("step")
    if not isinstance(step, int) or not 0 <= step <= MOST_STEPS:
        raise DamagedError(path, f"field 'progress.step' is {step!a}, not a whole number in 0 to {MOST_STEPS:,}")


def digest(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of `weights` by name, shape and bytes, the first 12 hex digits: a model's name for itself."""
    found = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().to("cpu").contiguous()
        # as float32, so that half-precision files and the networks filled from them have one name
        value = value.float() if value.is_floating_point() else value
        found.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        found.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:12]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
