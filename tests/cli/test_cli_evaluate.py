"""`inkwash evaluate`: tables, JSON and comparisons of runs and files; invalid requests are refused before sampling."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from outcome import CheckError, Inkwash, Runs

import inkwash as python
from inkwash import data
from inkwash.evaluation.sample_cache import SampleCache
from inkwash.metrics import extractor_training

Measured = Callable[..., dict[str, Any]]
ENOUGH = ["-n", "220", "--sampler", "ddim:2"]
FEW = ["-n", "60", "--sampler", "ddim:2"]
"""Too few for FD, whose intervals take longest."""


@pytest.fixture(autouse=True)
def cached(extractors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share extractors and samples between all tests, and fail a test that trains extractors."""
    monkeypatch.setenv("INKWASH_CACHE", str(extractors))
    monkeypatch.setattr(extractor_training, "train_classifier", lambda *_, **__: pytest.fail("extractors were trained"))


@pytest.fixture
def measured(inkwash: Inkwash) -> Measured:
    """Return a function to the parsed output of --json."""

    def call(*arguments: object) -> dict[str, Any]:
        outcome = inkwash("evaluate", *arguments, "--json")
        assert outcome.code == 0 and not outcome.err, outcome.err
        found: dict[str, Any] = json.loads(outcome.out, parse_constant=lambda what: pytest.fail(f"{what} in JSON"))
        return found

    return call


def test_a_run_is_printed_as_one_table(runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("evaluate", runs.digits, *ENOUGH)
    assert outcome.code == 0
    assert outcome.err.startswith("feature extractors (judges) for digits: A a classifier, B")
    assert len(outcome.err.splitlines()) == 1
    lines = outcome.out.splitlines()
    assert lines[0].startswith("digits ddim:2 w 1: 220 against digits")
    for words in (
        "FD to train, A",
        "FD to test, C",
        "KID",
        "recall",
        "accuracy, B",
        "exactly black pixels",
        "near-copies",
    ):
        assert any(line.strip().startswith(words) for line in lines), words
    assert any(line.startswith("- ") for line in lines) and "None" not in outcome.out and "nan" not in outcome.out
    assert not inkwash("evaluate", runs.digits, *FEW, "--quiet").err


def test_json_has_every_score_with_its_real_value(runs: Runs, measured: Measured) -> None:
    found = measured(runs.digits, *ENOUGH)
    assert found["name"] == "digits ddim:2 w 1" and found["n"] == 220 and found["data"] == "digits"
    assert found["evaluations"] == 2 and found["seconds_64"] > 0
    assert found["verdicts"] and "seeds" in found["facts"]
    scores = found["scores"]
    for key in ("fd.a", "fd.b", "fd.c", "kid", "precision", "two_sample", "accuracy.a", "zero", "nearest", "copies"):
        assert scores[key]["value"] is not None and scores[key]["real"] is not None, key
    assert scores["fd.a"]["low"] < scores["fd.a"]["value"] < scores["fd.a"]["high"]


def test_python_and_command_line_agree(runs: Runs, measured: Measured) -> None:
    found = python.evaluate(runs.digits, n=60, sampler="ddim:2")[0].to_dict()
    message = measured(runs.digits, *FEW)
    assert found["scores"] == message["scores"] and found["classes"] == message["classes"]


def test_second_call_samples_nothing(
    runs: Runs, measured: Measured, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measured(runs.digits, *FEW)
    monkeypatch.setattr(torch.nn.Module, "register_forward_pre_hook", lambda *_: pytest.fail("the model was sampled"))
    monkeypatch.setattr(SampleCache, "_sample", lambda *_: pytest.fail("the model was sampled"))
    again = measured(runs.digits, *FEW)
    # what an image costs is timed anew at each call
    assert again | {"seconds_64": 0} == first | {"seconds_64": 0}
    assert inkwash("evaluate", runs.digits, *FEW).code == 0


def test_samples_in_a_file_have_the_scores_of_their_model(runs: Runs, measured: Measured, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.digits, *ENOUGH, "-o", "x.npz").code == 0
    sampled, from_file = measured(runs.digits, *ENOUGH), measured("x.npz", "--data", "digits")
    assert from_file["name"] == "x.npz" and from_file["seconds_64"] is from_file["evaluations"] is None
    assert set(from_file["scores"]) == set(sampled["scores"])
    for key, score in sampled["scores"].items():
        # a pixel may round to the next grey in another batch
        assert from_file["scores"][key]["value"] == pytest.approx(score["value"], rel=0.02, abs=0.02), key


def test_samples_without_labels_have_no_accuracy(runs: Runs, measured: Measured, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *FEW, "-o", "y.npz").code == 0
    assert set(np.load("y.npz")["labels"].tolist()) == {-1}
    for found in (measured("y.npz", "--judge", "digits"), measured(runs.plain, *FEW)):
        assert "entropy.a" in found["scores"] and "accuracy.a" not in found["scores"] and not found["classes"]


def test_points_are_evaluated_from_model_and_file(runs: Runs, measured: Measured, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.points, *ENOUGH, "-o", "p.npz").code == 0
    sampled, from_file = measured(runs.points, *ENOUGH), measured("p.npz", "--data", "moons")
    assert sampled["scores"]["fd.points"]["value"] == pytest.approx(from_file["scores"]["fd.points"]["value"], rel=1e-3)


def test_judges_selects_extractors(runs: Runs, measured: Measured) -> None:
    scores = measured(runs.digits, *FEW, "--judges", "a,C")["scores"]
    assert {key for key in scores if key.startswith("fd.")} == {"fd.a", "fd.c"}
    assert "accuracy.b" not in scores


def test_measures_are_left_out_for_few_images(runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("evaluate", runs.digits, "-n", 20, "--sampler", "ddim:2")
    assert outcome.code == 0
    assert "left out: FD to train, C: needs at least 200 examples, there are 20" in outcome.out
    assert "1-NN two-sample: needs at least 50 examples, there are 20" in outcome.out


# ---- comparisons


@pytest.mark.slow
def test_samplers_are_compared_on_the_same_seeds(runs: Runs, inkwash: Inkwash, measured: Measured) -> None:
    request = [runs.digits, "-n", 220, "--sampler", "ddim:2,ddim:3", "--guidance", "1,1.5"]
    outcome = inkwash("evaluate", *request)
    assert outcome.code == 0 and len(outcome.err.splitlines()) == 1
    header = " ".join(next(line for line in outcome.out.splitlines() if "ddim" in line).split())
    assert header == "digits ddim:2 w 1 digits ddim:2 w 1.5 digits ddim:3 w 1 digits ddim:3 w 1.5 real test set"
    evaluations = next(line for line in outcome.out.splitlines() if "network evaluations" in line)
    assert evaluations.split()[2:] == ["2", "4", "3", "6"]
    found = measured(*request)
    assert [row["evaluations"] for row in found["rows"]] == [2, 4, 3, 6]
    # seconds are timed anew at each call, so that another setting may be the best one
    names, printed = [entry["name"] for entry in found["entries"]], " ".join(outcome.out.split())
    assert found["sentence"].partition(" is ")[0] in names and any(f"{name} is " in printed for name in names)
    assert len(found["entries"]) == 4


def test_a_model_is_compared_with_a_file(runs: Runs, inkwash: Inkwash) -> None:
    digits = data.load("digits")
    assert digits.labels is not None
    np.savez("real.npz", images=digits.values[:220, 0].numpy(), labels=digits.labels[:220].numpy())
    outcome = inkwash("evaluate", runs.digits, "real.npz", "-n", 220)
    assert outcome.code == 0 and "None" not in outcome.out
    assert outcome.out.splitlines()[-1].startswith("real.npz is best")


def test_runs_of_one_recipe_have_distinct_names(runs: Runs, inkwash: Inkwash, measured: Measured) -> None:
    small = ["--set", "network.widths=[8,16]", "--set", "network.dim=8", "--set", "training.batch=16"]
    quick = ["--set", "sampling.preview=ddim:2", "--steps", "2", "--quiet"]
    assert inkwash("train", "digits", *small, *quick, "--out", "mine").code == 0
    rows = measured(runs.digits, "mine", *FEW)["rows"]
    assert [row["model"] for row in rows] == [str(runs.digits), "mine"]
    assert rows[0]["nearest"] != rows[1]["nearest"]


# ---- errors


def saved(images: np.ndarray, labels: np.ndarray | None = None) -> str:
    arrays = {"images": images} if labels is None else {"images": images, "labels": labels}
    np.savez("x.npz", allow_pickle=False, **arrays)
    return "x.npz"


GREY = np.tile(np.arange(64, dtype=np.uint8).reshape(8, 8), (30, 1, 1))

ERRORS: dict[str, tuple[Callable[[Runs], list[object]], str, str | None]] = {
    "no images": (lambda r: [r.digits, "-n", 0], "out-of-range", "n"),
    "not an integer": (lambda r: [r.digits, "-n", "2.5"], "invalid-value", "n"),
    "too many images": (lambda r: [r.digits, "-n", 10**18], "out-of-range", "n"),
    "unknown model": (lambda r: ["cgf-cosine"], "unknown-name", "model"),
    "unknown sampler": (lambda r: [r.digits, "--sampler", "ddim:2,dimm:3"], "unknown-name", "sampler"),
    "unknown extractor": (lambda r: [r.digits, "--judges", "a,x"], "unknown-name", "judges"),
    "no extractor": (lambda r: [r.digits, "--judges", ""], "unknown-name", "judges"),
    "other extractor first": (lambda r: [r.digits, "--judges", "c,a"], "invalid-value", "judges"),
    "data and judge": (lambda r: [r.digits, "--data", "digits", "--judge", "digits"], "conflict", "judge"),
    "other than the training data": (lambda r: [r.digits, "--data", r.images], "mismatch", "data"),
    "guidance without labels": (lambda r: [r.plain, "-w", "1,2"], "no-effect", "guidance"),
    "guidance not a number": (lambda r: [r.digits, "-w", "1,much"], "invalid-value", "guidance"),
    "guidance nan": (lambda r: [r.digits, "-w", "nan"], "out-of-range", "guidance"),
    "eta without effect": (lambda r: [r.digits, "--sampler", "ddim:2,ddpm:3", "--eta", "0.5"], "no-effect", "eta"),
    "temperature without effect": (
        lambda r: [r.digits, "--sampler", "ddim", "--temperature", "0"],
        "no-effect",
        "temperature",
    ),
    "unknown schedule": (lambda r: [r.digits, "--schedule", "cosin"], "unknown-name", "schedule"),
    "sampler of a file": (lambda r: [saved(GREY), "--sampler", "ddim:5"], "no-effect", None),
    "guidance of a file": (lambda r: [saved(GREY), "-w", "2"], "no-effect", None),
    "file of another shape": (lambda r: [r.digits, saved(GREY[:, :7])], "mismatch", "crop"),
    "file of a size without extractors": (lambda r: [saved(GREY)], "missing-field", "judge"),
    "labels out of range": (lambda r: [r.digits, saved(GREY * 4, np.arange(30) % 12)], "invalid-data", "labels"),
    "pixels scaled to [0, 1]": (lambda r: [r.digits, saved(GREY // 60)], "invalid-data", None),
    "inverted pixels": (
        lambda r: [r.digits, saved(255 - data.load("digits").values[:30, 0].numpy())],
        "invalid-data",
        "invert",
    ),
    "models of two data sets": (lambda r: [r.digits, r.points], "mismatch", None),
    "points by extractors of images": (lambda r: [r.points, "--judge", "digits"], "mismatch", None),
    "too few training images": (lambda r: [r.bees, "--data", r.images], "invalid-data", "data"),
    "no extractors": (lambda r: [r.bees], "missing-field", "data"),
    "extras without data": (lambda r: [r.bees, "--bits"], "missing-field", "data"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_invalid_evaluation_has_its_code_and_field(
    case: str, runs: Runs, check_error: CheckError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SampleCache, "_sample", lambda *_: pytest.fail("the model was sampled"))
    arguments, code, field = ERRORS[case]
    check_error(f"evaluate: {case}", ["evaluate", *arguments(runs)], code, field)


FILES: dict[str, tuple[Callable[[], object], str]] = {
    "floats": (lambda: saved(GREY / 255), "invalid-data"),
    "no images": (lambda: saved(GREY[:0]), "invalid-data"),
    "one image without its axis": (lambda: saved(GREY[0]), "invalid-data"),
    "not an archive": (lambda: Path("x.npz").write_text("no"), "wrong-file"),
    "missing": (lambda: None, "missing-file"),
}


@pytest.mark.parametrize("case", FILES)
def test_unreadable_file_is_a_failure(case: str, runs: Runs, check_error: CheckError) -> None:
    write, code = FILES[case]
    write()
    field = "range" if case == "floats" else None
    check_error(f"evaluate x.npz: {case}", ["evaluate", runs.digits, "x.npz"], code, field, exit_code=1)


def test_damaged_extractors_are_exit_code_1(
    runs: Runs, inkwash: Inkwash, extractors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(extractors / "judges", tmp_path / "damaged" / "judges")
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "damaged"))
    (path,) = (tmp_path / "damaged").rglob("a.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    outcome = inkwash("evaluate", runs.digits, *FEW)
    assert outcome.code == 1 and "a.safetensors" in outcome.message
