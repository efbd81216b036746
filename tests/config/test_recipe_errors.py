"""Invalid recipes: the code of the error, the field that it names and the name that it suggests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inkwash import model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.config.sections import SamplingConfig, TrainingConfig
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError

MNIST = DatasetSpec("mnist", "0" * 64, 60_000, (1, 28, 28), tuple("0123456789"), (0.1,) * 10, 0.62)

Tiny = Callable[..., Recipe]


def refusal(act: Callable[[], object]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("change", "field", "suggested"),
    [
        ("optimizer.lrr=1", "optimizer.lrr", "'optimizer.lr'"),
        ("training.milestone=[]", "training.milestone", "'training.milestones'"),
        ("network.width=3", "network.width", "'network.widths'"),
        ("sampling.sampler_=ddim", "sampling.sampler_", "'sampling.sampler'"),
        ("schedule.ofset=1", "schedule.ofset", "'schedule.offset'"),
        ("sampling.schedule={kind='cosine', ofset=1}", "sampling.schedule.ofset", "'sampling.schedule.offset'"),
        ("schedule.warp={kind='shift', S=1}", "schedule.warp.S", "schedule.warp.s"),
        ("optimiser.lr=1", "optimiser.lr", "'optimizer.lr'"),
        ("targets=v", "targets", "'target'"),
        ("zzz=1", "zzz", "optimizer, training"),
        ("lr=1", "lr", "optimizer.lr"),
        ("batch_size=1", "batch_size", "training.batch"),
        ("epochs=5", "epochs", "training.length"),
    ],
)
def test_an_unknown_field_is_named_with_the_nearest(tiny: Tiny, change: str, field: str, suggested: str) -> None:
    error = refusal(lambda: tiny(change))
    assert (error.code, error.field) == ("unknown-field", field)
    assert suggested in str(error)


def test_a_change_without_a_value_is_refused(tiny: Tiny) -> None:
    error = refusal(lambda: tiny("optimizer.lr"))
    assert (error.code, error.field) == ("invalid-value", "optimizer.lr")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("optimizer.lr=fast", "optimizer.lr"),
        ("optimizer.lr=[1]", "optimizer.lr"),
        ("optimizer.lr={a=1}", "optimizer.lr"),
        ("optimizer.betas=[0.9]", "optimizer.betas"),
        ("optimizer=3", "optimizer"),
        ("optimizer=adam", "optimizer"),
        ("training.batch=1.5", "training.batch"),
        ("training.length=3", "training.length"),
        ("training.milestones=1 epoch", "training.milestones"),
        ("network.conditional=maybe", "network.conditional"),
        ("network.conditional='yes'", "network.conditional"),
        ("network.widths=wide", "network.widths"),
        ("network=3", "network"),
        ("schedule=3", "schedule"),
        ("schedule.warp=3", "schedule.warp"),
        ("schedule.offset=small", "schedule.offset"),
        ("sampling.schedule={kind='cosine', offset='small'}", "sampling.schedule.offset"),
        ("name=3", "name"),
        ("name=2020-01-01", "name"),
        ("target=3", "target"),
    ],
)
def test_a_value_of_another_type_is_refused(tiny: Tiny, change: str, field: str) -> None:
    error = refusal(lambda: tiny(change))
    assert (error.code, error.field) == ("invalid-value", field)


@pytest.mark.parametrize(
    ("change", "field", "near"),
    [
        ("schedule.kind=cosin", "schedule.kind", "cosine"),
        ("schedule.kind=3", "schedule.kind", None),
        ("schedule.kind=['cosine']", "schedule.kind", "cosine"),
        ("schedule=liner", "schedule.kind", "linear"),
        ("network.kind=class_unet", "network.kind", "class-unet"),
        ("network.kind=['mlp']", "network.kind", None),
        ("density.kind=uniforme", "density.kind", "uniform"),
        ("weight.kind=minsnr", "weight.kind", "min-snr"),
        ("optimizer.kind=adamm", "optimizer.kind", "adam"),
        ("optimizer.decay=cos", "optimizer.decay", "cosine"),
        ("target=epsilon", "target", "eps"),
        ("training.precision=bf16", "training.precision", "bfloat16"),
        ("sampling.sampler=dimm:50", "sampling.sampler", "ddim:50"),
        ("schedule={kind='cosine', warp={kind='shif'}}", "schedule.warp.kind", "shift"),
        ("sampling.schedule=karas", "sampling.schedule.kind", "karras"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(tiny: Tiny, change: str, field: str, near: str | None) -> None:
    error = refusal(lambda: tiny(change))
    assert (error.code, error.field) == ("unknown-name", field)
    assert near is None or f"'{near}'" in str(error)


@pytest.mark.parametrize(
    ("change", "bounds"),
    [
        ("training.batch=0", ["1", "1,000,000"]),
        ("training.batch=1000000000000", ["1", "1,000,000"]),
        ("training.label_dropout=1.0", ["[0, 1)"]),
        ("training.label_dropout=nan", []),
        ("training.guidance=0.9", ["1"]),
        ("training.guidance=inf", []),
        ("training.seed=-1", ["0"]),
        (f"training.seed={2**70}", ["0"]),
        ("training.keep=-1", ["0"]),
        ("training.guidance_interval=[0.7, 0.2]", []),
        ("training.guidance_interval=[0.5, 1.2]", []),
        ("optimizer.lr=-1", ["0"]),
        ("optimizer.warmup=-1", ["0"]),
        ("optimizer.betas=[0.9, 1.0]", ["[0, 1)"]),
        ("optimizer.inner_lr=0.1", []),
        ("sampling.guidance=-1", ["0"]),
        ("sampling.sampler=ddim:1000000000000", ["1000"]),
        ("sampling.preview=ddim:1000000000000", ["1000"]),
        ("data.size=0", ["1", "16,384"]),
        ("data.size=100000", ["1", "16,384"]),
        ("data.std=0", ["0"]),
        ("network.dim=-1", ["0", "16,384"]),
        ("network.dim=1000000000", ["0", "16,384"]),
        ("network.widths=[8, 1000000000]", ["0", "16,384"]),
    ],
)
def test_a_number_out_of_range_is_refused_with_its_range(tiny: Tiny, change: str, bounds: list[str]) -> None:
    error = refusal(lambda: tiny(change))
    assert (error.code, error.field) == ("out-of-range", change.partition("=")[0])
    assert all(bound in str(error) for bound in bounds)


@pytest.mark.parametrize(("option", "value"), [("T", "1000000000000"), ("T", "0"), ("start", "nan"), ("start", "-inf")])
@pytest.mark.parametrize("section", ["schedule", "sampling.schedule"])
def test_an_option_of_a_schedule_out_of_range_is_refused(tiny: Tiny, section: str, option: str, value: str) -> None:
    error = refusal(lambda: tiny(f"{section}={{kind='linear', {option}={value}}}"))
    assert (error.code, error.field) == ("out-of-range", f"{section}.{option}")


@pytest.mark.parametrize("start", ["-1", "2"])
@pytest.mark.parametrize("kind", ["linear", "quadratic", "scaled-linear"])
def test_betas_outside_0_to_1_are_refused(tiny: Tiny, kind: str, start: str) -> None:
    error = refusal(lambda: tiny(f"schedule={{kind='{kind}', start={start}}}"))
    assert (error.code, error.field) == ("out-of-range", "schedule") and start in str(error)


@pytest.mark.parametrize("section", ["schedule", "sampling.schedule"])
@pytest.mark.parametrize(
    "options",
    [
        "kind='cosine', offset=-1.0",
        "kind='sigmoid', tau=0.0",
        "kind='sigmoid', tau=1e-300",
        "kind='karras', rho=1e-9",
        "kind='log-linear', high=-9.0, low=12.0",
        "kind='cosine', warp={kind='power', rho=-1.0}",
        "kind='cosine', warp={kind='shift', s=0.0}",
    ],
)
def test_a_schedule_whose_levels_do_not_rise_is_refused(tiny: Tiny, section: str, options: str) -> None:
    error = refusal(lambda: tiny(f"{section}={{{options}}}"))
    assert (error.code, error.field) == ("invalid-value", section)


@pytest.mark.parametrize("value", ["0.7", "[0.7]", "[0.1, 0.2, 0.3]"])
def test_a_list_of_the_wrong_length_is_refused_with_the_right_one(tiny: Tiny, value: str) -> None:
    error = refusal(lambda: tiny(f"training.guidance_interval={value}"))
    assert (error.code, error.field) == ("invalid-value", "training.guidance_interval")
    assert "2 values" in str(error)


@pytest.mark.parametrize("field", ["length", "ema", "checkpoint_every"])
@pytest.mark.parametrize("text", ["10", "10 epoks", "0 steps", "1e999 steps"])
def test_a_length_without_a_number_and_a_unit_is_refused(tiny: Tiny, field: str, text: str) -> None:
    error = refusal(lambda: tiny(f"training.{field}='{text}'"))
    assert (error.code, error.field) == ("invalid-value", f"training.{field}")


def test_label_dropout_of_an_unconditional_network_is_refused(tiny: Tiny) -> None:
    error = refusal(lambda: tiny("network.conditional=false"))
    assert (error.code, error.field) == ("no-effect", "training.label_dropout")


def test_learned_guidance_needs_label_dropout(tiny: Tiny) -> None:
    assert tiny("training.guidance=1.5").training.guidance == 1.5
    error = refusal(lambda: tiny("training.guidance=1.5", "training.label_dropout=0.0"))
    assert (error.code, error.field) == ("no-effect", "training.guidance")


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (lambda: TrainingConfig(batch=0), "training.batch"),
        (lambda: TrainingConfig("10 epochs", 0), "training.batch"),
        (lambda: SamplingConfig(guidance=-1), "sampling.guidance"),
        (lambda: DatasetSpec.from_dict(MNIST.to_dict() | {"count": -1}), "facts.count"),
        (lambda: DatasetSpec.from_dict(MNIST.to_dict() | {"shape": [0]}), "facts.shape"),
        (lambda: DatasetSpec.from_dict(MNIST.to_dict() | {"shape": [2, 2]}), "facts.shape"),
        (lambda: DatasetSpec.from_dict(MNIST.to_dict() | {"proportions": []}), "facts.proportions"),
    ],
)
def test_a_section_made_in_python_checks_its_fields(act: Callable[[], object], field: str) -> None:
    error = refusal(act)
    assert (error.code, error.field) == ("out-of-range", field)


def test_an_argument_given_twice_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        TrainingConfig("10 epochs", length="5 epochs")  # type: ignore[misc]


@pytest.mark.parametrize(("values", "field"), [({}, "network"), ({"network": {}}, "network.kind")])
def test_a_recipe_needs_a_network(values: dict[str, object], field: str) -> None:
    error = refusal(lambda: Recipe.from_dict({"name": "x"} | values))
    assert (error.code, error.field) == ("missing-field", field)


def test_an_error_in_a_recipe_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("network = 'simple-unet'")
    assert recipe.load(path).name == "mine"
    path.write_text("network = 'simple-unet'\n[optimizer]\nlrr = 1")
    error = refusal(lambda: recipe.load(path))
    assert (error.code, error.field) == ("unknown-field", "optimizer.lrr") and str(path) in str(error)
    for content in (b"network = [", b"name = '\xff'"):
        path.write_bytes(content)
        error = refusal(lambda: recipe.load(path))
        assert error.code == "wrong-file" and str(path) in str(error)


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    error = refusal(lambda: recipe.load("ddpm_bn"))
    assert (error.code, error.field) == ("unknown-name", "recipe") and "'ddpm-bn'" in str(error)


@pytest.mark.parametrize("value", ["9" * 5000, f"0x{'f' * 5000}", "[" * 3000])
def test_a_value_too_large_for_python_is_not_toml(tiny: Tiny, tmp_path: Path, value: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"network = 'mlp'\nname = {value}")
    assert refusal(lambda: recipe.load(path)).code == "wrong-file"
    assert len(str(refusal(lambda: tiny(f"training.batch={value}")))) < 6000


def test_a_network_larger_than_memory_is_not_built(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = tiny("network.widths=[8, 600]")
    assert model.build_net(wide, MNIST)
    monkeypatch.setattr("inkwash.hardware.memory.machine", lambda: 10**6)
    assert "[network]" in str(refusal(lambda: model.build_net(wide, MNIST)))
