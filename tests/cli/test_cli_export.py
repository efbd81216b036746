"""`inkwash export`: the ONNX file equals the network, nothing is overwritten, and requirements are checked first."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from outcome import Inkwash, Runs, UsageErrorOf

import inkwash as library

onnxruntime = pytest.importorskip("onnxruntime", reason="to read ONNX needs the export extra")
onnx = pytest.importorskip("onnx", reason="to write ONNX needs the export extra")


@pytest.mark.parametrize("name", ["digits", "plain", "points"])
@pytest.mark.parametrize("count", [1, 5])
def test_onnx_equals_torch_for_any_batch(name: str, count: int, runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("export", getattr(runs, name), "--to", "onnx", "-o", "out.onnx")
    assert outcome.code == 0 and "differs from torch" in outcome.err
    model = library.load(getattr(runs, name))
    x = torch.randn(count, *model.spec.shape, generator=torch.Generator().manual_seed(0))
    c_noise = torch.linspace(0.1, 0.9, count)
    label = torch.arange(count) - 1
    inputs = {"x": x, "c_noise": c_noise} | ({"label": label} if model.conditional else {})
    session = onnxruntime.InferenceSession("out.onnx", providers=["CPUExecutionProvider"])
    (prediction,) = session.run(["prediction"], {key: value.numpy() for key, value in inputs.items()})
    with torch.inference_mode():
        ours = model.net(x, c_noise, label if model.conditional else None)
    np.testing.assert_allclose(prediction, ours.numpy(), atol=1e-4)
    metadata = {each.key: each.value for each in onnx.load("out.onnx").metadata_props}
    assert json.loads(metadata["inkwash"])["weights"] == model.weights


def test_nothing_is_overwritten(runs: Runs, inkwash: Inkwash) -> None:
    Path("mine.onnx").write_text("of another")
    assert inkwash("export", runs.plain, "--to", "onnx", "-o", "mine.onnx").code == 2
    assert Path("mine.onnx").read_text() == "of another"
    Path("page").mkdir()
    Path("page/mine.txt").write_text("of another")
    assert inkwash("export", runs.plain, "--to", "web", "-o", "page").code == 2
    assert [path.name for path in Path("page").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("model", "told"), [("words", True), ("digits", False)])
def test_export_of_a_page_tells_that_prompts_are_left_out(
    inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch, model: str, told: bool
) -> None:
    monkeypatch.setattr("inkwash.export.web.write", lambda *arguments: 0.0)
    outcome = inkwash("export", model, "--to", "web", "-o", "page")
    assert outcome.code == 0 and ("prompts are parsed by inkwash serve only" in outcome.err) == told


def test_model_with_the_suggested_options_is_exported_for_diffusers(
    runs: Runs, inkwash: Inkwash, tmp_path: Path
) -> None:
    pytest.importorskip("diffusers", reason="to write for diffusers needs the interop extra")
    suggested = ("--set", "network.kind=ddpm-unet", "--set", "data.std=1", "--set", "network.widths=[8, 24]")
    short = ("--steps", 2, "--set", "training.batch=8", "--set", "sampling.preview=ddim:2")
    assert inkwash("train", "digits", *suggested, *short, "--out", tmp_path / "run").code == 0
    outcome = inkwash("export", tmp_path / "run", "--to", "diffusers", "-o", tmp_path / "pipeline")
    assert outcome.code == 0 and "DDIMPipeline.from_pretrained" in outcome.err
    assert (tmp_path / "pipeline" / "model_index.json").is_file()


def test_missing_npm_is_reported_and_no_folder_is_left(
    runs: Runs, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", "")
    outcome = inkwash("export", runs.plain, "--to", "web", "-o", "page")
    assert outcome.kind == ("missing-package", "npm")
    assert not Path("page").exists()


def test_missing_packages_are_reported_and_no_folder_is_left(
    runs: Runs, usage_error: UsageErrorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("onnx", "onnxruntime", "diffusers"):
        monkeypatch.setitem(sys.modules, name, None)
    for to in ("onnx", "web"):
        assert usage_error("export", runs.plain, "--to", to) == ("missing-package", "export")
    assert not list(Path().iterdir())
