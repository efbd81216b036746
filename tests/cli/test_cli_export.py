"""`inkwash export`: what is written says what torch says, nothing is overwritten, and what cannot be is said."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import inkwash as library

onnxruntime = pytest.importorskip("onnxruntime", reason="to read ONNX needs the export extra")
onnx = pytest.importorskip("onnx", reason="to write ONNX needs the export extra")


@pytest.mark.parametrize("name", ["digits", "plain", "points"])
@pytest.mark.parametrize("count", [1, 5])
def test_the_file_says_what_the_network_says_for_any_batch(name, count, runs, inkwash):
    outcome = inkwash("export", getattr(runs, name), "--to", "onnx", "-o", "out.onnx")
    assert outcome.code == 0 and "differs from torch" in outcome.err
    model = library.load(getattr(runs, name))
    x = torch.randn(count, *model.spec.shape, generator=torch.Generator().manual_seed(0))
    code = torch.linspace(0.1, 0.9, count)
    label = torch.arange(count) - 1
    given = {"x": x, "c_noise": code} | ({"label": label} if model.conditional else {})
    session = onnxruntime.InferenceSession("out.onnx", providers=["CPUExecutionProvider"])
    (said,) = session.run(["prediction"], {key: value.numpy() for key, value in given.items()})
    with torch.inference_mode():
        ours = model.net(x, code, label if model.conditional else None)
    np.testing.assert_allclose(said, ours.numpy(), atol=1e-4)
    told = {each.key: each.value for each in onnx.load("out.onnx").metadata_props}
    assert json.loads(told["inkwash"])["weights"] == model.weights


def test_nothing_is_overwritten(runs, inkwash):
    Path("mine.onnx").write_text("of another")
    assert inkwash("export", runs.plain, "--to", "onnx", "-o", "mine.onnx").code == 2
    assert Path("mine.onnx").read_text() == "of another"
    Path("page").mkdir()
    Path("page/mine.txt").write_text("of another")
    assert inkwash("export", runs.plain, "--to", "web", "-o", "page").code == 2
    assert [path.name for path in Path("page").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (("--to", "onyx"), "did you mean 'onnx'"),
        (("--to", "diffusers"), "network simple-unet"),
        (("--to", "onnx", "-o", "out.bin"), "ends in .onnx"),
    ],
)
def test_what_cannot_be_is_refused(flags, cause, runs, refused):
    assert cause in refused("export", runs.plain, *flags)


def test_points_are_no_pipeline(runs, refused):
    assert "images only" in refused("export", runs.points, "--to", "diffusers")


def test_the_way_out_of_that_refusal_works(runs, inkwash, tmp_path):
    pytest.importorskip("diffusers", reason="to write for diffusers needs the interop extra")
    way = ("--set", "network.kind=ddpm-unet", "--set", "data.std=1", "--set", "network.widths=[8, 24]")
    short = ("--steps", 2, "--set", "training.batch=8", "--set", "sampling.preview=ddim:2")
    assert inkwash("train", "digits", *way, *short, "--out", tmp_path / "run").code == 0
    outcome = inkwash("export", tmp_path / "run", "--to", "diffusers", "-o", tmp_path / "pipeline")
    assert outcome.code == 0 and "DDIMPipeline.from_pretrained" in outcome.err
    assert (tmp_path / "pipeline" / "model_index.json").is_file()


def test_without_npm_the_way_out_is_told_and_no_folder_is_left(runs, inkwash, monkeypatch, tmp_path):
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", "")
    outcome = inkwash("export", runs.plain, "--to", "web", "-o", "page")
    assert outcome.code == 2 and "install Node.js" in outcome.complaint
    assert not Path("page").exists()


def test_without_the_packages_pip_installs_them_and_no_folder_is_left(runs, refused, monkeypatch):
    for name in ("onnx", "onnxruntime", "diffusers"):
        monkeypatch.setitem(sys.modules, name, None)
    for to in ("onnx", "web"):
        assert "pip install 'inkwash[export]'" in refused("export", runs.plain, "--to", to)
    assert not list(Path().iterdir())
