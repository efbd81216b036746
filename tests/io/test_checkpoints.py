"""A checkpoint is read bit for bit or refused with an error of one line."""

from __future__ import annotations

import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from inkwash.errors import InkwashError
from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint


@pytest.fixture
def checkpoint() -> Checkpoint:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "net.weight": torch.randn(3, 2, 3, 3, generator=generator),
        "net.flat": torch.randn(6, 4, 2, 2, generator=generator).to(memory_format=torch.channels_last),
        "average.weight": torch.tensor([0.0, -0.0, 1e-45, torch.finfo(torch.float32).max]),
        "average.half": torch.randn(5, generator=generator).bfloat16(),
        "average.count": torch.tensor(7),
        "optimizer.0.exp_avg": torch.randn(4, 3, generator=generator).T,
        "optimizer.0.empty": torch.zeros(0, 3),
    }
    header = {"recipe": {"name": "naïve ✓", "lr": 1e-3}, "progress": {"step": 3, "best": None}, "list": [1, 2.5, "x"]}
    return Checkpoint(header, tensors)


def bits(value: Tensor) -> bytes:
    return value.contiguous().flatten().view(torch.uint8).numpy().tobytes()


def assert_refused(path: Path, code: str = "damaged-file") -> None:
    """Assert that loading `path` raises an error of this code in one line that names the path."""
    with pytest.raises(InkwashError) as error:
        checkpoints.load(path)
    assert error.value.code == code and str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_checkpoint_is_read_bit_for_bit(tmp_path: Path, checkpoint: Checkpoint) -> None:
    checkpoints.save(tmp_path / "a.safetensors", checkpoint)
    loaded = checkpoints.load(tmp_path / "a.safetensors")
    assert set(loaded.tensors) == set(checkpoint.tensors)
    for name, value in checkpoint.tensors.items():
        back = loaded.tensors[name]
        assert (back.dtype, back.shape) == (value.dtype, value.shape)
        assert bits(back) == bits(value)
    assert {key: loaded.header[key] for key in checkpoint.header} == checkpoint.header


def test_equal_states_are_written_as_equal_bytes(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(tmp_path / "a.safetensors", checkpoint)
    backwards = Checkpoint(dict(reversed(checkpoint.header.items())), dict(reversed(checkpoint.tensors.items())))
    monkeypatch.setattr("time.time", lambda: 0.0)
    checkpoints.save(tmp_path / "elsewhere" / "b.safetensors", backwards)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "elsewhere" / "b.safetensors").read_bytes()


def test_parts_are_selected_by_complete_names() -> None:
    numbers = {name: torch.tensor(k) for k, name in enumerate(["net.a", "net.b.c", "network.a", "average.net.a"])}
    assert {name: int(value) for name, value in Checkpoint({}, numbers).part("net").items()} == {"a": 0, "b.c": 1}


def test_a_file_truncated_anywhere_is_damaged(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "cut.safetensors"
    checkpoints.save(path, checkpoint)
    content = path.read_bytes()
    for part in range(50):
        path.write_bytes(content[: part * len(content) // 50])
        assert_refused(path)


def test_a_file_with_a_flipped_bit_is_damaged_or_equal(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "flipped.safetensors"
    checkpoints.save(path, checkpoint)
    complete, unchanged = path.read_bytes(), 0
    for place in range(len(complete)):
        content = bytearray(complete)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            found = checkpoints.load(path)
        except InkwashError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            continue
        # a bit of the name of the checksum, or 1E-3 for 1e-3: the values are unchanged
        assert {key: found.header[key] for key in checkpoint.header} == checkpoint.header
        assert {name: bits(value) for name, value in found.tensors.items()} == {
            name: bits(value) for name, value in checkpoint.tensors.items()
        }
        unchanged += 1
    assert unchanged < 0.02 * len(complete)


def test_a_file_replaced_while_it_is_read_does_not_matter(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, plain = tmp_path / "latest.safetensors", checkpoints._metadata
    checkpoints.save(path, checkpoint)

    def meanwhile(file: Any) -> dict[str, str]:
        found = plain(file)
        checkpoints.save(path, Checkpoint({"progress": {"step": 1_000_000}}, {"net.other": torch.zeros(9)}))
        return found

    monkeypatch.setattr(checkpoints, "_metadata", meanwhile)
    found = checkpoints.load(path)
    assert found.header["progress"]["step"] == 3 and set(found.tensors) == set(checkpoint.tensors)
    assert checkpoints.load(path).header["progress"]["step"] == 1_000_000


def test_a_header_is_verified_without_its_tensors(tmp_path: Path, checkpoint: Checkpoint) -> None:
    path = tmp_path / "header.safetensors"
    checkpoints.save(path, checkpoint)
    content = path.read_bytes()
    assert checkpoints.header(path)["progress"]["step"] == 3
    path.write_bytes(content.replace(b'step\\": 3', b'step\\": 4'))
    with pytest.raises(checkpoints.DamagedCheckpointError):
        checkpoints.header(path)


def test_a_full_disk_is_reported_before_anything_is_written(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deeper" / "a.safetensors"
    monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=100))
    with pytest.raises(InkwashError) as error:
        checkpoints.save(path, checkpoint)
    assert error.value.code == "io" and not path.parent.exists()


class Trap:
    """An object that creates the file `mark` when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("content", [b"garbage", b"\0" * 100, b"\xff" * 100, b'{"a": 1}', b"PK\x03\x04 a zip file"])
def test_garbage_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.safetensors"
    path.write_bytes(content)
    assert_refused(path)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    path, mark = tmp_path / "trap.safetensors", tmp_path / "mark"
    for content in (pickle.dumps(Trap(mark)), None):
        if content is None:
            torch.save({"net.weight": Trap(mark)}, path)
        else:
            path.write_bytes(content)
        assert_refused(path)
    assert not mark.exists()


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"inkwash": "[1, 2]"}, {"inkwash": "null"}])
def test_tensors_of_another_program_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata=metadata)
    assert_refused(path, "wrong-file")


def test_a_header_that_is_not_json_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"inkwash": '{"format": 1,'})
    assert_refused(path)


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_another_format_is_refused(tmp_path: Path, version: object) -> None:
    path = tmp_path / "newer.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"inkwash": json.dumps({"format": version})})
    assert_refused(path, "wrong-file")


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nothing.safetensors", "missing-file")
    assert_refused(tmp_path, "missing-file")


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        SafetensorError(f"Error while serializing: I/O error: {os.strerror(errno.ENOSPC)} (os error 28)"),
    ],
)
def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(
    tmp_path: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    path = tmp_path / "latest.safetensors"
    checkpoints.save(path, checkpoint)
    before = path.read_bytes()

    def full(tensors: dict[str, Tensor], target: Path, metadata: dict[str, str]) -> None:
        Path(target).write_bytes(before[: len(before) // 2])
        raise failure

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(InkwashError, match=os.strerror(errno.ENOSPC)) as error:
        checkpoints.save(path, Checkpoint({"progress": {"step": 4}}, checkpoint.tensors))
    assert error.value.code == "io"
    assert os.listdir(tmp_path) == ["latest.safetensors"]
    assert checkpoints.load(path).header["progress"]["step"] == 3
    assert path.read_bytes() == before


def test_a_digest_does_not_depend_on_the_memory_layout() -> None:
    weights = {"a": torch.randn(4, 3, 2, 2), "b": torch.tensor(3)}
    turned = {"b": weights["b"], "a": weights["a"].to(memory_format=torch.channels_last)}
    assert checkpoints.weights_digest(weights) == checkpoints.weights_digest(turned)
    others = [
        weights | {"a": weights["a"] + 1e-6},
        weights | {"a": weights["a"].reshape(3, 4, 2, 2)},
        weights | {"b": torch.tensor(3, dtype=torch.int32)},
        {"c": weights["a"], "b": weights["b"]},
    ]
    assert len({checkpoints.weights_digest(each) for each in [weights, *others]}) == 5
