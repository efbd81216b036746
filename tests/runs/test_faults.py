"""Nonfinite gradients and clock jumps do not change a resumed run; other faults are tested in tests/stress."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from inkwash.data import Dataset
from inkwash.errors import InkwashError
from inkwash.io import checkpoints
from inkwash.runs.resume import resume
from inkwash.runs.run import Run

pytestmark = pytest.mark.usefixtures("without_cards")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nonfinite_gradient_ends_the_run_before_the_update(
    value: float, begun: Callable[..., Run], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, hit = (begun(name, "training.checkpoint_every='1 step'") for name in ("reference", "hit"))
    list(reference.train())
    plain, calls = torch.nn.utils.clip_grad_norm_, []

    def poisoned(parameters: Any, *rest: Any) -> Any:
        calls.append(0)
        if len(calls) == 4:
            parameters[-1].grad.view(-1)[0] = value
        return plain(parameters, *rest)

    with monkeypatch.context() as fault:
        fault.setattr(torch.nn.utils, "clip_grad_norm_", poisoned)
        with pytest.raises(InkwashError, match="step 4") as error:
            list(hit.train())
    assert error.value.code == "non-finite"
    latest = checkpoints.load(hit.folder.latest)
    assert latest.header["progress"]["step"] == 3
    assert all(torch.isfinite(number).all() for number in latest.tensors.values() if number.is_floating_point())
    list(resume(hit.folder.path, digits).train())
    assert hit.folder.latest.read_bytes() == reference.folder.latest.read_bytes()


def test_clock_jumps_do_not_change_the_run(
    begun: Callable[..., Run], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, hit = begun("reference"), begun("hit")
    list(reference.train())
    plain, jumps = time.time, iter([0, 86400, -365 * 86400] * 1000)
    monkeypatch.setattr(time, "time", lambda: plain() + next(jumps))
    for event in hit.train():
        if getattr(event, "number", 0) == 4:
            hit.trainer.stop()
    for file in hit.folder.path.rglob("*"):
        os.utime(file, (plain() + 86400,) * 2)
    list(resume(hit.folder.path, digits).train())
    assert hit.folder.latest.read_bytes() == reference.folder.latest.read_bytes()
    seconds = [row["seconds"] for row in hit.folder.rows() if "seconds" in row]
    assert seconds == sorted(seconds) and min(seconds) >= 0
    assert all(session["seconds"] >= 0 for session in hit.folder.sessions())
