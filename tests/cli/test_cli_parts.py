"""A large draw that is interrupted: nothing is half written, and what is drawn is not drawn again."""

from pathlib import Path

import numpy as np
import pytest

from inkwash.sampling import chunks

FLAGS = ("-n", 50, "--steps", 2, "--batch", 10, "-o", "all.npz")
FOLDER = Path("all.npz.parts")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Parts of twenty."""
    monkeypatch.setattr(chunks, "LEAST", 20)


@pytest.fixture
def interrupted(runs, inkwash, monkeypatch):
    """A draw of fifty that was broken off by Ctrl-C in its second part; how often a network was asked is counted since."""
    asked = []
    plain = chunks.Parts.draw

    def broken(self, missing, batch, done):
        plain(self, missing[:1], batch, done)
        raise KeyboardInterrupt

    monkeypatch.setattr(chunks.Parts, "draw", broken)
    outcome = inkwash("sample", runs.digits, *FLAGS)
    assert outcome.code == 130 and "resume with --continue" in outcome.err

    def counting(self, missing, batch, done):
        asked.extend(missing)
        plain(self, missing, batch, done)

    monkeypatch.setattr(chunks.Parts, "draw", counting)
    return asked


def arrays(path):
    with np.load(path, allow_pickle=False) as held:
        return {name: held[name] for name in held.files}


def test_it_goes_on_to_the_very_file_of_an_undisturbed_draw(runs, inkwash, interrupted, monkeypatch):
    assert not Path("all.npz").exists()
    assert sorted(path.name for path in FOLDER.iterdir()) == ["000000.npz", "draw.json"]
    outcome = inkwash("sample", runs.digits, *FLAGS, "--continue")
    assert outcome.code == 0 and "20 of 50 exist already" in outcome.err
    assert interrupted == [1, 2]
    assert not FOLDER.exists()
    monkeypatch.setattr(chunks, "LEAST", 1000)
    assert inkwash("sample", runs.digits, *FLAGS[:-1], "calm.npz").code == 0
    gone_on, calm = arrays("all.npz"), arrays("calm.npz")
    assert gone_on.keys() == calm.keys()
    assert all((gone_on[name] == calm[name]).all() for name in calm)


def test_nobody_goes_on_or_begins_anew_by_mistake(runs, inkwash, interrupted, refused):
    before = (FOLDER / "000000.npz").read_bytes()
    assert "resume it with --continue" in refused("sample", runs.digits, *FLAGS)
    assert "another draw" in refused("sample", runs.digits, *FLAGS, "--continue", "--seed", 3)
    assert "another draw" in refused("sample", runs.bees, *FLAGS, "--continue")
    assert (FOLDER / "000000.npz").read_bytes() == before and not interrupted


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 1])
def test_a_damaged_part_is_found_and_drawn_again(share, runs, inkwash, interrupted):
    part = FOLDER / "000000.npz"
    content = bytearray(part.read_bytes())
    if share < 1:
        del content[int(share * len(content)) :]
    else:
        content[len(content) // 2] ^= 1
    part.write_bytes(content)
    outcome = inkwash("sample", runs.digits, *FLAGS, "--continue")
    assert outcome.code == 1 and "is removed" in outcome.complaint and not Path("all.npz").exists()
    assert inkwash("sample", runs.digits, *FLAGS, "--continue").code == 0
    assert interrupted == [1, 2, 0]


def test_a_damaged_note_of_what_is_drawn_is_told(runs, inkwash, interrupted):
    (FOLDER / "draw.json").write_text("{")
    outcome = inkwash("sample", runs.digits, *FLAGS, "--continue")
    assert outcome.code == 1 and "draw.json is damaged: remove" in outcome.complaint


def test_it_means_nothing_for_a_grid(runs, refused):
    assert "--continue has no effect on" in refused("sample", runs.digits, "--continue", "-o", "grid.png")


def test_processes_is_a_whole_number(refused):
    for number in ("two", "1.5", "", "0", "-1"):
        assert "--processes" in refused("sample", "--processes", number, "-o", "all.npz")


def test_what_torchrun_starts_anew_goes_on_by_itself(runs, inkwash, interrupted, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert inkwash("sample", runs.digits, *FLAGS).code == 0
    assert interrupted == [1, 2] and not FOLDER.exists()
