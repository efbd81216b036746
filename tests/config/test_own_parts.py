"""Networks and schedules of the user, as objects in Python and as rows that a file adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from raised import code_and_field, raised
from torch import Tensor, nn

import inkwash
from inkwash import cli
from inkwash.config.recipe import Recipe
from inkwash.core import SCHEDULES
from inkwash.data import Dataset
from inkwash.nets import NETS
from inkwash.runs import run as run_module
from inkwash.training.events import Step

Tiny = Callable[..., Recipe]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out cards and plots, which are slow and have other tests."""
    monkeypatch.setattr(run_module, "write_card", lambda *_: None)


class Own(nn.Module):
    """A network with a width that is in no recipe."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            self.first, self.last = nn.Conv2d(2, width, 3, padding=1), nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None = None) -> Tensor:
        level = code[:, None, None, None].expand_as(x)
        return self.last(torch.relu(self.first(torch.cat([x, level], dim=1))))


@dataclass(frozen=True)
class Bent(inkwash.Schedule):
    """The straight path, bent by a power."""

    power: float = 2.0

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - u**self.power, u**self.power


def unlabelled(tiny: Tiny, *changes: str) -> Recipe:
    return tiny("training.label_dropout=0.0", "network.conditional=false", *changes)


def test_a_network_given_as_an_object_is_trained_loaded_and_sampled(
    tmp_path: Path, tiny: Tiny, digits: Dataset
) -> None:
    trained = inkwash.train(unlabelled(tiny), data=digits, out=tmp_path / "run", net=Own())
    loaded = inkwash.load(tmp_path / "run", net=Own())
    assert loaded.weights == trained.weights
    assert not torch.equal(loaded.net.get_parameter("first.weight"), Own().first.weight)
    both = [inkwash.sample(each, n=3, sampler="ddpm:3").values for each in (trained, loaded)]
    assert torch.equal(*both)


def test_a_run_with_a_network_given_as_an_object_is_resumed(tmp_path: Path, tiny: Tiny, digits: Dataset) -> None:
    inkwash.train(unlabelled(tiny), data=digits, out=tmp_path / "run", net=Own())
    numbers: list[int] = []
    longer = inkwash.train(
        tmp_path / "run",
        data=digits,
        length="8 steps",
        net=Own(),
        on_event=lambda event: numbers.append(event.number) if isinstance(event, Step) else None,
    )
    assert numbers == [7, 8] and longer.step == 8


def test_loading_a_run_without_its_network_names_the_network(tmp_path: Path, tiny: Tiny, digits: Dataset) -> None:
    inkwash.train(unlabelled(tiny), data=digits, out=tmp_path / "run", net=Own())
    for act in (lambda: inkwash.load(tmp_path / "run"), lambda: inkwash.train(tmp_path / "run", data=digits)):
        assert "Own" in str(raised(act))


def test_a_network_of_another_width_does_not_fit(tmp_path: Path, tiny: Tiny, digits: Dataset) -> None:
    inkwash.train(unlabelled(tiny), data=digits, out=tmp_path / "run", net=Own())
    assert raised(lambda: inkwash.load(tmp_path / "run", net=Own(width=7))).code == "mismatch"


def test_keyword_arguments_change_fields_as_set_does(tmp_path: Path, tiny: Tiny, digits: Dataset) -> None:
    inkwash.train(
        tiny(),
        digits,
        tmp_path / "run",
        length="1 step",
        optimizer__lr=0.5,
        target="x0",
        training__milestones=["1 step"],
    )
    written = inkwash.load(tmp_path / "run").recipe
    assert (written.optimizer.lr, written.target, written.training.milestones) == (0.5, "x0", ("1 step",))
    assert written.training.length == "1 step"
    unknown = code_and_field(lambda: inkwash.train(tiny(), digits, tmp_path / "other", optimizer__lrr=0.5))
    assert unknown == ("unknown-field", "optimizer.lrr")
    assert raised(lambda: inkwash.train(tmp_path / "run", digits, optimizer__lr=0.5)).code == "no-effect"


def test_a_schedule_may_be_an_object_in_a_recipe(
    tmp_path: Path, tiny: Tiny, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Recipe(**{**vars(tiny()), "schedule": Bent(3.0)})
    trained = inkwash.train(chosen, digits, tmp_path / "run")
    assert trained.recipe.schedule == Bent(3.0)
    assert inkwash.sample(trained, n=2, steps=3).values.shape == (2, 1, 8, 8)
    assert code_and_field(lambda: inkwash.load(tmp_path / "run")) == ("unknown-name", "schedule.kind")
    assert inkwash.train(tiny(), digits, tmp_path / "other", length="1 step", schedule=Bent()).recipe.schedule == Bent()
    # The file has the name of the class where there is no row.
    monkeypatch.setitem(SCHEDULES, "Bent", Bent)
    assert inkwash.load(tmp_path / "run").recipe.schedule == Bent(3.0)


def test_a_schedule_with_a_row_is_written_by_its_name(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEDULES, "bent", Bent)
    chosen = tiny("schedule={kind='bent', power=1.5}")
    assert chosen.schedule == Bent(1.5)
    assert chosen.to_dict()["schedule"] == {"kind": "bent", "power": 1.5}
    assert code_and_field(lambda: tiny("schedule={kind='bent', powr=1.5}")) == ("unknown-field", "schedule.powr")


OWN_FILE = """
from dataclasses import dataclass

from torch import nn

from inkwash.core import SCHEDULES, Schedule
from inkwash.nets import NETS


@dataclass(frozen=True)
class Square(Schedule):
    def alpha_sigma(self, u):
        return 1 - u**2, u**2


class Narrow(nn.Module):
    def __init__(self, channels: int, classes: int = 0, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, channels, 1))

    def forward(self, x, code, label=None):
        return self.layers(x)


SCHEDULES["square"] = Square
NETS["narrow"] = Narrow
"""


def test_rows_added_by_a_file_are_used_by_the_commands(
    tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set, not deleted, so that both tables are restored after the test.
    monkeypatch.setitem(SCHEDULES, "square", None)
    monkeypatch.setitem(NETS, "narrow", None)
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN_FILE)
    Path("tiny.toml").write_text(unlabelled(tiny).to_toml())
    sets = ["schedule.kind=square", "network={kind='narrow', width=5}"]
    flags = [flag for change in sets for flag in ("--set", change)]
    for command in (
        ["train", "tiny.toml", "-o", "run", "--with", "own.py", "--quiet", *flags],
        ["sample", "run", "-n", "4", "-o", "four.png", "--with", "own.py", "--quiet"],
    ):
        with pytest.raises(SystemExit) as left:
            cli.main(command)
        assert left.value.code == 0
    assert Path("four.png").is_file()
    loaded = inkwash.load("run")
    assert (type(loaded.recipe.schedule).__name__, type(loaded.net).__name__) == ("Square", "Narrow")
    assert loaded.recipe.network.options == {"width": 5}
