"""`inkwash train`: lengths, the run folder, resuming, and the output for programs."""

from __future__ import annotations

import json
import os
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from outcome import CopyRun, Inkwash, Runs, UsageErrorOf
from PIL import Image

from inkwash.io import checkpoints

PLAIN = ["simple-unet", "--data", "digits", "--set", "network.base=4", "--set", "sampling.preview=ddim:2"]


def strict(line: str) -> dict[str, Any]:
    """Parse a line as standard JSON, without NaN and Infinity."""
    parsed: dict[str, Any] = json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} in JSON"))
    return parsed


@pytest.mark.parametrize(
    ("flags", "steps"),
    [(["--steps", "3"], 3), (["--images", "100"], 4), (["--epochs", "0.1"], 5), ([], 2)],
)
def test_a_length_is_steps_images_or_epochs(flags: list[str], steps: int, inkwash: Inkwash) -> None:
    """Of 1,500 digits 150 are held out; a batch has 32."""
    batch = ["--set", "training.batch=32"] + ([] if flags else ["--set", "training.length=2 steps"])
    assert inkwash("train", *PLAIN, *batch, *flags, "--out", "run", "-q").code == 0
    assert checkpoints.load("run/checkpoints/latest.safetensors").header["progress"]["step"] == steps


@pytest.mark.slow
def test_minutes_become_steps_and_are_given_again_on_resume(inkwash: Inkwash) -> None:
    done = 0
    for what, where in ((PLAIN, ["--set", "training.batch=8", "--out", "run"]), (["run"], [])):
        outcome = inkwash("train", *what, "--minutes", "0.1", *where)
        assert outcome.code == 0 and "planned" in outcome.err
        amount, unit = tomllib.loads(Path("run/recipe.toml").read_text())["training"]["length"].split()
        header = checkpoints.load("run/checkpoints/latest.safetensors").header
        assert unit == "steps" and header["progress"]["step"] == header["total"] == int(amount) > done
        done = int(amount)


def test_minutes_without_time_for_ten_steps_are_a_warning(inkwash: Inkwash) -> None:
    outcome = inkwash("train", *PLAIN, "--set", "training.batch=8", "--minutes", "0.0001", "--out", "run")
    assert outcome.code == 0 and "warning: length: " in outcome.err and "--minutes" in outcome.err
    assert checkpoints.load("run/checkpoints/latest.safetensors").header["progress"]["step"] == 1


def test_run_folder_has_records_card_and_plots(runs: Runs) -> None:
    run = runs.digits
    names = {str(file.relative_to(run)) for file in run.rglob("*") if "tensorboard" not in file.parts}
    assert names >= {
        "recipe.toml",
        "environment.json",
        "metrics.jsonl",
        "card.md",
        "loss-against-noise.png",
        "loss.png",
        "checkpoints/latest.safetensors",
        "checkpoints/best.safetensors",
        "checkpoints/step-0000006.safetensors",
        "samples/step-0000006.png",
    }
    assert not [name for name in names if Path(name).name.startswith(".")]
    for name in ("loss.png", "loss-against-noise.png", "samples/step-0000006.png"):
        with Image.open(run / name) as plot:
            assert min(plot.size) > 50


def test_the_recipe_of_a_run_is_resolved(runs: Runs) -> None:
    """Every field is written with its value, defaults as well as changes."""
    recipe = tomllib.loads((runs.digits / "recipe.toml").read_text())
    assert recipe["network"]["widths"] == [8, 16] and recipe["network"]["dim"] == 8
    assert recipe["optimizer"]["betas"] == [0.9, 0.999] and recipe["schedule"]["offset"] == 0.008
    assert recipe["training"]["length"] == "6 steps" and recipe["data"]["name"] == "digits"


def test_the_recipe_of_a_run_starts_the_same_run_again(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("train", runs.plain / "recipe.toml", "--out", "again", "-q").code == 0
    again, first = (checkpoints.load(run / "checkpoints/latest.safetensors") for run in (Path("again"), runs.plain))
    assert checkpoints.weights_digest(again.part("net")) == checkpoints.weights_digest(first.part("net"))


def test_metrics_are_json_lines(runs: Runs) -> None:
    rows = [strict(line) for line in (runs.digits / "metrics.jsonl").read_text().splitlines()]
    train = [row for row in rows if row["kind"] == "train"]
    validation = [row for row in rows if row["kind"] == "held-out"]
    assert [row["step"] for row in train] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "rate", "gradient", "images", "seconds"} <= train[0].keys()
    assert validation[-1]["step"] == 6 and len(validation[-1]["codes"]) == len(validation[-1]["losses"])


def test_the_card_names_data_network_results_and_the_next_command(runs: Runs) -> None:
    card = (runs.digits / "card.md").read_text()
    for words in ("complete", "1,500 train examples", "class-unet", "Validation loss", "inkwash sample"):
        assert words in card
    for link in ("loss.png", "loss-against-noise.png", "samples/step-0000006.png"):
        assert f"({link})" in card and (runs.digits / link).is_file()


@pytest.mark.usefixtures("plots")
def test_plots_mark_the_steps_of_samples(inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the milestone at the end has samples; the validations at 2 and 4 do not."""
    from inkwash.viz import curves

    steps: list[Any] = []
    original = curves.training_curve

    def training_curve(*arguments: Any) -> None:
        steps.append(arguments[2])
        original(*arguments)

    monkeypatch.setattr(curves, "training_curve", training_curve)
    flags = ["--set", "training.batch=8", "--steps", "5", "--checkpoint-every", "2 steps", "--out", "run", "-q"]
    assert inkwash("train", *PLAIN, *flags).code == 0
    assert [file.name for file in Path("run/samples").iterdir()] == ["step-0000005.png"]
    assert list(steps[-1]) == [5]


def test_neither_path_nor_host_leaks_into_a_run(runs: Runs) -> None:
    named = {os.fspath(runs.bees.parent), socket.gethostname()} - {"localhost", ""}
    header = json.dumps(checkpoints.load(runs.bees / "checkpoints/latest.safetensors").header)
    environment = (runs.bees / "environment.json").read_text()
    for name in named:
        assert name not in header and name not in environment


def test_equal_runs_write_equal_checkpoints(runs: Runs, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint does not depend on the path of the run folder or of the data."""
    batch = ["--set", "training.batch=8", "--steps", "2", "-q"]
    flags = ["simple-unet", "--set", "network.base=4", "--set", "sampling.preview=ddim:2", *batch]
    assert (
        inkwash("train", *flags, "--data", runs.images, "--set", "network.conditional=true", "--out", "one").code == 0
    )
    monkeypatch.setenv("INKWASH_DATA", "nowhere")
    Path("near").symlink_to(runs.images.parent)
    path = "near/images"
    assert inkwash("train", *flags, "--data", path, "--set", "network.conditional=true", "--out", "other").code == 0
    one, other = (Path(name, "checkpoints/latest.safetensors").read_bytes() for name in ("one", "other"))
    assert one == other


def test_run_resumes_from_its_latest_checkpoint(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.plain)
    outcome = inkwash("train", run, "--steps", "8")
    assert outcome.code == 0
    assert "from step 6" in outcome.err
    assert checkpoints.load(run / "checkpoints/latest.safetensors").header["progress"]["step"] == 8
    steps = [strict(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines() if '"train"' in line]
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(json.loads((run / "environment.json").read_text())) == 2, "one entry a session"


def test_complete_run_is_not_resumed(runs: Runs, copied: CopyRun, usage_error: UsageErrorOf) -> None:
    run = copied(runs.plain)
    before = (run / "checkpoints/latest.safetensors").read_bytes()
    for length in ([], ["--steps", "6"], ["--steps", "3"]):
        assert usage_error("train", run, *length) == ("no-effect", "length")
    assert (run / "checkpoints/latest.safetensors").read_bytes() == before


def test_new_length_of_a_decaying_learning_rate_is_a_note(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    assert "learning rate decays" in inkwash("train", copied(runs.digits), "--steps", "8").err


def test_new_length_of_a_constant_learning_rate_prints_no_note(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    assert "learning rate" not in inkwash("train", copied(runs.plain), "--steps", "8").err


def test_json_is_one_object_a_line_and_nothing_else(inkwash: Inkwash) -> None:
    flags = ["--set", "training.batch=8", "--steps", "3", "--checkpoint-every", "2 steps", "--out", "run", "--json"]
    outcome = inkwash("train", *PLAIN, *flags)
    assert outcome.code == 0 and outcome.err == ""
    events = [strict(line) for line in outcome.out.splitlines()]
    assert [event["number"] for event in events if event["event"] == "step"] == [1, 2, 3]
    assert {event["event"] for event in events} == {"step", "measured", "saved", "sampled"}
    measured = [event for event in events if event["event"] == "measured"]
    assert [event["step"] for event in measured] == [2, 3]
    assert len(measured[0]["profile"]["losses"]) == len(measured[0]["profile"]["codes"])
    assert all(Path(event["path"]).is_file() for event in events if "path" in event)


def test_quiet_prints_nothing(inkwash: Inkwash) -> None:
    outcome = inkwash("train", *PLAIN, "--set", "training.batch=8", "--steps", "1", "--out", "run", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_plain_lines_have_loss_and_speed(inkwash: Inkwash) -> None:
    outcome = inkwash("train", *PLAIN, "--set", "training.batch=8", "--steps", "2", "--out", "run")
    assert not outcome.out
    for words in ("2 of 2 steps", "validation loss", "images/s", "run/samples", "inkwash sample run"):
        assert words in outcome.err


def test_images_without_labels_train_an_unconditional_network(runs: Runs, inkwash: Inkwash) -> None:
    flags = ["--set", "network.widths=[8,16]", "--set", "sampling.preview=ddim:1", "--steps", "1"]
    ran = inkwash("train", "digits", "--data", runs.images / "bee", "--out", "mine", *flags)
    assert ran.code == 0 and "warning: labels: bee has no labels" in ran.err
    assert inkwash("sample", "mine", "-n", "2", "--sampler", "ddim:1", "-q", "-o", "two.png").code == 0


def test_runs_are_numbered(inkwash: Inkwash) -> None:
    for _ in range(2):
        assert inkwash("train", *PLAIN, "--set", "training.batch=8", "--steps", "1", "-q").code == 0
    assert sorted(folder.name for folder in Path("runs").iterdir()) == ["simple-unet-1", "simple-unet-2"]


def test_command_in_the_card_runs(runs: Runs, inkwash: Inkwash) -> None:
    for name in ("plain", "digits", "points"):
        command = (getattr(runs, name) / "card.md").read_text().split("```bash\n")[1].splitlines()[0].split()
        command[2] = str(getattr(runs, name))
        assert command[:2] == ["inkwash", "sample"]
        assert inkwash(*command[1:]).code == 0


@pytest.mark.parametrize("flag", ["steps", "images"])
def test_long_length_is_written_exactly(flag: str, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the recipe is written: the run stops before its first step."""
    from inkwash.training.trainer import Trainer

    monkeypatch.setattr(Trainer, "steps", lambda *arguments: iter(()))
    inkwash("train", *PLAIN, "--set", "training.batch=1", f"--{flag}", "1234567", "--out", "run", "-q")
    assert tomllib.loads(Path("run/recipe.toml").read_text())["training"]["length"] == f"1234567 {flag}"
