"""Training from the weights of a model: fine-tuning, distillation, their validation and their exact resume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raised import code_and_field
from scipy import stats

import inkwash
from inkwash import model
from inkwash.config import recipe as recipes
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import NetDenoiser, Stretch, Warped
from inkwash.core.rng import Stream, normals
from inkwash.data import Dataset
from inkwash.data.pixels import decode
from inkwash.errors import UsageError
from inkwash.io.checkpoints import weights_digest
from inkwash.model import Model
from inkwash.nets.layers import ClassEmbedding
from inkwash.objectives.adversarial import AdversarialDistillation
from inkwash.runs.resume import resume
from inkwash.runs.start import start
from inkwash.training.distillation import energy_distance, initial_net
from inkwash.training.events import Measured
from inkwash.training.trainer import Trainer

DISTILLED = ("distillation={start=0.7}", "sampling.sampler=ddim:1", "sampling.preview=ddim:1")
Tiny = Callable[..., Recipe]
Untrained = Callable[..., Model]


def without_labels(data: Dataset) -> Dataset:
    """Return `data` without its labels."""
    return replace(data, labels=None, test_labels=None, classes=())


@pytest.mark.parametrize("change", ["network.conditional=true", "network.conditional=false"])
def test_restored_distillation_continues_bit_for_bit(
    change: str, tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    plain = () if change.endswith("true") else ("training.label_dropout=0",)
    recipe, teacher = tiny(*DISTILLED), untrained(change, *plain)
    undisturbed, first, second = (Trainer(recipe, digits, pretrained=teacher) for _ in range(3))
    events = list(undisturbed)
    for event in first.steps():
        if event.number == 4:
            break
    second.restore(first.checkpoint())
    list(second)
    expected, resumed = undisturbed.checkpoint(), second.checkpoint()
    assert expected.header == resumed.header
    assert expected.tensors.keys() == resumed.tensors.keys()
    assert all(torch.equal(value, resumed.tensors[name]) for name, value in expected.tensors.items())
    assert [event.step for event in events if isinstance(event, Measured)] == [3, 6]


def test_run_keeps_its_teacher_and_resumes_from_it(
    tmp_path: Path, tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    teacher = untrained()
    run = start(tiny(*DISTILLED), digits, tmp_path / "run", pretrained=teacher)
    list(run.train())
    kept = inkwash.load(run.folder.teacher)
    assert kept.weights == weights_digest(teacher.net.state_dict())
    assert (run.folder.samples / "teacher.png").is_file()
    again = resume(run.folder.path, digits, Length(8, "steps"))
    list(again.train())
    assert again.trainer.state.progress.step == 8
    assert isinstance(again.trainer.objective, AdversarialDistillation) and again.trainer.objective.step == 8


def test_student_starts_where_its_sampler_does(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    teacher = untrained("schedule=sigmoid")
    trainer = Trainer(tiny(*DISTILLED), digits, pretrained=teacher)
    schedule = trainer.ema_model.sampler().schedule
    assert schedule == Warped(teacher.recipe.schedule, Stretch(0.7))
    assert isinstance(trainer.objective, AdversarialDistillation)
    start, terminal = trainer.objective.schedule(trainer.objective.start), schedule.terminal
    assert (start.alpha, start.sigma) == (terminal.alpha, terminal.sigma)


def test_sample_of_the_objective_is_that_of_the_model(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    trainer = Trainer(tiny(*DISTILLED), digits, pretrained=untrained())
    assert isinstance(trainer.objective, AdversarialDistillation)
    noise = normals(torch.arange(5, 9), 0, 0, Stream.SAMPLE, (1, 8, 8))
    images = trainer.objective.sample(NetDenoiser(trainer.ema_model.net, trainer.target), noise, torch.full((4,), 3))
    assert np.array_equal(
        decode(images)[:, 0].numpy(), inkwash.sample(trainer.ema_model, n=4, label="3", seed=5).images
    )


def test_fine_tuning_starts_from_the_weights_and_the_network_of_the_model(
    tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    model = untrained("network.widths=[8,8]", "target=x0")
    trainer = Trainer(tiny(), digits, pretrained=model)
    assert trainer.recipe.network == model.recipe.network and trainer.recipe.target == "x0"
    assert trainer.ema_model.weights == weights_digest(model.net.state_dict())
    assert trainer.checkpoint().header["pretrained"] == model.metadata()


def test_class_embedding_of_other_classes_is_new_but_for_the_null_label(
    tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    model = untrained()
    assert digits.labels is not None
    other = replace(digits, labels=digits.labels % 3, classes=("a", "b", "c"), test_labels=None)
    net = Trainer(tiny(), other, pretrained=model).state.net
    old, new = model.net.state_dict(), net.state_dict()
    (table,) = (name for name in new if new[name].shape != old[name].shape)
    assert new[table].shape[0] == 4 and torch.equal(new[table][-1], old[table][-1])
    assert all(torch.equal(new[name], old[name]) for name in new if name != table)


def test_other_classes_of_equal_number_get_new_embeddings(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    model = untrained()
    renamed = replace(digits, classes=tuple("abcdefghij"))
    old, new = (
        model.net.state_dict(),
        Trainer(tiny("training.seed=1"), renamed, pretrained=model).state.net.state_dict(),
    )
    (table,) = (name for name in new if not torch.equal(new[name], old[name]))
    assert torch.equal(new[table][-1], old[table][-1])


def test_classes_of_the_same_name_keep_their_embedding(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    pretrained = untrained()
    classes = ("9", "new", "0", *"12345678")
    other = replace(digits, labels=digits.labels, classes=classes)
    trainer = Trainer(tiny("training.seed=1"), other, pretrained=pretrained, device="cpu")
    before, now = (
        dict(net.named_parameters())["condition.label.table.weight"] for net in (pretrained.net, trainer.state.net)
    )
    assert len(now) == len(classes) + 1 and torch.equal(now[-1], before[-1])
    for label, name in enumerate(classes):
        assert name == "new" or torch.equal(now[label], before[int(name)])
    assert not (now[1] == before).all(1).any()
    assert trainer.class_changes is not None and "1 of 11" in trainer.class_changes and "(new)" in trainer.class_changes
    assert Trainer(tiny(), digits, pretrained=pretrained, device="cpu").class_changes is None


@pytest.mark.parametrize("kind", ["class-unet", "folded-unet", "ddpm-unet", "strided-unet", "attention-unet"])
def test_model_on_data_without_labels_has_the_null_label(
    kind: str, tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    model = untrained(f"network.kind={kind}")
    net = Trainer(tiny(), without_labels(digits), pretrained=model).state.net.eval()
    assert not any(isinstance(module, ClassEmbedding) for module in net.modules())
    x, c_noise = torch.randn(4, 1, 8, 8), torch.linspace(0.1, 0.9, 4)
    with torch.no_grad():
        torch.testing.assert_close(net(x, c_noise), model.net(x, c_noise, None))
        assert not torch.allclose(net(x, c_noise), model.net(x, c_noise, torch.tensor([3, 1, 4, 1])))


@pytest.mark.parametrize("kind", ["simple-unet", "batchnorm-unet"])
def test_model_without_a_bias_for_the_null_label_is_refused_on_data_without_labels(
    kind: str, tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    model = untrained(f"network.kind={kind}")
    assert code_and_field(lambda: Trainer(tiny(), without_labels(digits), pretrained=model)) == ("mismatch", "data")


def test_unconditional_teacher_is_distilled_on_other_classes(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    teacher = untrained("network.conditional=false", "training.label_dropout=0")
    assert [step.number for step in Trainer(tiny(*DISTILLED), without_labels(digits), pretrained=teacher).steps()][
        -1
    ] == 6


def test_teacher_of_other_classes_is_refused(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    renamed = replace(digits, classes=tuple("abcdefghij"))
    assert code_and_field(lambda: Trainer(tiny(*DISTILLED), renamed, pretrained=untrained())) == ("mismatch", "data")


def test_run_without_its_teacher_is_not_resumed(
    tmp_path: Path, tiny: Tiny, untrained: Untrained, digits: Dataset
) -> None:
    run = start(tiny(*DISTILLED), digits, tmp_path / "run", pretrained=untrained())
    run.folder.teacher.unlink()
    assert code_and_field(lambda: resume(run.folder.path, digits)) == ("missing-file", "run")


def test_distillation_without_a_model_is_refused(tiny: Tiny, digits: Dataset) -> None:
    assert code_and_field(lambda: Trainer(tiny(*DISTILLED), digits)) == ("missing-field", "from")


def test_model_of_another_shape_is_refused(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    model = untrained()
    spec = replace(model.spec, shape=(1, 12, 12))
    assert code_and_field(lambda: initial_net(tiny(), spec, model)) == ("mismatch", "from")


@pytest.mark.parametrize("name", ["moons", "fast"])
def test_teacher_of_another_shape_is_refused(name: str, tiny: Tiny, digits: Dataset) -> None:
    assert code_and_field(lambda: Trainer(tiny(*DISTILLED), digits, pretrained=name)) == ("mismatch", "from")


def test_field_that_the_model_determines_is_refused(tiny: Tiny, untrained: Untrained, digits: Dataset) -> None:
    recipe, model = tiny(), untrained()
    assert code_and_field(lambda: inkwash.train(recipe, digits, pretrained=model, target="x0")) == (
        "no-effect",
        "target",
    )
    assert code_and_field(lambda: inkwash.train(recipe, digits, pretrained=model, network__widths=[8])) == (
        "no-effect",
        "network.widths",
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"network": {"kind": "class-unet", "widths": [8, 24]}}, "network.widths"),
        ({"network": {"kind": "ddpm-unet"}}, "network.kind"),
        ({"target": "x0"}, "target"),
        ({"clip": True}, "clip"),
        ({"schedule": {"kind": "quadratic"}}, "schedule.kind"),
        ({"schedule": {"kind": "cosine", "offset": 0.1}}, "schedule.offset"),
    ],
)
def test_a_recipe_of_the_user_that_contradicts_the_model_is_refused(
    tmp_path: Path, digits: Dataset, change: dict[str, Any], field: str
) -> None:
    """The same sections without the change, and those that the user left out, are no contradiction."""
    source = model.load("digits", device="cpu")
    same = {name: source.recipe.to_dict()[name] for name in ("network", "target", "clip", "schedule")}
    short = {"name": "mine", "training": {"length": "1 step", "batch": 8}, "sampling": {"preview": "ddim:2"}}
    kind = {"network": {"kind": source.recipe.network.kind, "conditional": True}}
    for k, values in enumerate((short | same, short | kind)):
        run = start(Recipe.from_dict(values), digits, tmp_path / f"run{k}", pretrained="digits", device="cpu")
        assert run.trainer.recipe.network == source.recipe.network and run.trainer.recipe.target == source.recipe.target
    with pytest.raises(UsageError) as error:
        start(Recipe.from_dict(short | same | change), digits, tmp_path / "refused", pretrained="digits")
    assert (error.value.code, error.value.field) == ("conflict", field) and not (tmp_path / "refused").exists()


def test_the_network_of_a_bundled_recipe_is_replaced_and_a_changed_one_refused(tmp_path: Path, digits: Dataset) -> None:
    short = {"training.length": "1 step", "training.batch": 8, "sampling.preview": "ddim:2"}
    chosen = recipes.load("ddim-300").with_changes(short)
    run = start(chosen, digits, tmp_path / "run", pretrained="digits", device="cpu")
    assert run.trainer.recipe.network.kind == model.load("digits", device="cpu").recipe.network.kind
    changed = chosen.with_changes({"target": "x0"})
    assert code_and_field(lambda: start(changed, digits, tmp_path / "none", pretrained="digits")) == (
        "conflict",
        "target",
    )


def test_energy_distance_in_one_dimension_equals_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=500), rng.normal(0.7, 1.5, size=400)
    between = np.abs(x[:, None] - y).mean()
    # scipy includes each point's distance to itself, and takes the root
    within = [np.abs(rows[:, None] - rows).mean() for rows in (x, y)]
    biased = stats.energy_distance(x, y) ** 2
    correction = sum(mean / (len(rows) - 1) for mean, rows in zip(within, (x, y), strict=True))
    found = energy_distance(torch.tensor(x)[:, None], torch.tensor(y)[:, None])
    assert found == pytest.approx((biased - correction) / (2 * between), rel=1e-5)


def test_energy_distance_does_not_depend_on_the_scale_of_a_feature() -> None:
    real, fake = torch.randn(300, 2), torch.randn(200, 2) + 0.4
    scale = torch.tensor([3.0, 100.0])
    assert energy_distance(real * scale, fake * scale) == pytest.approx(energy_distance(real, fake), abs=1e-5)
