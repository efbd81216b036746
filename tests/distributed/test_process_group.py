"""Shards and collective operations of process groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from inkwash import data
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import UsageError
from inkwash.training.batches import Batches


@pytest.mark.parametrize("size", [4, 5, 17, 128])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_shards_are_contiguous_and_differ_by_at_most_one(size: int, count: int) -> None:
    spans = [range(size)[ProcessGroup(rank, count).shard(size)] for rank in range(count)]
    assert [one for span in spans for one in span] == list(range(size))
    assert max(map(len, spans)) - min(map(len, spans)) <= 1


def test_fewer_items_than_processes_are_refused() -> None:
    with pytest.raises(UsageError) as error:
        ProcessGroup(0, 4).shard(3)
    assert (error.value.code, error.value.field) == ("out-of-range", "processes")


def test_collectives_of_a_single_process_are_identities() -> None:
    value = torch.arange(3)
    assert SINGLE_PROCESS.is_main and SINGLE_PROCESS.is_single and SINGLE_PROCESS.all_reduce(value) is value
    assert torch.equal(SINGLE_PROCESS.all_gather(value, 3), value)
    assert SINGLE_PROCESS.broadcast("runs/fast-1") == "runs/fast-1"
    assert SINGLE_PROCESS.any_process(True) and not SINGLE_PROCESS.any_process(False)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_concatenated_shards_equal_the_batch(count: int) -> None:
    digits = data.load("digits")
    batches = Batches(digits, 18, 5, True, 0.3, torch.device("cpu"))
    for step in (1, 70, 71):
        batch = batches(step)
        parts = [batches(step, ProcessGroup(rank, count).shard(18)) for rank in range(count)]
        for name in ("images", "labels", "u", "noise"):
            assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))


def test_collectives_of_three_processes(program: Callable[..., list[Any]]) -> None:
    code = """
with torchrun.join(torch.device("cpu")) as group:
    span = group.shard(7)
    report(group, [
        group.rank, group.world_size,
        group.all_reduce(torch.tensor([1.5, group.rank])).tolist(),
        group.all_gather(torch.arange(7, dtype=torch.uint8)[span] * 2, 7).tolist(),
        group.any_process(group.rank == 2), group.any_process(False),
        group.broadcast("Füße" if group.is_main else "ignored"), group.broadcast(""),
    ])
"""
    same = [3, [4.5, 3.0], [0, 2, 4, 6, 8, 10, 12], True, False, "Füße", ""]
    assert program(3, code) == [[rank, *same] for rank in range(3)]


@pytest.mark.slow
def test_synced_batchnorm_equals_that_of_the_full_batch(program: Callable[..., list[Any]]) -> None:
    # Shards of 2, 2 and 3 examples; the mean is far from 0, where sums of squares would lose digits.
    code = """
from torch import nn
from inkwash.distributed.batchnorm import convert_sync_batchnorm
def made():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3)).double()
x = torch.randn(7, 2, 5, 5, generator=torch.Generator().manual_seed(1)).double() + 30
with torchrun.join(torch.device("cpu")) as group:
    reference, own = made(), convert_sync_batchnorm(made())
    net = torch.nn.parallel.DistributedDataParallel(own, find_unused_parameters=True, broadcast_buffers=False)
    span = group.shard(7)
    for _ in range(2):
        one = reference(x)
        mine = net(x[span])
        (one ** 3).flatten(1).mean(1).mean().backward()
        ((mine ** 3).flatten(1).mean(1).mean() * (len(x[span]) * group.world_size / 7)).backward()
    differences = [float((mine - one[span]).abs().max())]
    differences += [float((a - b).abs().max()) for a, b in zip(reference.state_dict().values(), own.state_dict().values())]
    differences += [float((a.grad - b.grad).abs().max()) for a, b in zip(reference.parameters(), own.parameters())]
    report(group, [max(differences), float(max(p.grad.abs().max() for p in reference.parameters()))])
    del net
"""
    for differences, gradient in program(3, code):
        assert gradient > 1e-3
        assert differences < 1e-9 * gradient
