"""`inkwash lab`: the list, a user's experiment, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from inkwash.lab import EXPERIMENTS

OWN = Path(__file__).with_name("more_steps.py").read_text()


@pytest.fixture
def own():
    Path("own.py").write_text(OWN)
    return Path("own.py")


def test_list_has_every_claim_in_one_line(inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = inkwash("lab")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    for each in EXPERIMENTS.values():
        assert [line for line in lines if line.split()[:1] == [each.name] and each.hypothesis in line]


def test_list_as_json(inkwash) -> None:
    assert {each["name"] for each in json.loads(inkwash("lab", "--json").out)} == EXPERIMENTS.keys()


def test_user_experiment_runs_from_training_to_verdict(inkwash, own, built: SimpleNamespace) -> None:
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


def test_experiment_can_be_added_to_the_table(inkwash, own) -> None:
    own.write_text(OWN + "\nfrom inkwash.lab import EXPERIMENTS\nEXPERIMENTS['row'] = EXPERIMENT\ndel EXPERIMENT\n")
    assert "Four steps are better than one." in inkwash("lab", "--with", own).out


def test_claim_names_the_run_that_it_is_tested_on(inkwash, own, built: SimpleNamespace) -> None:
    own.write_text(OWN.replace('name="more-steps"', 'name="more-steps", claimed_by="ddpm-bn"'))
    given = ("lab", "more-steps", "--with", own, "--data", built.data, "-n", 200)
    assert inkwash(*given, "-o", "out").code == 0
    run = "out/runs/simple-unet"
    outcome = inkwash(*given, "-o", "tested", "--run", run)
    assert outcome.code == 0, outcome.err
    for text in (outcome.out, Path("tested/card.md").read_text()):
        assert f"(claimed by ddpm-bn, tested here on {run})" in text and "ddpm-bn: " not in text
    assert json.loads(Path("tested/results.json").read_text())["tested_on"] == run


def test_unknown_experiment_is_refused(refused) -> None:
    assert "did you mean 'no-noise'?" in refused("lab", "no-noize")


def test_options_without_a_name_are_refused(refused) -> None:
    assert "-n needs the name" in refused("lab", "-n", 300)


def test_other_folders_and_files_are_refused(refused) -> None:
    Path("mine").mkdir()
    Path("mine/card.md").write_text("mine")
    assert "mine" in refused("lab", "no-noise", "-o", "mine")
    assert Path("mine/card.md").read_text() == "mine"
    assert "is a file" in refused("lab", "no-noise", "-o", "mine/card.md")


def test_folder_of_another_experiment_or_request_is_refused(refused, inkwash, own, built: SimpleNamespace) -> None:
    given = ("--with", own, "-o", "out", "--quiet")
    assert inkwash("lab", "more-steps", *given, "--data", built.data, "-n", 200).code == 0
    assert "more-steps" in refused("lab", "no-noise", "-o", "out")
    assert "no --length" in refused("lab", "more-steps", *given, "--length", "128 images")
    assert f"--data {built.data}" in refused("lab", "more-steps", *given, "--data", "digits")
    own.write_text(OWN.replace("network.base=4", "network.base=8"))
    assert "network changed" in refused("lab", "more-steps", *given)
    Path("out/request.json").write_text("{")
    assert "damaged" in refused("lab", "more-steps", *given, code=1)


def test_count_out_of_range_is_refused(refused) -> None:
    assert "at least 200" in refused("lab", "no-noise", "-n", 20)
    assert "at most 10,000,000" in refused("lab", "no-noise", "-n", 10**18)


def test_length_without_training_is_refused(refused) -> None:
    assert "--length has no effect on guidance" in refused("lab", "guidance", "--length", "1 epoch")


def test_unreadable_length_is_refused(refused, own, built: SimpleNamespace) -> None:
    assert "write a number above 0" in refused(
        "lab", "more-steps", "--with", own, "--data", built.data, "--length", "long"
    )


def test_run_for_differing_models_is_refused(refused) -> None:
    assert "schedules" in refused("lab", "schedules", "--run", "cfg-cosine")


def test_missing_run_is_refused(refused) -> None:
    assert "unknown model 'nowhere'" in refused("lab", "guidance", "--run", "nowhere")


def test_run_of_other_data_is_refused(refused, built: SimpleNamespace) -> None:
    assert "ddim-300" in refused("lab", "guidance", "--run", "ddim-300", "--data", built.data)


def test_guidance_of_an_unconditional_model_is_refused(refused) -> None:
    assert "trained without labels" in refused("lab", "guidance", "--run", "ddim-300")


def test_object_of_another_type_is_refused(refused, own) -> None:
    own.write_text("EXPERIMENT = {'name': 'more-steps'}")
    assert "EXPERIMENT is a dict" in refused("lab", "more-steps", "--with", own)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('name="more-steps"', 'name="More steps"'), "More steps"),
        (('Variant("four"', 'Variant("one step"'), "distinct names"),
        (('length="64 images"', 'length="long"'), "length of experiment more-steps"),
        (('"ddim:4"', '"dddim:4"'), "did you mean 'ddim:4'?"),
        (('"network.base=4"', '"network.bass=4"'), "network.bas"),
        (('MODEL, "ddim:4"', '"no-model", "ddim:4"'), "unknown model 'no-model'"),
    ],
)
def test_invalid_experiment_is_refused_before_anything_is_written(
    refused, own, built: SimpleNamespace, change: tuple[str, str], words: str
) -> None:
    own.write_text(OWN.replace(*change))
    assert words in refused("lab", "more-steps", "--with", own, "--data", built.data)
    assert not Path("lab").exists()


def test_exception_in_a_verdict_is_reported_with_its_line(inkwash, own, built: SimpleNamespace) -> None:
    own.write_text(OWN.replace("    one, four =", "    1 / 0\n    one, four ="))
    outcome = inkwash("lab", "more-steps", "--with", own, "--data", built.data, "-n", 200, "--quiet")
    assert outcome.code == 1
    assert "the verdict of more-steps failed at own.py:7: ZeroDivisionError" in outcome.err
    assert "Traceback" not in outcome.err


def test_interrupted_command_exits_with_130(
    inkwash, own, built: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inkwash.lab.run import LabRun

    def interrupted(self, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(LabRun, "run", interrupted)
    outcome = inkwash("lab", "more-steps", "--with", own, "--data", built.data, "--quiet")
    assert outcome.code == 130
    assert "the same command resumes" in outcome.err
