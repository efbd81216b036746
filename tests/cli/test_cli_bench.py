"""`inkwash bench`: the table's rows, the keys for programs, and what is refused in one line."""

from __future__ import annotations

import json
import sys

import pytest

FEW = ["--trials", 1, "--threads", 1, "--precision", "float32", "--device", "cpu"]
SPREAD = {"median", "low", "high"}


def test_training_in_a_table(inkwash):
    outcome = inkwash("bench", "train", "digits", *FEW)
    assert outcome.code == 0
    for words in (
        "training, images/s",
        "64 a step",
        "GFLOP/s",
        "of peak",
        "387,457 parameters",
        "torch",
        "threads: 1",
        "commit",
    ):
        assert words in outcome.out
    assert "to warm up: about" in outcome.err and "Ctrl-C ends it" in outcome.err


def test_drawing_for_programs(inkwash):
    outcome = inkwash("bench", "sample", "digits", "--sampler", "ddim:2", *FEW, "--json")
    assert outcome.code == 0 and not outcome.err
    told = json.loads(outcome.out)
    assert set(told) == {
        "machine",
        "trials",
        "peaks",
        "training",
        "drawing",
        "starting",
        "rivals",
        "against",
        "turns",
    }
    assert {"inkwash", "commit", "python", "torch", "hardware", "cores", "threads"} <= set(told["machine"])
    assert [each["sampler"] for each in told["drawing"]] == ["ddim:2"]
    assert [each["evaluations"] for each in told["drawing"]] == [2]
    for each in told["drawing"]:
        for figure in ("seconds", "images_per_second", "gflops", "share_of_peak", "one_image", "one_evaluation"):
            assert set(each[figure]) == SPREAD and each[figure]["median"] > 0
    assert not told["training"] and not told["against"]
    assert [each["command"] for each in told["starting"]] == [
        "python -m inkwash --version",
        "import inkwash",
        "inkwash sample digits -n 64 --sampler dpm++2m:20",
    ]
    assert all(len(seconds) == told["trials"] == 1 for seconds in told["turns"].values())


def test_a_table_is_eighty_wide(inkwash, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    outcome = inkwash("bench", "train", "moons", *FEW, "-q")
    assert outcome.code == 0 and not outcome.err
    rows = [line for line in outcome.out.splitlines() if "images/s" in line]
    assert len(rows) == 1 and rows[0].rstrip().endswith(tuple("0123456789")) and len(rows[0]) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "digitz"], "did you mean 'digits'"),
        (["train", "--trials", 0], "--trials is 0: it must be at least 1"),
        (["train", "--trials", 2.5], "2.5"),
        (["train", "--threads", 1_000_000], "cores here"),
        (["train", "--threads", 0], "--threads is 0"),
        (["train", "--sampler", "ddim:5"], "--sampler has no effect on bench train"),
        (["sample", "--sampler", "ddmi:5"], "unknown sampler 'ddmi'"),
        (["sample", "--precision", "float16"], "unknown precision 'float16'"),
        (["all", "digits", "digits"], "named twice"),
        (["all", "moons", "--against"], "no network for points"),
    ],
)
def test_what_cannot_be_timed_is_refused(arguments, words, refused):
    assert words in refused("bench", *arguments)


def test_against_without_diffusers_says_what_to_install(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    assert "pip install 'inkwash[interop]'" in refused("bench", "train", "--against")


def test_ctrl_c_ends_it_in_one_line(inkwash, monkeypatch):
    from inkwash.speed import plan

    def interrupted(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "in_turn", interrupted)
    outcome = inkwash("bench", "train", "moons", *FEW)
    assert outcome.code == 130 and outcome.complaint == "interrupted" and not outcome.out


def test_the_table_beside_diffusers_names_both_networks_and_what_was_not_timed(capsys, monkeypatch):
    from inkwash.cli.tables import speed
    from inkwash.speed.against import Ratio, Rival
    from inkwash.speed.plan import Report
    from inkwash.speed.trials import Spread

    monkeypatch.setenv("COLUMNS", "80")
    names = ("inkwash", "commit", "python", "torch", "system", "hardware", "cores", "device", "threads")
    rival = Rival("digits", "0.42", (16, 24, 32), (357_945, 387_457), (19_000_000, 23_600_000))
    figures = Spread(45.0, 44.0, 46.0), Spread(90.0, 80.0, 100.0), Spread(2.0, 1.8, 2.2)
    ratios = [Ratio("digits", "64 by ddpm", kind, 1000, 20, *figures) for kind in ("float32", "bfloat16", "fastest")]
    speed.show(Report(dict.fromkeys(names, "x"), 3, [], [], [], [], [rival], ratios, {}))
    out = capsys.readouterr().out
    assert all(words in out for words in ("387,457", "357,945", "(16, 24, 32)", "23.6", "19.0"))
    assert [line.split()[3:] for line in out.splitlines() if line.strip().startswith("64 by ddpm ")] == [
        [kind, "45", "90", "2.00", "1.8-2.2"] for kind in ("float32", "bfloat16", "fastest")
    ]
    assert out.count("64 by ddpm: 20 of its 1000 steps timed, the rest told from them") == 1
    assert max(map(len, out.splitlines())) <= 80
