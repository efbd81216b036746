"""An option that would change nothing is refused: nothing that a user gives is ignored silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from outcome import Inkwash, Runs, UsageErrorOf
from PIL import Image
from raised import code_and_field

import inkwash
from inkwash import data
from inkwash.distributed import torchrun
from inkwash.evaluation.plan import EvaluationRequest
from inkwash.sampling.request import SampleRequest

FAST = ("--sampler", "ddim:2", "-q")
Case = tuple[str, ...]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, extractors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INKWASH_CACHE", str(extractors))


@pytest.fixture
def pictures() -> str:
    """A folder of 220 of the bundled digits."""
    Path("pictures").mkdir()
    for k, image in enumerate(data.load("digits").values[:220, 0]):
        Image.fromarray(image.numpy()).save(f"pictures/{k}.png")
    return "pictures"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("-o", "a.npz", "--scale", "3"), "scale"),
        (("-o", "a.npz", "--columns", "2"), "columns"),
        (("-o", "folder", "--columns", "2"), "columns"),
        (("--film", "--seed", "1..4", "--columns", "2"), "columns"),
        (("--extrapolate",), "extrapolate"),
    ],
)
def test_an_option_of_sample_without_effect_is_refused(
    runs: Runs, usage_error: UsageErrorOf, options: Case, field: str
) -> None:
    assert usage_error("sample", runs.digits, "-n", 4, *FAST, *options) == ("no-effect", field)


def test_columns_of_points_are_refused_and_scale_enlarges_them(
    runs: Runs, inkwash: Inkwash, usage_error: UsageErrorOf
) -> None:
    assert usage_error("sample", runs.points, "-n", 9, *FAST, "--columns", 2) == ("no-effect", "columns")
    assert inkwash("sample", runs.points, "-n", 9, *FAST, "--scale", 2, "-o", "points.png").code == 0
    with Image.open("points.png") as image:
        assert image.size == (512, 512)


def test_the_options_of_a_reproduced_image_are_refused(
    runs: Runs, inkwash: Inkwash, usage_error: UsageErrorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inkwash("sample", runs.digits, "-n", 2, *FAST, "-o", "two.png").code == 0
    for options in (["--batch", 2], ["--continue"], ["--precision", "auto"]):
        assert usage_error("sample", "two.png", *options) == ("no-effect", None)
    monkeypatch.setattr(torchrun, "num_processes", lambda: 2)
    assert usage_error("sample", "two.png") == ("no-effect", None)


def test_samples_from_python_refuse_what_has_no_effect(runs: Runs) -> None:
    with pytest.raises(TypeError):
        inkwash.sample(str(runs.digits), n=2, columns=3)  # type: ignore[call-arg]
    kind = code_and_field(lambda: inkwash.sample(str(runs.digits), n=2, sampler="ddim:2", extrapolate=True))
    assert kind == ("no-effect", "extrapolate")
    samples = inkwash.sample(str(runs.digits), n=2, sampler="ddim:2", progress=False)
    assert code_and_field(lambda: samples.save("two.npz", scale=3)) == ("no-effect", "scale")
    assert code_and_field(lambda: samples.save("two.npz", columns=1)) == ("no-effect", "columns")
    samples.save("two.npz")
    samples.save("two.png", columns=1, scale=2)


def test_a_range_of_evaluate_is_refused_unless_a_source_or_the_data_have_numbers(
    pictures: str, usage_error: UsageErrorOf
) -> None:
    refused = ("no-effect", "range")
    for sources in (
        [pictures, "--judge", "digits"],
        [pictures, "--data", "digits"],
        ["digits"],
        ["digits", "--judge", pictures],
    ):
        assert usage_error("evaluate", *sources, "--range", 0, 1) == refused, sources
    floats = (data.load("digits").values / 255).numpy()
    np.savez("floats.npz", images=floats)
    request = EvaluationRequest(("floats.npz", pictures), reference_data="digits", value_range=(0, 1))
    assert [task.count for task in request.plan().tasks] == [len(floats), 220]


def test_a_range_of_evaluate_from_python_applies_to_arrays_only(pictures: str) -> None:
    floats = torch.as_tensor(data.load("digits").values / 255)
    measured = inkwash.evaluate(floats, pictures, judge="digits", judges="a", range=(0, 1), progress=False)
    assert [entry.count for entry in measured] == [len(floats), 220]
    for source in (pictures, data.load("digits")):
        kind = code_and_field(lambda given=source: inkwash.evaluate(given, judge="digits", range=(0, 1)))
        assert kind == ("no-effect", "range")


def test_a_count_above_that_of_a_file_and_processes_without_sampling_are_reported(pictures: str) -> None:
    plan = EvaluationRequest((pictures,), count=500, reference_data="digits").plan()
    assert plan.tasks[0].count == 220 and any("-n 500" in note for note in plan.tasks[0].notes)  # type: ignore[attr-defined]
    enough = EvaluationRequest((pictures,), count=210, reference_data="digits").plan()
    assert enough.tasks[0].count == 210 and not any("-n" in note for note in enough.tasks[0].notes)  # type: ignore[attr-defined]
    group = type("Two", (), {"is_single": False})()
    assert code_and_field(lambda: plan.require_shares(group)) == ("no-effect", "processes")
    sampled = EvaluationRequest(("digits",), 200, base_request=SampleRequest(sampler="ddim:2")).plan()
    sampled.require_shares(group)


def test_options_of_show_without_effect_are_refused(
    runs: Runs, pictures: str, inkwash: Inkwash, usage_error: UsageErrorOf
) -> None:
    assert usage_error("show", "-o", "plots") == ("missing-field", "thing")
    assert usage_error("show", runs.digits, "-o", "plots") == ("no-effect", "out")
    assert usage_error("show", "fast", "--json", "-o", "plots") == ("no-effect", "out")
    assert usage_error("show", pictures, "--json", "-o", "plots") == ("no-effect", "out")
    for thing in ("fast", runs.digits, pictures):
        assert usage_error("show", thing, "--range", 0, 1) == ("no-effect", "range")
    assert inkwash("show", pictures, "-o", "plots").code == 0
    assert Path("plots/pictures-data.png").is_file()


@pytest.mark.parametrize("options", [("--device", "cpu"), ("--threads", "1"), ("-q",), ("--range", "0", "1")])
def test_options_of_an_experiment_without_its_name_are_refused(usage_error: UsageErrorOf, options: Case) -> None:
    assert usage_error("lab", *options) == ("missing-field", "experiment")


def test_a_range_without_data_is_refused(usage_error: UsageErrorOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INKWASH_DATA", raising=False)
    assert usage_error("lab", "steps-vs-quality", "--range", 0, 1) == ("missing-field", "data")
    assert usage_error("serve", "--range", 0, 1) == ("missing-field", "data")
