"""Invalid recipes: the code of the error, the field that it names and the name that it suggests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from raised import code_and_field, raised
from torch import Tensor, nn

from inkwash import model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.config.sections import SamplingConfig, TrainingConfig
from inkwash.data.spec import DatasetSpec

MNIST = DatasetSpec("mnist", "0" * 64, 60_000, (1, 28, 28), tuple("0123456789"), (0.1,) * 10, 0.62)

Tiny = Callable[..., Recipe]


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
def test_an_unknown_field_is_refused_with_the_nearest(tiny: Tiny, change: str, field: str, suggested: str) -> None:
    error = raised(lambda: tiny(change))
    assert (error.code, error.field) == ("unknown-field", field)
    assert suggested in str(error)


@pytest.mark.parametrize(
    ("change", "field", "near"),
    [
        ("schedule.kind=cosin", "schedule.kind", "cosine"),
        ("schedule.kind=3", "schedule.kind", ""),
        ("schedule.kind=['cosine']", "schedule.kind", "cosine"),
        ("schedule=liner", "schedule.kind", "linear"),
        ("network.kind=class_unet", "network.kind", "class-unet"),
        ("network.kind=['mlp']", "network.kind", ""),
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
def test_an_unknown_name_is_refused_with_the_nearest(tiny: Tiny, change: str, field: str, near: str) -> None:
    error = raised(lambda: tiny(change))
    assert (error.code, error.field) == ("unknown-name", field)
    assert near in str(error)


@pytest.mark.parametrize(
    "change",
    [
        "optimizer.lr",
        "optimizer.lr=fast",
        "optimizer.lr=[1]",
        "optimizer.lr={a=1}",
        "optimizer.betas=[0.9]",
        "optimizer=3",
        "optimizer=adam",
        "training.batch=1.5",
        "training.milestones=1 epoch",
        "training.guidance_interval=0.7",
        "training.guidance_interval=[0.7]",
        "training.guidance_interval=[0.1, 0.2, 0.3]",
        *(
            f"training.{field}={text}"
            for field in ("length", "ema", "checkpoint_every")
            for text in ("3", "'10'", "10 epoks", "0 steps", "1e999 steps")
        ),
        "network.conditional=maybe",
        "network.conditional='yes'",
        "network.widths=wide",
        "network=3",
        "schedule=3",
        "schedule.warp=3",
        "schedule.offset=small",
        "sampling.schedule.offset=small",
        "name=3",
        "name=2020-01-01",
        "target=3",
    ],
)
def test_a_value_of_another_type_is_refused(tiny: Tiny, change: str) -> None:
    base = "sampling.schedule=cosine"
    assert code_and_field(lambda: tiny(base, change)) == ("invalid-value", change.partition("=")[0])


@pytest.mark.parametrize(
    "change",
    [
        "training.batch=0",
        "training.batch=1000000000000",
        "training.label_dropout=1.0",
        "training.label_dropout=nan",
        "training.guidance=0.9",
        "training.guidance=inf",
        "training.seed=-1",
        f"training.seed={2**70}",
        "training.keep=-1",
        "training.guidance_interval=[0.7, 0.2]",
        "training.guidance_interval=[0.5, 1.2]",
        "optimizer.lr=-1",
        "optimizer.warmup=-1",
        "optimizer.betas=[0.9, 1.0]",
        "optimizer.inner_lr=0.1",
        "sampling.guidance=-1",
        "sampling.sampler=ddim:1000000000000",
        "sampling.preview=ddim:1000000000000",
        "data.size=0",
        "data.size=100000",
        "data.std=0",
        "network.dim=-1",
        "network.dim=1000000000",
        "network.widths=[8, 1000000000]",
        *(
            f"{section}.{option}"
            for section in ("schedule", "sampling.schedule")
            for option in ("T=1000000000000", "T=0", "start=nan", "start=-inf")
        ),
    ],
)
def test_a_number_out_of_range_is_refused(tiny: Tiny, change: str) -> None:
    linear = ("schedule=linear", "sampling.schedule=linear")
    assert code_and_field(lambda: tiny(*linear, change)) == ("out-of-range", change.partition("=")[0])


@pytest.mark.parametrize(
    ("change", "bounds"),
    [
        ("training.batch=0", "from 1 to 1,000,000"),
        ("training.label_dropout=1.0", "in [0, 1)"),
        ("training.keep=-1", "at least 0"),
        ("data.std=0", "above 0"),
        ("training.guidance_interval=[0.7]", "2 values"),
    ],
)
def test_the_error_of_a_number_has_its_bounds(tiny: Tiny, change: str, bounds: str) -> None:
    assert bounds in str(raised(lambda: tiny(change)))


@pytest.mark.parametrize("start", ["-1", "2"])
@pytest.mark.parametrize("kind", ["linear", "quadratic", "scaled-linear"])
def test_betas_outside_0_to_1_are_refused(tiny: Tiny, kind: str, start: str) -> None:
    error = raised(lambda: tiny(f"schedule={{kind='{kind}', start={start}}}"))
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
    assert code_and_field(lambda: tiny(f"{section}={{{options}}}")) == ("invalid-value", section)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (["network.conditional=false"], "training.label_dropout"),
        (["training.guidance=1.5", "training.label_dropout=0.0"], "training.guidance"),
    ],
)
def test_settings_without_effect_are_refused(tiny: Tiny, changes: list[str], field: str) -> None:
    assert code_and_field(lambda: tiny(*changes)) == ("no-effect", field)


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
    assert code_and_field(act) == ("out-of-range", field)


def test_an_argument_given_twice_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        TrainingConfig("10 epochs", length="5 epochs")  # type: ignore[misc]


@pytest.mark.parametrize(("values", "field"), [({}, "network"), ({"network": {}}, "network.kind")])
def test_a_recipe_needs_a_network(values: dict[str, object], field: str) -> None:
    assert code_and_field(lambda: Recipe.from_dict({"name": "x"} | values)) == ("missing-field", field)


def test_an_error_in_a_recipe_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("network = 'simple-unet'")
    assert recipe.load(path).name == "mine"
    path.write_text("network = 'simple-unet'\n[optimizer]\nlrr = 1")
    error = raised(lambda: recipe.load(path))
    assert (error.code, error.field) == ("unknown-field", "optimizer.lrr") and str(path) in str(error)
    for content in (b"network = [", b"name = '\xff'"):
        path.write_bytes(content)
        error = raised(lambda: recipe.load(path))
        assert error.code == "wrong-file" and str(path) in str(error)


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    error = raised(lambda: recipe.load("ddpm_bn"))
    assert (error.code, error.field) == ("unknown-name", "recipe") and "'ddpm-bn'" in str(error)


@pytest.mark.parametrize("value", ["9" * 5000, f"0x{'f' * 5000}", "[" * 3000])
def test_a_value_too_large_for_python_is_not_toml(tiny: Tiny, tmp_path: Path, value: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"network = 'mlp'\nname = {value}")
    assert raised(lambda: recipe.load(path)).code == "wrong-file"
    assert len(str(raised(lambda: tiny(f"training.batch={value}")))) < 6000


def test_the_error_for_a_network_of_another_shape_names_what_it_returned() -> None:
    class Larger(nn.Conv2d):
        def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:  # type: ignore[override]
            return super().forward(x)

    error = raised(lambda: model.check_forward(Larger(1, 2, 3, padding=2), MNIST))
    assert (error.code, error.field) == ("mismatch", "network.kind")
    assert "Larger returned 2×30×30 for inputs of 1×28×28 (mnist)" in str(error)


def test_a_network_larger_than_memory_is_not_built(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = tiny("network.widths=[8, 600]")
    assert model.build_net(wide, MNIST)
    monkeypatch.setattr("inkwash.hardware.memory.total_memory", lambda: 10**6)
    assert code_and_field(lambda: model.build_net(wide, MNIST)) == ("too-large", "network")
