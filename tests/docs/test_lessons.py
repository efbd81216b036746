"""Lessons run from top to bottom, their exercises tell right answers from wrong ones, and what they name exists."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lesson_cells import LESSONS, ROOT, cells
from torch import Tensor

from inkwash.core import SAMPLERS, Cosine, Level, Linear, Sampler
from inkwash.errors import UsageError
from inkwash.lessons import EXERCISES, Verdict, check
from inkwash.lessons.worlds import two_classes

STEPS = re.compile(r"^(STEPS = )\d+", re.MULTILINE)


def run(lesson: Path) -> list[Verdict]:
    """Run the cells of a lesson in its short form, and return the verdicts on the exercise in their order."""
    verdicts: list[Verdict] = []
    namespace: dict[str, object] = {"__name__": lesson.stem}
    for source in cells(lesson):
        short = STEPS.sub(r"\g<1>20", source)
        short = re.sub(r"^(check\(.*\))", r"_verdicts.append(\1)", short, flags=re.MULTILINE)
        namespace["_verdicts"] = verdicts
        exec(compile(short, str(lesson), "exec", dont_inherit=True), namespace)
    return verdicts


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_and_its_solution_is_right(lesson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    start, solution = run(lesson)
    assert not start and solution, (start, solution)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_its_parts_and_names_what_exists(lesson: Path) -> None:
    text = lesson.read_text(encoding="utf-8")
    named = re.findall(r"^```\{source-of\} (\S+)$", text, re.MULTILINE)
    assert named and all(pkgutil.resolve_name(name) for name in named)
    assert "$$" in text and "## Try it" in text and "## Exercise" in text and "## Misconceptions" in text
    assert "](../lab/" in text.partition("## Misconceptions")[2]
    for target in re.findall(r"(?:\]\(|\{include\} |\{download\}`[^`<]*<)(\.\.?/[^)>#\s]+|[\w-]+\.md)", text):
        assert (lesson.parent / target).exists(), target


def test_the_site_has_a_place_for_every_document() -> None:
    places = "".join(index.read_text(encoding="utf-8") for index in (ROOT / "docs").glob("*/index.md"))
    documents = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    # make docs would warn of a document that no toctree names.
    assert not {name for name in documents if f"\n../{name}\n" not in places}


def test_every_lesson_has_an_exercise_of_its_number() -> None:
    assert [int(lesson.name.split("-")[0]) for lesson in LESSONS] == sorted(EXERCISES)


@pytest.mark.parametrize("lesson", EXERCISES)
def test_an_answer_of_another_kind_is_wrong(lesson: int) -> None:
    assert not check(lesson, None)
    assert not check(lesson, "an answer")
    assert repr(check(lesson, None)).startswith("Not yet: ")


@pytest.mark.parametrize("lesson", [2, 4, 5, 6, 8, 10])
def test_a_function_of_another_shape_is_wrong(lesson: int) -> None:
    assert "shape" in check(lesson, lambda *arguments: arguments[{5: 1, 8: 1, 10: 1}.get(lesson, 0)][:3]).reason


@pytest.mark.parametrize("lesson", range(1, 11))
def test_a_function_without_return_is_wrong(lesson: int) -> None:
    assert not check(lesson, lambda *_: None)


def test_a_result_that_is_not_finite_is_wrong() -> None:
    assert not check(4, lambda v, x, level: v * float("nan"))


def test_the_range_of_lesson_1_and_3_is_narrow() -> None:
    assert check(1, (0.2**0.5, 0.8**0.5)) and check(1, Level(0.2**0.5, 0.8**0.5))
    assert not check(1, Level(1.0, 2.0)) and not check(1, Level(0.8**0.5, 0.2**0.5))
    assert check(3, Linear(300, 1e-4 / 0.3, 0.02 / 0.3))
    assert not check(3, Linear()) and not check(3, Linear(300, 1e-4, 0.2))


def test_a_step_that_keeps_or_replaces_all_noise_is_wrong() -> None:
    assert (
        "f = 0.36"
        in check(6, lambda x, image, now, nxt, f, z: nxt.mix(image, z if f == 1 else now.noise_in(x, image))).reason
    )


@pytest.mark.parametrize("kind", ["heun", "dpm++2m", "dpm++3m"])
def test_the_rules_of_higher_order_solve_lesson_7(kind: str) -> None:
    assert check(7, SAMPLERS[kind].refine)


def test_a_rule_of_first_order_or_of_another_shape_does_not_solve_lesson_7() -> None:
    assert "order 0.92" in check(7, lambda denoise, x, denoised, now, nxt, past: 0.999 * denoised).reason
    assert not check(7, lambda denoise, x, denoised, now, nxt, past: float("nan") * denoised)
    assert "shape" in check(7, lambda denoise, x, denoised, now, nxt, past: denoised[:3]).reason


def test_guidance_of_two_weights_alone_is_wrong() -> None:
    assert "weight 3" in check(8, lambda denoise, x, level, label, w: denoise(x, level, label if w else None)).reason


def test_the_exact_denoiser_of_a_class_is_used_for_its_label() -> None:
    world, level = two_classes(), Level(0.8, 0.6)
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mixed = world(x, level, torch.tensor([0, 1, -1, 1]))
    kinds = (world.by_class[0], world.by_class[1], world.any_class, world.by_class[1])
    expected = torch.stack([denoise(x, level)[row] for row, denoise in enumerate(kinds)])
    torch.testing.assert_close(mixed, expected)
    torch.testing.assert_close(world(x, level), world.any_class(x, level))


def test_counting_exact_copies_or_another_quantile_does_not_solve_lesson_9() -> None:
    def nearer(quantile: float) -> Callable[..., Tensor]:
        def fraction(samples: Tensor, train: Tensor, held_out: Tensor) -> Tensor:
            limit = torch.cdist(held_out, train).min(1).values.quantile(quantile)
            return (torch.cdist(samples, train).min(1).values <= limit).double().mean()

        return fraction

    assert check(9, nearer(0.01))
    assert not check(9, nearer(0.05)) and not check(9, nearer(0.0))


def test_the_end_of_an_ode_solves_lesson_10_and_that_of_an_sde_does_not() -> None:
    def end(sampler: Sampler) -> Callable[..., Tensor]:
        return lambda denoise, noise: list(sampler(denoise, lambda k: noise if k == 0 else noise.roll(k, 0)))[-1].x

    assert check(10, end(Sampler(Cosine(), "heun", 20)))
    assert not check(10, end(Sampler(Cosine(), "ddim", 50, eta=1.0)))
    assert not check(10, end(Sampler(Cosine(), "ddim", 5)))


def test_a_lesson_without_an_exercise_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        check(99, 1)
    assert (caught.value.code, caught.value.field) == ("unknown-name", "lesson")
