"""Checkpoints: one safetensors file with a JSON header, written atomically, loaded without pickle.

The header has all that is needed to use the file: format version, recipe, spec of the data, progress. It has no time,
path or machine, so that equal runs write equal files.
"""

from __future__ import annotations

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

from inkwash.errors import InkwashError, UsageError, first_line, warn
from inkwash.io import integrity
from inkwash.io.atomic import atomic, require_space
from inkwash.io.limits import MAX_STEPS, parse_json, require_bounded
from inkwash.io.names import sanitized_name

FORMAT = 1
LATEST = "latest"
"""The checkpoint from which a run is resumed and a model is loaded."""
_KEY = "inkwash"
_LENGTH = 8
"""Bytes at the beginning of a safetensors file with the length of its header."""
MAX_HEADER_BYTES = 1 << 24
"""Maximum bytes of a header: a thousand tensors take about 100,000."""


class Checkpoint(NamedTuple):
    """A file's header and its tensors, by flat names such as `net.stem.weight`, `average.…`, `optimizer.…`."""

    header: dict[str, Any]
    tensors: dict[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the tensors under `name.`, without that prefix."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `path` atomically. Raises `InkwashError` when it cannot be written."""
    tensors = {name: value.detach().to("cpu").contiguous() for name, value in checkpoint.tensors.items()}
    checked = integrity.with_tensor_checksums({"format": FORMAT} | checkpoint.header, tensors)
    header = json.dumps(checked, sort_keys=True, ensure_ascii=False)
    # safetensors sorts the tensors; a single metadata key makes the bytes reproducible.
    require_space(path, sum(value.nbytes for value in tensors.values()) + len(header))
    with atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={_KEY: header})
        except SafetensorError as error:
            raise OSError(str(error)) from error


def load(path: str | Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Return the checkpoint at `path`.

    Raises `UsageError` when there is no such file, `InkwashError` when it is truncated, damaged, from another program
    or of a newer format.
    """
    # Open the file once: a run in training can replace the file at any moment.
    with _opened(path) as file:
        found = _metadata(file)
        file.seek(0)
        tensors = {name: value.to(device) for name, value in safetensors.torch.load(file.read()).items()}
    checked = _checked(path, found)
    wrong = integrity.checksum_mismatch(checked, tensors)
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
        raise UsageError(
            f"no checkpoint {path}: name a run folder, a model or a .safetensors file",
            code="missing-file",
            field="model",
        )
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
        raise ValueError("its header is truncated")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"its header has {length:,} bytes, of at most {MAX_HEADER_BYTES:,}")
    head = parse_json(file.read(length))
    if not isinstance(head, dict):
        raise ValueError("its header is not a JSON object")
    ends = [each["data_offsets"][1] for name, each in head.items() if name != "__metadata__"]
    if max(ends, default=0) != size - _LENGTH - length:
        raise ValueError("its tensors are truncated")
    return head.get("__metadata__") or {}


class DamagedCheckpointError(InkwashError):
    """A damaged checkpoint at `path`, for a `reason`, while another one of its run may be intact."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.fault = f"checkpoint {path} is damaged or truncated ({reason})"
        super().__init__(f"{self.fault}: use another one of its run, such as best.safetensors", code="damaged-file")


class ForeignCheckpointError(InkwashError):
    """A valid safetensors file at `path` that another program wrote."""

    def __init__(self, path: str | Path) -> None:
        message = (
            f"{path} has tensors but no inkwash header: name a run folder, a bundled model or a checkpoint of inkwash"
        )
        super().__init__(message, code="wrong-file")


class Newest(NamedTuple):
    """The newest intact checkpoint of a run folder; `instead` is the warning when it is not the latest, else None."""

    path: Path
    checkpoint: Checkpoint
    instead: str | None


def files_in(folder: Path) -> list[Path]:
    """Return the checkpoint files in `folder` by name, without those that are being written."""
    return sorted(folder.glob("[!.]*.safetensors"))


def load_newest(folder: Path) -> Newest:
    """Return the latest checkpoint in `folder`, or if it is damaged or missing the intact one of the highest step.

    Raises as `load` does when no checkpoint is intact.
    """
    latest = folder / f"{LATEST}.safetensors"
    try:
        found = load(latest)
        require_header(latest, found.header)
    except (DamagedCheckpointError, UsageError) as error:
        if not files_in(folder):
            raise
        fault = error.fault if isinstance(error, DamagedCheckpointError) else f"checkpoint {latest} is missing"
        before = newest_intact(folder)
        if before is None:
            raise InkwashError(
                f"{fault}, and no checkpoint in {folder} is intact: start a new run", code="damaged-file"
            ) from None
        path, found = before
        return Newest(path, found, f"{fault}: {path.name}, step {found.header['progress']['step']:,}, is used instead")
    return Newest(latest, found, None)


def newest_intact(folder: Path) -> tuple[Path, Checkpoint] | None:
    """Return the intact checkpoint of the highest step in `folder`, None when there is none."""
    candidates: list[tuple[int, Path]] = []
    for path in files_in(folder):
        with suppress(InkwashError):
            found_header = header(path)
            require_header(path, found_header)
            candidates.append((found_header["progress"]["step"], path))
    for _, path in sorted(candidates, key=lambda each: (each[0], each[1].name), reverse=True):
        with suppress(InkwashError):
            found = load(path)
            require_header(path, found.header)
            return path, found
    return None


def _damaged(path: str | Path, error: Exception) -> DamagedCheckpointError:
    return DamagedCheckpointError(path, first_line(error))


def _checked(path: str | Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the header that a file's `metadata` hold."""
    try:
        found = parse_json(metadata[_KEY]) if _KEY in metadata else None
    except ValueError as error:
        raise _damaged(path, error) from None
    if not isinstance(found, dict):
        raise ForeignCheckpointError(path)
    if found.get("format") != FORMAT:
        raise InkwashError(
            f"checkpoint {path} has format {found.get('format')}, this inkwash reads {FORMAT}: update inkwash",
            code="wrong-file",
        )
    try:
        require_bounded(found)
    except UsageError as error:
        raise _damaged(path, error) from None
    wrong = integrity.checksum_mismatch(found)
    if wrong:
        raise _damaged(path, ValueError(wrong))
    return found


def _with_clean_names(path: str | Path, header: dict[str, Any]) -> dict[str, Any]:
    """Return `header` with names that are safe in paths, and warn about those that were not: old files have any."""
    cleaned = dict(header)
    for section, field in (("recipe", "name"), ("facts", "data")):
        values = cleaned.get(section)
        if not isinstance(values, dict) or not isinstance(values.get(field), str):
            continue
        name = sanitized_name(values[field])
        if name != values[field]:
            warn(
                f"checkpoint {path}: {section}.{field} {values[field][:100]!a} is not a valid name; '{name}' is used instead"
            )
            cleaned[section] = values | {field: name}
    return cleaned


def require_header(path: str | Path, header: Mapping[str, Any]) -> None:
    """Check that a header has what a model needs. Raises `DamagedCheckpointError`, naming what is missing."""
    missing = [part for part in ("facts", "progress", "recipe") if not isinstance(header.get(part), dict)]
    if missing:
        raise DamagedCheckpointError(path, f"its header lacks {', '.join(missing)}")
    step = header["progress"].get("step")
    if not isinstance(step, int) or not 0 <= step <= MAX_STEPS:
        raise DamagedCheckpointError(path, f"field 'progress.step' is {step!a}, not an integer in 0 to {MAX_STEPS:,}")


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Return the first 12 hex digits of the SHA-256 of `weights` (names, shapes and values), which identify a model."""
    # Convert to float32, so that half-precision files and the networks loaded from them have the same digest.
    plain = {name: value.detach().to("cpu") for name, value in weights.items()}
    single = {name: value.float() if value.is_floating_point() else value for name, value in plain.items()}
    return integrity.tensor_checksum(single)[:12]
