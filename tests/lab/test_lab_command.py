"""`inkwash lab`: the list, a user's experiment, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from command import Inkwash, UsageErrorOf

from inkwash import model
from inkwash.lab import EXPERIMENTS
from inkwash.lab.measures import LabProgress
from inkwash.lab.run import LabRun

OWN = Path(__file__).with_name("more_steps.py").read_text()


@pytest.fixture
def own() -> Path:
    """A user's file with an experiment."""
    Path("own.py").write_text(OWN)
    return Path("own.py")


def test_list_has_every_claim_in_one_line(inkwash: Inkwash) -> None:
    outcome = inkwash("lab")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    for each in EXPERIMENTS.values():
        assert [line for line in lines if line.split()[:1] == [each.name] and each.hypothesis in line]


def test_list_as_json(inkwash: Inkwash) -> None:
    assert {each["name"] for each in json.loads(inkwash("lab", "--json").out)} == EXPERIMENTS.keys()


def test_user_experiment_runs_from_training_to_verdict(inkwash: Inkwash, own: Path, built: SimpleNamespace) -> None:
    outcome = inkwash("lab", "more-steps", "--with", own, "--data", built.data, "-n", 200)
    assert outcome.code == 0, outcome.err
    record = json.loads(Path("lab/more-steps/results.json").read_text())
    assert f"{record['verdict']['outcome']}: {record['verdict']['words']}" in outcome.out
    assert "training takes about" in outcome.err and "sampling 200 images per variant takes about" in outcome.err
    assert "inkwash lab more-steps -n 200" in Path("lab/more-steps/card.md").read_text()
    again = inkwash("lab", "more-steps", "--with", own, "--json")
    assert again.out == Path("lab/more-steps/results.json").read_text()
    assert not again.err
    assert Path("lab/more-steps/runs/simple-unet/card.md").is_file()


def test_experiment_can_be_added_to_the_table(inkwash: Inkwash, own: Path) -> None:
    own.write_text(OWN + "\nfrom inkwash.lab import EXPERIMENTS\nEXPERIMENTS['row'] = EXPERIMENT\ndel EXPERIMENT\n")
    assert "Four steps are better than one." in inkwash("lab", "--with", own).out


def test_claim_names_the_run_that_it_is_tested_on(inkwash: Inkwash, own: Path, built: SimpleNamespace) -> None:
    own.write_text(OWN.replace('name="more-steps"', 'name="more-steps", claimed_by="ddpm-bn"'))
    given = ("lab", "more-steps", "--with", own, "--data", built.data, "-n", 200)
    assert inkwash(*given, "-o", "out").code == 0
    run = "out/runs/simple-unet"
    outcome = inkwash(*given, "-o", "tested", "--run", run)
    assert outcome.code == 0, outcome.err
    for text in (outcome.out, Path("tested/card.md").read_text()):
        assert f"(claimed by ddpm-bn, tested here on {run})" in text and "ddpm-bn: " not in text
    assert json.loads(Path("tested/results.json").read_text())["tested_on"] == run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-noize"], ("unknown-name", "experiment")),
        (["-n", "300"], ("missing-field", "experiment")),
        (["no-noise", "-n", "20"], ("out-of-range", "n")),
        (["no-noise", "-n", str(10**18)], ("out-of-range", "n")),
        (["guidance", "--length", "1 epoch"], ("no-effect", "length")),
        (["schedules", "--run", "cfg-cosine"], ("no-effect", "run")),
        (["guidance", "--run", "nowhere"], ("unknown-name", "model")),
        (["guidance", "--run", "ddim-300"], ("no-effect", "guidance")),
    ],
)
def test_invalid_arguments_are_refused(
    usage_error: UsageErrorOf, arguments: list[str], expected: tuple[str, str | None]
) -> None:
    assert usage_error("lab", *arguments) == expected


def test_other_folders_and_files_are_refused_and_unchanged(usage_error: UsageErrorOf) -> None:
    Path("other").mkdir()
    Path("other/card.md").write_text("text")
    assert usage_error("lab", "no-noise", "-o", "other") == ("exists", "out")
    assert usage_error("lab", "no-noise", "-o", "other/card.md") == ("wrong-file", "out")
    assert Path("other/card.md").read_text() == "text"


def test_folder_of_another_experiment_or_request_is_refused(
    usage_error: UsageErrorOf, inkwash: Inkwash, own: Path, built: SimpleNamespace
) -> None:
    given = ("lab", "more-steps", "--with", own, "-o", "out", "--quiet")
    assert inkwash(*given, "--data", built.data, "-n", 200).code == 0
    assert usage_error("lab", "no-noise", "-o", "out") == ("exists", "out")
    assert usage_error(*given, "--length", "128 images") == ("mismatch", "length")
    assert usage_error(*given, "--data", "digits") == ("mismatch", "data")
    own.write_text(OWN.replace("network.base=4", "network.base=8"))
    assert usage_error(*given) == ("mismatch", "out")
    Path("out/request.json").write_text("{")
    outcome = inkwash(*given)
    assert outcome.code == 1 and outcome.error is not None and outcome.error.code == "damaged-file"


def test_run_of_other_data_is_refused(usage_error: UsageErrorOf, built: SimpleNamespace) -> None:
    run = model.find("ddim-300").parent.parent
    assert usage_error("lab", "guidance", "--run", run, "--data", built.data) == ("mismatch", "data")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('name="more-steps"', 'name="More steps"'), ("plugin-failed", "with")),
        (('Variant("four"', 'Variant("one step"'), ("plugin-failed", "with")),
        (('length="64 images"', 'length="long"'), ("plugin-failed", "with")),
        (('"ddim:4"', '"dddim:4"'), ("unknown-name", "sampler")),
        (('"network.base=4"', '"network.bass=4"'), ("unknown-field", "network.bass")),
        (('MODEL, "ddim:4"', '"no-model", "ddim:4"'), ("unknown-name", "model")),
        (("EXPERIMENT = Experiment(", "EXPERIMENT = dict("), ("invalid-value", "with")),
    ],
)
def test_invalid_experiment_is_refused_before_anything_is_written(
    usage_error: UsageErrorOf, own: Path, built: SimpleNamespace, change: tuple[str, str], expected: tuple[str, str]
) -> None:
    own.write_text(OWN.replace(*change))
    assert usage_error("lab", "more-steps", "--with", own, "--data", built.data) == expected
    assert not Path("lab").exists()


def test_unreadable_length_is_refused(usage_error: UsageErrorOf, own: Path, built: SimpleNamespace) -> None:
    given = ("lab", "more-steps", "--with", own, "--data", built.data)
    assert usage_error(*given, "--length", "long") == ("invalid-value", "length")


def test_exception_in_a_verdict_is_reported_with_its_line(inkwash: Inkwash, own: Path, built: SimpleNamespace) -> None:
    own.write_text(OWN.replace("    one, four =", "    1 / 0\n    one, four ="))
    outcome = inkwash("lab", "more-steps", "--with", own, "--data", built.data, "-n", 200, "--quiet")
    assert outcome.code == 1 and outcome.error is not None and outcome.error.code == "plugin-failed"
    assert "own.py:7: ZeroDivisionError" in outcome.err and "Traceback" not in outcome.err


def test_interrupted_command_exits_with_130(
    inkwash: Inkwash, own: Path, built: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(run: LabRun, progress: LabProgress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LabRun, "run", interrupt)
    outcome = inkwash("lab", "more-steps", "--with", own, "--data", built.data, "--quiet")
    assert outcome.code == 130 and "the same command resumes" in outcome.err
