"""Samples in files and folders of any form: labels, size, ink, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from raised import code_and_field, raised

import inkwash
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation.plan import EvaluationRequest
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_files import SampleFile, is_samples
from inkwash.evaluation.tasks import FileTask
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.viz.samples import RenderOptions
from inkwash.viz.writers import write_arrays, write_folder, write_image

PlanRequest = Callable[..., FileTask]


@pytest.fixture
def planned(bench: Reference, monkeypatch: pytest.MonkeyPatch) -> PlanRequest:
    """Return a function that plans a file with the judges `bench` of the digits."""
    monkeypatch.setattr("inkwash.evaluation.reference.for_data", lambda *_, **__: bench)

    def plan(path: Path, **options: Any) -> FileTask:
        (task,) = EvaluationRequest((str(path),), **({"reference_data": "digits"} | options)).plan().tasks
        assert isinstance(task, FileTask)
        return task

    return plan


def write_singles(folder: Path, digits: Dataset, count: int = 12, by_class: bool = False, **options: Any) -> Path:
    """Write digits as single images, in a folder for each class or all in one."""
    assert digits.labels is not None
    for index in range(count):
        inside = folder / str(int(digits.labels[index])) if by_class else folder
        inside.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.values[index, 0].numpy()).save(inside / f"{index:03d}.png")
    return folder


def sorted_rows(values: torch.Tensor) -> list[bytes]:
    return sorted(image.numpy().tobytes() for image in values)


def test_a_folder_of_single_images_is_measured(planned: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    task = planned(write_singles(tmp_path / "singles", digits))
    assert task.labels is None and torch.equal(task.values, digits.values[:12])


def test_class_folders_give_labels_by_name(planned: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    task = planned(write_singles(tmp_path / "singles", digits, 30, by_class=True))
    assert digits.labels is not None and task.labels is not None
    expected = {(v.numpy().tobytes(), int(k)) for v, k in zip(digits.values[:30], digits.labels[:30], strict=True)}
    assert {(v.numpy().tobytes(), int(k)) for v, k in zip(task.values, task.labels, strict=True)} == expected


def test_an_archive_is_measured(planned: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    write_singles(tmp_path / "singles", digits)
    with zipfile.ZipFile(tmp_path / "singles.zip", "w") as archive:
        for path in sorted((tmp_path / "singles").iterdir()):
            archive.write(path, f"singles/{path.name}")
    assert torch.equal(planned(tmp_path / "singles.zip").values, digits.values[:12])


@pytest.mark.parametrize("scale", [None, 3])
def test_what_sample_wrote_is_measured_with_its_classes(
    scale: int | None, planned: PlanRequest, tmp_path: Path
) -> None:
    model = inkwash.load("digits")
    run = resolve(SampleRequest(model="digits", n=6, label="7,1,none", sampler="ddim:2"), model)
    options = RenderOptions(scale=scale)
    write_folder(run, options, tmp_path / "singles", 6, lambda done: None)
    with_none = planned(tmp_path / "singles")
    values = next(run.batches()).values
    assert with_none.labels is None and torch.equal(with_none.values, values)
    run = resolve(SampleRequest(model="digits", n=6, label="7,1", sampler="ddim:2"), model)
    write_folder(run, options, tmp_path / "labelled", 6, lambda done: None)
    write_arrays(run, RenderOptions(), tmp_path / "x.npz", 6, lambda done: None)
    for path in (tmp_path / "labelled", tmp_path / "x.npz"):
        task = planned(path)
        assert task.labels is not None and task.labels.tolist() == [7, 1] * 3
        assert torch.equal(task.values, next(run.batches()).values)


def test_one_image_is_refused(tmp_path: Path) -> None:
    run = resolve(SampleRequest(n=4, sampler="ddim:2"), inkwash.load("digits"))
    write_image(run, RenderOptions(), tmp_path / "grid.png", 4, lambda done: None)
    request = EvaluationRequest((str(tmp_path / "grid.png"),))
    assert code_and_field(request.plan) == ("wrong-file", "model")


@pytest.mark.parametrize(("side", "crop"), [(12, 8), (11, 8), (6, 8), (8, 8)])
def test_another_size_is_refused_with_the_option_that_fits(
    side: int, crop: int, planned: PlanRequest, digits: Dataset, tmp_path: Path
) -> None:
    margin = (side - 8) // 2
    padded = np.zeros((20, side, side), np.uint8)
    inner = padded[:, margin : margin + 8, margin : margin + 8] if side > 8 else padded
    inner[:] = digits.values[:20, 0, : inner.shape[1], : inner.shape[2]].numpy()
    np.save(tmp_path / "padded.npy", padded)
    if side != 8:
        error = raised(lambda: planned(tmp_path / "padded.npy"))
        assert (error.code, error.field) == ("mismatch", "crop") and f"--crop {crop}" in str(error)
    found = planned(tmp_path / "padded.npy", crop=crop).values
    assert found.shape == (20, 1, 8, 8)
    if side >= 8:
        assert torch.equal(found, digits.values[:20])
    else:
        assert torch.equal(found[:, 0, 1:7, 1:7], digits.values[:20, 0, :6, :6]) and not found[:, :, 0].any()


def test_padding_of_dark_ink_on_light_paper_is_white() -> None:
    images = torch.full((3, 1, 10, 10), 250, dtype=torch.uint8)
    images[:, :, 4:7, 4:6] = 0
    assert (SampleFile("x", images).changed(14, False).values[:, :, 0] == 255).all()


def test_grey_in_three_channels_is_grey(planned: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=digits.values[:20, 0, ..., None].expand(-1, -1, -1, 3).numpy())
    assert torch.equal(planned(tmp_path / "x.npz").values, digits.values[:20])


def test_inverted_images_are_refused_and_inverted(planned: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", 255 - digits.values[:50, 0].numpy())
    assert code_and_field(lambda: planned(tmp_path / "x.npy")) == ("invalid-data", "invert")
    assert torch.equal(planned(tmp_path / "x.npy", invert=True).values, digits.values[:50])


def test_classes_of_other_names_are_ignored_with_a_note(planned: PlanRequest, digits: Dataset, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write_singles(tmp_path / "animals" / name, digits, 5)
    task = planned(tmp_path / "animals")
    assert task.labels is None and "'cat'" in task.notes[0] and "10 images" in task.notes[1]


def test_a_class_of_another_index_is_mapped_by_name(digits: Dataset, bench: Reference) -> None:
    found = SampleFile("x", digits.values[:4], torch.tensor([0, 1, 1, 0]), ("1", "7")).suited(bench.extractor_set)
    assert found.labels is not None and found.labels.tolist() == [1, 7, 7, 1]


@pytest.mark.parametrize(("option", "value"), [("crop", 28), ("invert", True)])
def test_options_of_files_are_refused_for_models_and_points(option: str, value: Any, tmp_path: Path) -> None:
    request = EvaluationRequest(("digits",), **{option: value})
    assert code_and_field(request.plan) == ("no-effect", option)
    np.save(tmp_path / "points.npy", np.zeros((9, 2), np.float32))
    request = EvaluationRequest((str(tmp_path / "points.npy"),), **{option: value})
    assert code_and_field(request.plan) == ("unsupported", option)


def test_a_crop_out_of_range_is_refused(digits: Dataset) -> None:
    for side in (0, -3, 10_000):
        with pytest.raises(UsageError) as error:
            SampleFile("x", digits.values[:3]).changed(side, False)
        assert (error.value.code, error.value.field) == ("out-of-range", "crop")


def test_models_and_samples_are_told_apart(digits: Dataset, tmp_path: Path) -> None:
    write_singles(tmp_path / "singles", digits, 3)
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "recipe.toml").touch()
    write_singles(tmp_path / "run" / "samples", digits, 3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.csv").write_text("label,pixel0\n")
    found = {name: is_samples(tmp_path / name) for name in ("singles", "run", "run/samples", "empty", "none.npz")}
    assert found == {"singles": True, "run": False, "run/samples": True, "empty": False, "none.npz": True}
    assert not is_samples("fast") and not is_samples(tmp_path / "missing")
