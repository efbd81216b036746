"""The ONNX file of a model with attributes takes them: standardized, NaN for any."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import inkwash
from inkwash.core.conditions import Condition
from inkwash.core.rng import Stream, normals
from inkwash.export import onnx, web
from inkwash.sampling.attributes import assign_attributes

onnxruntime = pytest.importorskip("onnxruntime", reason="pip install onnx onnxruntime")


@torch.inference_mode()
def test_file_takes_attributes_and_nan_is_any(tmp_path: Path) -> None:
    model = inkwash.load("words-one-step", device="cpu")
    assert onnx.write(model, tmp_path / "words.onnx") < onnx.TOLERANCE
    session = onnxruntime.InferenceSession(str(tmp_path / "words.onnx"), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["x", "c_noise", "label", "attributes"]
    x = normals(torch.arange(4), 0, 0, Stream.EXPORT_CHECK, model.spec.shape)
    c_noise, label = torch.full((4,), 0.8), torch.tensor([7, 3, -1, 1])
    attributes = assign_attributes(model, 4, {"thickness": (2.0, 6.0, None, 3.0), "slant": (None, 20.0, None, None)})
    assert attributes is not None

    def predicted(values: torch.Tensor) -> torch.Tensor:
        inputs = {"x": x, "c_noise": c_noise, "label": label, "attributes": values}
        return torch.from_numpy(session.run(None, {name: each.numpy() for name, each in inputs.items()})[0])

    found = predicted(attributes)
    torch.testing.assert_close(found, model.net(x, c_noise, Condition(label, attributes)), rtol=0, atol=1e-4)
    anything = predicted(torch.full_like(attributes, torch.nan))
    torch.testing.assert_close(anything, model.net(x, c_noise, label), rtol=0, atol=1e-4)
    assert (found[:2] - anything[:2]).abs().max() > 0.1 and torch.equal(found[2], anything[2])


def test_page_has_the_scales_of_the_attributes() -> None:
    model = inkwash.load("words", device="cpu")
    data = web.metadata(model, "words", None)
    assert [each["name"] for each in data["attributes"]] == [each["name"] for each in data["model"]["attributes"]]
    assert [each["std"] for each in data["attributes"]] == [spec.std for spec in model.spec.attributes]
    assert web.metadata(inkwash.load("digits", device="cpu"), "digits", None)["attributes"] == []
