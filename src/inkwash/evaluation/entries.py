"""From requests to entries: which settings are compared, at how many images, and each drawn and scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

from torch import Tensor

from inkwash.errors import UsageError
from inkwash.evaluation.comparison import Entry
from inkwash.evaluation.extra_measures import EXTRAS, Subject
from inkwash.evaluation.extractors import Bench
from inkwash.evaluation.measures import measure
from inkwash.evaluation.sample_cache import Setting
from inkwash.evaluation.score import Evaluation
from inkwash.model import Model
from inkwash.nets import summary
from inkwash.sampling.request import SampleRequest

Progress = Callable[[str, float], object]

USUAL, PATIENT_ONLY = 10_000, 1_000
MANY_STEPS = 100
"""Evaluations above which an image is dear, and fewer are drawn unless a number is asked for."""
SHOWN = 16


def settings_for(
    models: Sequence[Model],
    samplers: Sequence[str | None],
    weights: Sequence[float | None],
    more: SampleRequest,
) -> list[Setting]:
    """Return every model with every sampler and guidance weight; a model without labels has the weight 1 alone.

    Raises `UsageError` for a sampler or weight that no model can follow, before anything is drawn.
    """
    asked = [weight for weight in weights if weight not in (None, 1)]
    if asked and not any(chosen.conditional for chosen in models):
        names = ", ".join(chosen.name for chosen in models)
        raise UsageError(f"guidance {asked[0]:g} has no effect on {names}, trained without labels: leave it out")
    found: list[Setting] = []
    for chosen, sampler, weight in product(models, samplers, weights):
        own = weight if chosen.conditional else None
        setting = Setting(chosen, replace(more, sampler=sampler, guidance=own))
        # built once here, so that what cannot be done is said before anything is drawn
        _ = setting.sampler
        chosen.denoiser(own, more.interval, more.clip, more.precision)
        if all(setting.identity() != other.identity() for other in found):
            found.append(setting)
    return found


def usual_count(setting: Setting) -> int:
    """Return 10,000, or 1,000 for samplers of more than 100 evaluations."""
    return USUAL if setting.sampler.evaluations <= MANY_STEPS else PATIENT_ONLY


def drawn_entry(
    setting: Setting,
    count: int,
    bench: Bench,
    extras: Sequence[str] = (),
    drawing: Callable[[float], object] | None = None,
    judging: Progress | None = None,
) -> Entry:
    """Return the entry of `setting` at `count` images; `drawing(done)` and `judging(what, share)` hear how far it is."""
    samples = setting.samples(count, drawing)
    subject = Subject(samples.values, samples.asked, setting)
    return Entry(
        setting.model.name,
        setting.sampler_words,
        summary.parameters(setting.model.net),
        samples.evaluations,
        64 * setting.pace(),
        _judged(setting.words, subject, bench, extras, judging or _silent),
        samples.values[:SHOWN],
    )


def file_entry(
    name: str,
    values: Tensor,
    asked: Tensor | None,
    bench: Bench,
    extras: Sequence[str] = (),
    judging: Progress | None = None,
) -> Entry:
    """Return the entry of examples that some program drew; what they cost is not known."""
    found = _judged(name, Subject(values, asked, None), bench, extras, judging or _silent)
    return Entry(name, "", None, None, None, found, values[:SHOWN])


def _judged(name: str, subject: Subject, bench: Bench, extras: Sequence[str], progress: Progress) -> Evaluation:
    found = measure(name, subject.values, subject.asked, bench.panel, bench.data, lambda what: progress(what, 0.0))
    if bench.data is None or not extras:
        return found
    more = [score for extra in extras for score in EXTRAS[extra].measure(subject, bench.data, progress)]
    return replace(found, scores=(*found.scores, *more))


def _silent(what: str, share: float) -> None:
    pass
