"""Recipes: every one that comes along is sound, writing and reading are inverse, and errors name field and way out."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inkwash import model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.core import DENSITIES, SCHEDULES, TARGETS, WARPS, Cosine, Karras, Linear, LogNormal, Shift, Warped
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError
from inkwash.nets import NETS
from inkwash.nets.summary import parameters
from inkwash.objectives import WEIGHTS, MinSNR
from inkwash.optim.optimizers import OPTIMIZERS

MNIST = DatasetSpec("mnist", "0" * 64, 60_000, (1, 28, 28), tuple("0123456789"), (0.1,) * 10, 0.62)
PLANE = DatasetSpec("moons", "0" * 64, 10_000, (2,), ("upper", "lower"), (0.5, 0.5), 1.0)
SYSTEMS = {
    "ddpm-bn": 858_305,
    "ddim-300": 3_672_513,
    "simple-unet": 181_473,
    "attention-unet": 365_828,
    "cfg-cosine": 1_971_073,
}

Tiny = Callable[..., Recipe]


def written_and_read(value: Recipe) -> Recipe:
    return Recipe.from_dict(tomllib.loads(value.to_toml()))


def complaint(act: Callable[[], object]) -> str:
    with pytest.raises(UsageError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", recipe.bundled())
def test_a_bundled_recipe_is_sound_and_survives_being_written(name: str) -> None:
    chosen = recipe.load(name)
    assert chosen.name == name
    assert written_and_read(chosen) == chosen
    assert all((chosen.about, chosen.experiment.objective, chosen.experiment.hypothesis, chosen.experiment.next))
    spec = PLANE if chosen.network.kind == "mlp" else MNIST
    model.fitting(model.build_net(chosen, spec), spec)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_networks_of_the_systems_have_their_published_size(name: str) -> None:
    assert parameters(model.build_net(recipe.load(name), MNIST)) == SYSTEMS[name]


def test_a_network_is_a_function_of_the_seed_alone(tiny: Tiny) -> None:
    first, second = (model.build_net(tiny(), MNIST).state_dict() for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
    other = model.build_net(tiny("training.seed=1"), MNIST).state_dict()
    assert any((first[name] != other[name]).any() for name in first)


@pytest.mark.parametrize("section", ["schedule", "density", "weight", "target", "optimizer", "network"])
def test_every_row_of_every_table_survives_being_written(tiny: Tiny, section: str) -> None:
    tables = {
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
def test_warped_schedules_survive_being_written(tiny: Tiny, inner: str, warp: str) -> None:
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
def test_a_change_reads_its_value_as_what_the_field_is(
    tiny: Tiny, change: str, read: Callable[[Recipe], Any], value: Any
) -> None:
    found = read(tiny(change))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("change", ["schedule.kind = linear", " optimizer.lr = 0.5 ", "target = eps"])
def test_spaces_around_the_sign_are_no_part_of_a_change(tiny: Tiny, change: str) -> None:
    assert tiny(change) == tiny(change.replace(" ", ""))


def test_another_kind_drops_the_options_that_would_not_fit(tiny: Tiny) -> None:
    assert tiny("schedule.offset=0.1", "schedule.kind=linear").schedule == Linear()
    assert tiny("schedule.kind=linear", "schedule.T=50").schedule == Linear(T=50)


@pytest.mark.parametrize("text", ["cosine", "'cosine'", '"cosine"'])
def test_the_same_kind_keeps_its_options(tiny: Tiny, text: str) -> None:
    assert tiny("schedule.offset=0.1", f"schedule.kind={text}").schedule == Cosine(0.1)


def test_another_optimiser_keeps_the_learning_rate(tiny: Tiny) -> None:
    changed = tiny("optimizer.lr=0.07", "optimizer.clip=2.0", "optimizer.kind=adam").optimizer
    assert (changed.kind, changed.lr, changed.clip, changed.decay) == ("adam", 0.07, 2.0, "cosine")


def test_another_network_still_hears_the_label(tiny: Tiny) -> None:
    changed = tiny("network.kind=simple-unet").network
    assert (changed.kind, changed.conditional, changed.options) == ("simple-unet", True, {"base": 32})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("optimizer.lrr=1", ["optimizer.lrr", "did you mean 'optimizer.lr'"]),
        ("training.milestone=[]", ["training.milestone", "did you mean 'training.milestones'"]),
        ("network.width=3", ["network.width", "did you mean 'network.widths'"]),
        ("sampling.sampler_=ddim", ["sampling.sampler_", "did you mean 'sampling.sampler'"]),
        ("schedule.ofset=1", ["schedule.ofset", "did you mean 'schedule.offset'"]),
        ("optimiser.lr=1", ["optimiser.lr", "did you mean 'optimizer.lr'"]),
        ("targets=v", ["targets", "did you mean 'target'"]),
        ("zzz=1", ["zzz", "optimizer", "training"]),
        ("optimizer.lr", ["optimizer.lr", "FIELD=VALUE"]),
    ],
)
def test_an_unknown_field_is_answered_with_the_nearest(tiny: Tiny, change: str, words: list[str]) -> None:
    told = complaint(lambda: tiny(change))
    assert all(word in told for word in words)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("optimizer.lr=fast", "optimizer.lr"),
        ("optimizer.lr=[1]", "optimizer.lr"),
        ("optimizer.lr={a=1}", "optimizer.lr"),
        ("optimizer.betas=[0.9]", "optimizer.betas"),
        ("optimizer.decay=never", "optimizer.decay"),
        ("optimizer=3", "optimizer"),
        ("optimizer=adam", "optimizer"),
        ("training.batch=1.5", "training.batch"),
        ("training.length=3", "training.length"),
        ("training.milestones=1 epoch", "training.milestones"),
        ("network.conditional=maybe", "network.conditional"),
        ("network.widths=wide", "network.widths"),
        ("network=3", "network"),
        ("schedule=3", "schedule"),
        ("schedule.kind=3", "schedule.kind"),
        ("schedule.kind=['cosine']", "schedule.kind"),
        ("network.kind=['mlp']", "network.kind"),
        ("schedule.warp=3", "schedule.warp"),
        ("schedule.offset=small", "schedule.offset"),
        ("name=3", "name"),
        ("name=2020-01-01", "name"),
        ("target=3", "target"),
    ],
)
def test_a_value_of_another_type_names_its_field(tiny: Tiny, change: str, field: str) -> None:
    assert f"{field}'" in complaint(lambda: tiny(change)) or f"{field} " in complaint(lambda: tiny(change))


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ("schedule.kind=cosin", "cosine"),
        ("schedule=liner", "linear"),
        ("network.kind=class_unet", "class-unet"),
        ("density.kind=uniforme", "uniform"),
        ("weight.kind=minsnr", "min-snr"),
        ("optimizer.kind=adamm", "adam"),
        ("target=epsilon", "eps"),
        ("sampling.sampler=dimm:50", "ddim:50"),
        ("schedule={kind='cosine', warp={kind='shif'}}", "shift"),
    ],
)
def test_an_unknown_kind_is_answered_with_the_nearest(tiny: Tiny, change: str, near: str) -> None:
    assert f"did you mean '{near}'" in complaint(lambda: tiny(change))


@pytest.mark.parametrize(
    "change",
    [
        "training.batch=0",
        "training.label_dropout=1.0",
        "training.guidance=0.9",
        "training.seed=-1",
        f"training.seed={2**70}",
        "training.guidance_interval=[0.7, 0.2]",
        "training.guidance_interval=[0.5, 1.2]",
        "training.batch=1000000000000",
    ],
)
def test_a_number_out_of_range_is_refused(tiny: Tiny, change: str) -> None:
    field = change.partition("=")[0].removeprefix("training.").replace("_", " ")
    assert field in complaint(lambda: tiny(change)).replace("_", " ")


@pytest.mark.parametrize("value", ["0.7", "[0.7]", "[0.1, 0.2, 0.3]"])
def test_a_pair_that_is_none_is_told_how_to_write_it(tiny: Tiny, value: str) -> None:
    told = complaint(lambda: tiny(f"training.guidance_interval={value}"))
    assert "training.guidance_interval" in told and "2 values in brackets" in told


def test_dropping_labels_that_nobody_hears_is_refused(tiny: Tiny) -> None:
    assert "network.conditional" in complaint(lambda: tiny("network.conditional=false"))


def test_a_recipe_file_is_named_after_itself_and_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("network = 'simple-unet'")
    assert recipe.load(path).name == "mine"
    path.write_text("network = 'simple-unet'\n[optimizer]\nlrr = 1")
    assert complaint(lambda: recipe.load(path)).startswith(f"recipe {path}: unknown field 'optimizer.lrr'")
    path.write_text("network = [")
    assert "is not TOML" in complaint(lambda: recipe.load(path))
    path.write_bytes(b"name = '\xff'")
    assert "is not TOML" in complaint(lambda: recipe.load(path))
    assert "did you mean 'ddpm-bn'" in complaint(lambda: recipe.load("ddpm_bn"))


@pytest.mark.parametrize("value", ["9" * 5000, f"0x{'f' * 5000}", "[" * 3000])
def test_a_value_that_python_cannot_follow_is_not_toml(tiny: Tiny, tmp_path: Path, value: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"network = 'mlp'\nname = {value}")
    assert f"{path} is not TOML" in complaint(lambda: recipe.load(path))
    assert len(complaint(lambda: tiny(f"training.batch={value}"))) < 6000


@pytest.mark.parametrize("change", ["network.widths=[8, 1000000000]", "network.dim=-1", "network.dim=1000000000"])
def test_what_is_counted_in_a_network_has_bounds(tiny: Tiny, change: str) -> None:
    assert "16,384" in complaint(lambda: tiny(change))


def test_a_network_that_no_memory_holds_is_not_built(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = tiny("network.widths=[8, 600]")
    assert model.build_net(wide, MNIST)
    monkeypatch.setattr("inkwash.hardware.memory.machine", lambda: 10**6)
    assert "[network]" in complaint(lambda: model.build_net(wide, MNIST))


@pytest.mark.parametrize("part", ["sampler", "preview"])
def test_a_recipe_has_no_sampler_that_nobody_could_draw_with(tiny: Tiny, part: str) -> None:
    assert f"sampling.{part}" in complaint(lambda: tiny(f"sampling.{part}=ddim:1000000000000"))


@pytest.mark.parametrize("start", ["-1.0", "-inf", "nan", "2.0"])
@pytest.mark.parametrize("kind", ["linear", "quadratic", "scaled-linear"])
def test_betas_that_are_none_are_told(tiny: Tiny, kind: str, start: str) -> None:
    assert "between 0 and 1" in complaint(lambda: tiny(f"schedule={{kind='{kind}', start={start}}}"))


@pytest.mark.parametrize("section", ["schedule", "sampling.schedule"])
@pytest.mark.parametrize(
    "options",
    [
        "kind='cosine', offset=-1.0",
        "kind='sigmoid', tau=0.0",
        "kind='sigmoid', tau=1e-300",
        "kind='karras', rho=1e-9",
        "kind='log-linear', high=nan",
        "kind='log-linear', high=-9.0, low=12.0",
        "kind='cosine', warp={kind='power', rho=-1.0}",
        "kind='cosine', warp={kind='shift', s=0.0}",
    ],
)
def test_a_schedule_that_does_not_rise_is_refused(tiny: Tiny, section: str, options: str) -> None:
    told = complaint(lambda: tiny(f"{section}={{{options}}}"))
    assert told.startswith(f"{section} is ") and "rise from clean to noisy" in told


def test_a_beta_table_has_rows_that_memory_holds(tiny: Tiny) -> None:
    assert "schedule.T" in complaint(lambda: tiny("schedule={kind='linear', T=1000000000000}"))


def test_what_a_recipe_needs_is_a_network() -> None:
    assert "'network'" in complaint(lambda: Recipe.from_dict({"name": "x"}))
    assert "network.kind" in complaint(lambda: Recipe.from_dict({"name": "x", "network": {}}))


def test_a_network_that_guides_itself_must_know_what_to_say_without_a_label(tiny: Tiny) -> None:
    assert tiny("training.guidance=1.5").training.guidance == 1.5
    with pytest.raises(UsageError, match=r"training\.guidance needs .*label_dropout = 0\.1"):
        tiny("training.guidance=1.5", "training.label_dropout=0.0")


def test_a_field_that_a_recipe_did_not_know_then_has_its_default(tiny: Tiny) -> None:
    now = tiny().to_dict()
    then = json.loads(json.dumps(now))
    del then["clip"], then["training"]["guidance"], then["optimizer"]["inner_lr"]
    assert recipe.differing(then, now) == []
    assert recipe.differing(then, tiny("clip=true", "training.guidance=1.5").to_dict()) == ["clip", "training"]
    assert recipe.differing(then, tiny("training.length='9 steps'").to_dict()) == []
