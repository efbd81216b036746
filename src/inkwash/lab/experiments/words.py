"""Attributes by request: a word moves its attribute and leaves the others."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch import Tensor

from inkwash.attributes import measure
from inkwash.errors import UsageError
from inkwash.evaluation.attribute_report import Matrix, sweep_effects
from inkwash.evaluation.attribute_requests import AttributeRequests, Requested
from inkwash.evaluation.scores import Score
from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.measures import Finding, LoadedVariant, MeasureContext, Picture
from inkwash.lab.results import Results
from inkwash.metrics.attribute_scores import agreement
from inkwash.sampling.run import resolve, to_arrays

WORDS = ("thickness", "slant", "width", "height")
"""Attributes of which none follows from the others: ink, roundness and holes do, and are left unspecified."""
MIN_MOVED, MAX_OTHERS = 0.8, 0.25
"""Least share of the requested change, and largest change of another attribute in standard deviations."""
FRACTIONS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
LABELS, SEED = (7, 3), 5
"""Classes and noise of the picture."""


def followed(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
    """Measure R² of requested and measured attributes, and what a sweep of each changes with the other words held."""
    data = context.reference.data
    requests = None if data is None else AttributeRequests.of(variant.setting, data, context.count)
    if requests is None:
        message = f"{variant.name} has no attributes, or its test images are missing: use a model of the recipe words"
        raise UsageError(message, code="unsupported", field="run")
    names, specs = requests.names, variant.setting.model.spec.attributes

    def sampled(requested: Requested) -> Tensor:
        with context.progress.sampling(variant.name, requested.count) as done:
            return requested.cache.samples(requested.count, done).values

    measured = measure(sampled(requests.together()), names)
    for k, name in enumerate(names):
        found = agreement(requests.values[:, k], measured[:, k])
        yield Score(f"r2.{name}", f"R² of {name}", found.r2, better="high")
        yield Score(f"mae.{name}", f"mean absolute error of {name}", found.mae)
    chosen = [names.index(word) for word in WORDS if word in names]
    for key, words, held in (("", "the other words held", WORDS), (".free", "the others unspecified", ())):
        matrix: Matrix = sweep_effects(requests, held, sampled)
        for k in chosen:
            ends = requests.sweep_ends(k)
            wanted = float((ends[:, 1] - ends[:, 0]).mean()) / specs[k].std
            other = max(chosen, key=lambda j: abs(matrix[k][j]) if j != k else -1.0)
            yield Score(
                f"moved.{names[k]}{key}", f"change of {names[k]} over that requested, {words}", matrix[k][k] / wanted
            )
            note = f"{names[other]} changes most"
            title = f"largest change of another word with {names[k]}, in standard deviations, {words}"
            yield Score(f"others.{names[k]}{key}", title, abs(matrix[k][other]), note=note)
    yield _sweeps(variant, [names[k] for k in chosen])


def _sweeps(variant: LoadedVariant, words: list[str]) -> Picture:
    """Return a picture with a sweep of each word in a row, for each class, all of the same noise."""
    from inkwash.viz import grids

    setting = variant.setting
    specs = {spec.name: spec for spec in setting.model.spec.attributes}
    rows = [(word, label) for label in LABELS for word in words]
    images = []
    for word, label in rows:
        values = tuple(specs[word].quantile(fraction, label) for fraction in FRACTIONS)
        seeds = (SEED,) * len(FRACTIONS)
        request = replace(setting.request, seed=seeds, label=(label,), attributes={word: values}, extrapolate=True)
        images += [to_arrays(batch.values) for batch in resolve(request, setting.model).batches()]
    image = grids.grid(np.concatenate(images), len(FRACTIONS), 3, labels=[word for word, _ in rows])
    return Picture(
        "sweeps", "One attribute swept from the 2 % to the 98 % quantile of its class, the same noise", image
    )


def verdict(results: Results) -> Verdict:
    """In the first variant, each word makes 80 % of the requested change, and no other word held changes by 0.25."""
    first = results.variants[0]
    parts = []
    for word in WORDS:
        moved, others = first.value(f"moved.{word}"), first.value(f"others.{word}")
        parts += [
            (moved >= MIN_MOVED, f"A sweep of {word} makes {moved:.0%} of the requested change;"),
            (others <= MAX_OTHERS, f"another word changes by at most {others:.2f} standard deviations."),
        ]
    return Verdict.of(*parts)


EXPERIMENT = Experiment(
    name="words",
    claimed_by="words",
    objective="Sweep each attribute with the same noise, the others held, and measure what changes in the samples.",
    hypothesis="A word moves its attribute and leaves the others.",
    variants=(
        Variant("15 evaluations", "words", "dpm++2m:15"),
        Variant("5 evaluations", "words", "dpm++2m:5"),
        Variant("one evaluation", "words-one-step"),
    ),
    measures=(followed,),
    verdict=verdict,
    next="Guidance on attributes, which training drops at random as it drops the class.",
    count=500,
)
