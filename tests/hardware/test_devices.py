"""Devices, precisions, memory layouts and the description of the machine."""

from __future__ import annotations

import os
import platform
from typing import Any

import pytest
import torch

from inkwash.errors import UsageError
from inkwash.hardware import devices
from inkwash.nets import NETS

CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "batchnorm-unet": {"base": 8},
    "class-unet": {"widths": (8, 16)},
    "simple-unet": {"base": 8},
}


def test_auto_selects_an_available_device() -> None:
    assert devices.device().type in devices.DEVICES
    assert devices.device("cpu") == CPU


@pytest.mark.parametrize("name", [name for name in devices.DEVICES if name not in ("auto", "cpu")])
def test_unavailable_device_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError) as error:
        devices.device(name)
    assert (error.value.code, error.value.field) == ("missing-device", "device")
    assert devices.device("auto") == CPU


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UsageError, match="'cuda'") as error:
        devices.device("cuda0")
    assert (error.value.code, error.value.field) == ("unknown-name", "device")
    with pytest.raises(UsageError, match="'bfloat16'") as error:
        devices.precision("bfloat", CPU)
    assert (error.value.code, error.value.field) == ("unknown-name", "precision")


def test_precision_names_map_to_dtypes() -> None:
    assert devices.precision("float32", CPU) is None
    assert devices.precision("bfloat16", CPU) is torch.bfloat16
    assert devices.precision("auto", CPU) in (None, torch.bfloat16)


@pytest.mark.parametrize("kind", SMALL)
def test_memory_layout_does_not_change_the_output(kind: str) -> None:
    net = NETS[kind](1, **SMALL[kind]).eval()
    for weight in net.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight)
    x, code = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.rand(3)
    with torch.no_grad():
        before = net(x, code)
        values = [weight.clone() for weight in net.parameters()]
        after = devices.to_device(net, CPU)(x, code)
    assert all(torch.equal(a, b) for a, b in zip(values, net.parameters(), strict=True))
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_machine_description_has_no_host_and_user_name() -> None:
    found = devices.environment_info(CPU)
    assert found["device"] == "cpu" and found["torch"] == torch.__version__
    private = {platform.node(), os.path.expanduser("~"), os.getcwd()}
    assert not any(secret and secret in str(value) for secret in private for value in found.values())
