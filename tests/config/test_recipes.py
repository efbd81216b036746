"""Recipes: the bundled ones are valid, and reading is the inverse of writing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from inkwash import model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.core import DENSITIES, SCHEDULES, TARGETS, WARPS, Cosine, Karras, Linear, LogNormal, Shift, Warped
from inkwash.data.spec import DatasetSpec
from inkwash.nets import NETS
from inkwash.objectives import WEIGHTS, MinSNR
from inkwash.optim.optimizers import OPTIMIZERS

MNIST = DatasetSpec("mnist", "0" * 64, 60_000, (1, 28, 28), tuple("0123456789"), (0.1,) * 10, 0.62)
PLANE = DatasetSpec("moons", "0" * 64, 10_000, (2,), ("upper", "lower"), (0.5, 0.5), 1.0)

Tiny = Callable[..., Recipe]


def written_and_read(value: Recipe) -> Recipe:
    return Recipe.from_dict(tomllib.loads(value.to_toml()))


@pytest.mark.parametrize("name", recipe.bundled())
def test_a_bundled_recipe_is_valid_and_equal_after_writing_and_reading(name: str) -> None:
    chosen = recipe.load(name)
    assert chosen.name == name
    assert written_and_read(chosen) == chosen
    assert all((chosen.about, chosen.experiment.objective, chosen.experiment.hypothesis, chosen.experiment.next))
    spec = PLANE if chosen.network.kind == "mlp" else MNIST
    model.check_forward(model.build_net(chosen, spec), spec)


def test_the_initial_weights_are_a_function_of_the_seed(tiny: Tiny) -> None:
    first, second = (model.build_net(tiny(), MNIST).state_dict() for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
    other = model.build_net(tiny("training.seed=1"), MNIST).state_dict()
    assert any((first[name] != other[name]).any() for name in first)


@pytest.mark.parametrize("section", ["schedule", "density", "weight", "target", "optimizer", "network"])
def test_every_row_of_every_table_is_equal_after_writing_and_reading(tiny: Tiny, section: str) -> None:
    tables: dict[str, Iterable[str]] = {
        "schedule": SCHEDULES,
        "density": DENSITIES,
        "weight": WEIGHTS,
        "target": TARGETS,
        "optimizer": OPTIMIZERS,
        "network": NETS,
    }
    for kind in tables[section]:
        change = f"target={kind}" if section == "target" else f"{section}={{kind='{kind}'}}"
        chosen = tiny("training.label_dropout=0.0", change)
        assert written_and_read(chosen) == chosen


@pytest.mark.parametrize("inner", ["linear", "cosine", "karras"])
@pytest.mark.parametrize("warp", WARPS)
def test_warped_schedules_are_equal_after_writing_and_reading(tiny: Tiny, inner: str, warp: str) -> None:
    chosen = tiny(f"schedule={{kind='{inner}', warp={{kind='{warp}'}}}}")
    assert isinstance(chosen.schedule, Warped)
    assert type(chosen.schedule.warp) is WARPS[warp]
    assert type(chosen.schedule.schedule) is SCHEDULES[inner]
    assert written_and_read(chosen).to_dict() == chosen.to_dict()


def test_options_of_warps_and_sampling_schedules_are_kept(tiny: Tiny) -> None:
    chosen = tiny(
        "schedule={kind='cosine', offset=0.01, warp={kind='shift', s=2.5}}",
        "sampling.schedule={kind='karras', rho=5.0}",
        "density={kind='log-normal', mean=-1.0}",
        "weight={kind='min-snr', gamma=3.0}",
    )
    for each in (chosen, written_and_read(chosen)):
        assert each.schedule == Warped(Cosine(0.01), Shift(2.5))
        assert each.sampling.schedule == Karras(rho=5.0)
        assert each.density == LogNormal(mean=-1.0)
        assert each.weight == MinSNR(3.0)


@pytest.mark.parametrize(("section", "kind"), [("schedule", "linear"), ("density", "log-normal"), ("weight", "edm")])
def test_a_kind_without_options_may_be_a_word(tiny: Tiny, section: str, kind: str) -> None:
    values = tiny().to_dict()
    values["sampling"].pop("schedule")
    values["data"].pop("size")
    short, long = (Recipe.from_dict(values | {section: form}) for form in (kind, {"kind": kind}))
    assert short == long
    assert tiny(f"{section}={kind}") == tiny(f"{section}.kind={kind}") == short


@pytest.mark.parametrize("change", ["schedule.warp=shift", "sampling.schedule=karras", "schedule.warp='shift'"])
def test_a_kind_within_a_section_may_be_a_word_too(tiny: Tiny, change: str) -> None:
    chosen = tiny(change)
    assert chosen.sampling.schedule == Karras() or chosen.schedule == Warped(Cosine(), Shift())


@pytest.mark.parametrize(
    ("change", "read", "value"),
    [
        ("optimizer.lr=1e-3", lambda r: r.optimizer.lr, 1e-3),
        ("optimizer.lr=1", lambda r: r.optimizer.lr, 1.0),
        ("training.batch=7", lambda r: r.training.batch, 7),
        ("training.length=3 epochs", lambda r: r.training.length, "3 epochs"),
        ("training.length='3 epochs'", lambda r: r.training.length, "3 epochs"),
        ("training.milestones=['1 step', 'every 2 steps']", lambda r: r.training.milestones, ("1 step", "every 2 steps")),
        ("network.conditional=true", lambda r: r.network.conditional, True),
        ("network.widths=[16, 24]", lambda r: r.network.options["widths"], (16, 24)),
        ("optimizer.betas=[0.5, 0.9]", lambda r: r.optimizer.betas, (0.5, 0.9)),
        ("schedule={kind='linear', T=50}", lambda r: r.schedule, Linear(T=50)),
        ("schedule.offset=0.1", lambda r: r.schedule, Cosine(0.1)),
        ("target=eps", lambda r: r.target, "eps"),
        ("name=mine", lambda r: r.name, "mine"),
        ("data.size=16", lambda r: r.data.size, 16),
        ("data.name=../my data", lambda r: r.data.name, "../my data"),
        ("experiment.objective=a = b", lambda r: r.experiment.objective, "a = b"),
    ],
)  # fmt: skip
def test_a_change_converts_its_value_to_the_type_of_the_field(
    tiny: Tiny, change: str, read: Callable[[Recipe], Any], value: Any
) -> None:
    found = read(tiny(change))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("change", ["schedule.kind = linear", " optimizer.lr = 0.5 ", "target = eps"])
def test_spaces_around_the_equals_sign_of_a_change_are_ignored(tiny: Tiny, change: str) -> None:
    assert tiny(change) == tiny(change.replace(" ", ""))


def test_a_new_kind_drops_the_options_that_it_does_not_have(tiny: Tiny) -> None:
    assert tiny("schedule.offset=0.1", "schedule.kind=linear").schedule == Linear()
    assert tiny("schedule.kind=linear", "schedule.T=50").schedule == Linear(T=50)


@pytest.mark.parametrize("text", ["cosine", "'cosine'", '"cosine"'])
def test_the_same_kind_keeps_its_options(tiny: Tiny, text: str) -> None:
    assert tiny("schedule.offset=0.1", f"schedule.kind={text}").schedule == Cosine(0.1)


def test_a_change_creates_the_section_of_distillation(tiny: Tiny) -> None:
    assert tiny().distillation is None
    assert tiny("distillation.start=0.7") == tiny("distillation={start=0.7}")


def test_a_new_kind_of_optimizer_keeps_the_learning_rate(tiny: Tiny) -> None:
    changed = tiny("optimizer.lr=0.07", "optimizer.clip=2.0", "optimizer.kind=adam").optimizer
    assert (changed.kind, changed.lr, changed.clip, changed.decay) == ("adam", 0.07, 2.0, "cosine")


def test_a_new_kind_of_network_stays_conditional(tiny: Tiny) -> None:
    changed = tiny("network.kind=simple-unet").network
    assert (changed.kind, changed.conditional, changed.options) == ("simple-unet", True, {"base": 32})


def test_a_field_missing_from_an_older_recipe_has_its_default(tiny: Tiny) -> None:
    now = tiny().to_dict()
    then = json.loads(json.dumps(now))
    del then["clip"], then["training"]["guidance"], then["optimizer"]["inner_lr"]
    assert recipe.changed_sections(then, now) == []
    assert recipe.changed_sections(then, tiny("clip=true", "training.guidance=1.5").to_dict()) == ["clip", "training"]
    assert recipe.changed_sections(then, tiny("training.length='9 steps'").to_dict()) == []
