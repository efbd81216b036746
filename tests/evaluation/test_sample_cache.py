"""The sample cache resumes after interruption, replaces damaged files, and separates settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

import inkwash
from inkwash.config import plugins
from inkwash.core import Cosine
from inkwash.evaluation import sample_cache
from inkwash.evaluation.plan import settings_for, with_distinct_names
from inkwash.evaluation.sample_cache import CachedSamples, SampleCache
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import default_count
from inkwash.model import Model
from inkwash.sampling.labels import assign_labels
from inkwash.sampling.request import SampleRequest

Untrained = Callable[..., Model]
UNCONDITIONAL = "network.conditional=false", "training.label_dropout=0"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use chunks of eight in batches of five, so that a few images make many files."""
    monkeypatch.setattr(sample_cache, "CHUNK", 8)
    monkeypatch.setattr(sample_cache, "BATCH", 5)


def same(one: CachedSamples, other: CachedSamples) -> None:
    # in another batch a pixel may round to the next grey
    assert (one.values.int() - other.values.int()).abs().max() <= 1
    assert one.values.shape == other.values.shape
    assert (one.labels is None) == (other.labels is None)
    assert one.labels is None or other.labels is None or torch.equal(one.labels, other.labels)
    assert one.evaluations == other.evaluations


def rows_seen(setting: Setting, count: int) -> int:
    """Return the number of examples that pass through the network for `count` samples."""
    with sample_cache._counted_evaluations(setting.model.net) as rows:
        SampleCache(setting).samples(count)
    return rows[0]


@pytest.mark.parametrize("conditional", [True, False])
def test_sample_i_equals_that_of_seed_i(conditional: bool, untrained: Untrained) -> None:
    model = untrained() if conditional else untrained(*UNCONDITIONAL)
    setting = Setting(model, SampleRequest(sampler="ddpm:3", guidance=2.0 if conditional else None))
    found = SampleCache(setting).samples(20)
    expected = inkwash.sample(model, n=20, sampler="ddpm:3", guidance=2.0 if conditional else None)
    assert (found.values.int() - expected.values.int()).abs().max() <= 1
    assert (found.labels is None) == (not conditional)
    assert found.labels is None or torch.equal(found.labels, expected.labels)
    assert found.values.unique(dim=0).shape[0] == 20


def test_second_call_evaluates_no_network(untrained: Untrained) -> None:
    setting = Setting(untrained(), SampleRequest(sampler="ddim:2"))
    first = SampleCache(setting).samples(20)
    assert rows_seen(setting, 20) == rows_seen(setting, 3) == 0
    again = SampleCache(setting).samples(20)
    same(first, again)
    assert torch.equal(first.values, again.values) and first.evaluations == again.evaluations


def test_interrupted_sampling_resumes_to_the_same_samples(
    untrained: Untrained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setting = Setting(untrained(), SampleRequest(sampler="ddpm:2"))

    def stop(done: float) -> None:
        if done > 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SampleCache(setting).samples(30, stop)
    assert not setting.model.net._forward_pre_hooks
    assert [path.name for path in SampleCache(setting).folder.iterdir()] == ["00000000.npz"]
    reported: list[float] = []
    continued = SampleCache(setting).samples(30, reported.append)
    assert reported == sorted(reported) and reported[0] == 8 and reported[-1] == 30
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "undisturbed"))
    same(continued, SampleCache(setting).samples(30))


def test_a_larger_count_samples_only_the_missing_ones(untrained: Untrained) -> None:
    setting = Setting(untrained(), SampleRequest(sampler="ddim:2"))
    few = SampleCache(setting).samples(11)
    assert rows_seen(setting, 30) == 2 * (30 - 11)
    many = SampleCache(setting).samples(30)
    assert torch.equal(many.values[:11], few.values) and many.evaluations == few.evaluations == 2
    assert many.labels is not None and torch.equal(many.labels, assign_labels(setting.model, torch.arange(30)))
    assert torch.equal(SampleCache(setting).samples(4).values, few.values[:4])


@pytest.mark.parametrize("damage", ["cut", "emptied", "flipped", "not an archive"])
def test_a_damaged_chunk_is_sampled_again(damage: str, untrained: Untrained) -> None:
    setting = Setting(untrained(), SampleRequest(sampler="ddim:2"))
    first = SampleCache(setting).samples(20)
    path = sorted(SampleCache(setting).folder.iterdir())[1]
    raw = path.read_bytes()
    damaged = {
        "cut": raw[: len(raw) // 2],
        "emptied": b"",
        "flipped": bytes([*raw[:200], raw[200] ^ 0xFF, *raw[201:]]),
        "not an archive": b"<html>no</html>",
    }
    path.write_bytes(damaged[damage])
    assert rows_seen(setting, 20) == 2 * 8
    same(SampleCache(setting).samples(20), first)


def test_a_chunk_with_a_flipped_byte_is_valid_or_unreadable(untrained: Untrained, tmp_path: Path) -> None:
    """A chunk with any byte flipped reads unchanged or as missing."""
    setting = Setting(untrained(), SampleRequest(sampler="ddim:1"))
    SampleCache(setting).samples(3)
    path = next(SampleCache(setting).folder.iterdir())
    raw, intact = path.read_bytes(), sample_cache._load(path)
    assert intact is not None
    damaged_copy = tmp_path / "spoilt.npz"
    lost = 0
    for place in range(0, len(raw), 7):
        damaged_copy.write_bytes(bytes([*raw[:place], raw[place] ^ 0xFF, *raw[place + 1 :]]))
        found = sample_cache._load(damaged_copy)
        lost += found is None
        assert found is None or (torch.equal(found.values, intact.values) and torch.equal(found.labels, intact.labels))
    assert lost > len(raw) / 7 / 2


@pytest.mark.parametrize("sampler", ["ddpm:3", "ddim:1", "heun:4", "dpm++2m:5"])
@pytest.mark.parametrize("guidance", [None, 1.0, 1.5])
def test_guidance_doubles_network_evaluations(sampler: str, guidance: float | None, untrained: Untrained) -> None:
    setting = Setting(untrained(), SampleRequest(sampler=sampler, guidance=guidance))
    once = setting.sampler.evaluations
    assert SampleCache(setting).samples(11).evaluations == (2 * once if guidance == 1.5 else once)


def test_guidance_interval_counts_its_evaluations_only(untrained: Untrained) -> None:
    setting = Setting(untrained(), SampleRequest(sampler="ddim:10", guidance=2.0, interval=(0.0, 0.5)))
    assert 10 < SampleCache(setting).samples(3).evaluations < 20


def test_every_setting_has_its_own_folder(untrained: Untrained) -> None:
    model, other = untrained(), untrained("training.seed=1")
    trap = untrained("schedule.kind='linear'", "schedule.T=300")
    settings = [
        Setting(model, SampleRequest(sampler="ddim:5")),
        Setting(model, SampleRequest(sampler="ddim:6")),
        Setting(model, SampleRequest(sampler="ddpm:5")),
        Setting(model, SampleRequest(sampler="ddim:5", eta=0.5)),
        Setting(model, SampleRequest(sampler="ddpm:5", temperature=0.5)),
        Setting(model, SampleRequest(sampler="ddim:5", schedule=Cosine())),
        Setting(model, SampleRequest(sampler="ddim:5", guidance=1.5)),
        Setting(model, SampleRequest(sampler="ddim:5", guidance=1.5, interval=(0.1, 1.0))),
        Setting(model, SampleRequest(sampler="ddim:5", clip=True)),
        Setting(model, SampleRequest(sampler="ddim:5", precision="bfloat16")),
        Setting(other, SampleRequest(sampler="ddim:5")),
        # the same weights give other images with another recipe
        Setting(replace(model, recipe=trap.recipe), SampleRequest(sampler="ddim:5")),
        Setting(replace(model, recipe=replace(model.recipe, target="eps")), SampleRequest(sampler="ddim:5")),
        Setting(replace(model, spec=replace(model.spec, sha256="0" * 64)), SampleRequest(sampler="ddim:5")),
    ]
    assert len({SampleCache(setting).folder for setting in settings}) == len(settings)


def test_equivalent_settings_share_a_folder(untrained: Untrained) -> None:
    def folder(model: Model, request: SampleRequest) -> Path:
        return SampleCache(Setting(model, request)).folder

    model = untrained("sampling.sampler='ddim:5'")
    plain = folder(model, SampleRequest())
    for other in (SampleRequest(sampler="ddim:5"), SampleRequest(sampler="ddim", steps=5), SampleRequest(guidance=1.0)):
        assert folder(replace(model, name="renamed"), other) == plain
    # clipping by the recipe equals clipping by the request
    clips = replace(model, recipe=replace(model.recipe, clip=True))
    assert folder(clips, SampleRequest()) == folder(model, SampleRequest(clip=True)) != plain
    assert folder(clips, SampleRequest(clip=False)) == folder(model, SampleRequest(clip=False))


def test_estimated_seconds_count_missing_samples(untrained: Untrained) -> None:
    for sampler in ("ddim:1", "ddpm:3"):
        cache = SampleCache(Setting(untrained(), SampleRequest(sampler=sampler)))
        assert cache.estimated_seconds(9) > 0
        cache.samples(9)
        assert cache.estimated_seconds(9) == cache.estimated_seconds(2) == 0 < cache.estimated_seconds(10)


# ---- which settings are compared


def test_settings_are_all_distinct_combinations(untrained: Untrained) -> None:
    labelled, plain = untrained(), replace(untrained(*UNCONDITIONAL), name="plain")
    found = settings_for([labelled, plain], ["ddim:2", "ddpm:3"], [None, 1.0, 1.5], SampleRequest())
    assert [setting.name for setting in found] == [
        "tiny ddim:2 w 1",
        "tiny ddim:2 w 1.5",
        "tiny ddpm:3 w 1",
        "tiny ddpm:3 w 1.5",
        "plain ddim:2",
        "plain ddpm:3",
    ]


def test_runs_of_one_recipe_have_distinct_names(untrained: Untrained) -> None:
    one, two = untrained(), untrained("training.seed=1")
    assert len(settings_for([one, two], [None], [None], SampleRequest())) == 2
    assert len(settings_for([one, one], [None], [None], SampleRequest())) == 1
    assert [m.name for m in with_distinct_names(["runs/a", "runs/b"], [one, two])] == ["runs/a", "runs/b"]
    assert len({m.name for m in with_distinct_names([one, two], [one, two])}) == 2
    assert [m.name for m in with_distinct_names(["runs/a"], [one])] == ["tiny"]


def test_default_count_is_smaller_for_many_evaluations(untrained: Untrained) -> None:
    model = untrained()
    assert default_count(Setting(model, SampleRequest(sampler="ddim:100"))) == 10_000
    assert default_count(Setting(model, SampleRequest(sampler="ddim:101"))) == 1_000
    assert default_count(Setting(model, SampleRequest(sampler="heun:60"))) == 1_000


def test_identity_includes_the_content_of_plugins(
    untrained: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = Setting(untrained(), SampleRequest())
    plain = setting.identity()
    file = tmp_path / "mine.py"
    file.write_text("SHARE = 1\n")
    module = ModuleType(f"{plugins.PREFIX}mine")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    first = setting.identity()
    file.write_text("SHARE = 2\n")
    assert plain != first != setting.identity()
