"""An experiment: a claim, the variants that test it, and the rule that derives a verdict from their results."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from inkwash.config.lengths import Length
from inkwash.config.registry_sections import decode_schedule
from inkwash.core import Schedule
from inkwash.errors import UsageError
from inkwash.io.names import sanitized_name
from inkwash.lab.figures import Plot
from inkwash.lab.measures import Measure, evaluation
from inkwash.lab.results import Results
from inkwash.sampling.request import SampleRequest

Outcome = Literal["holds", "holds in part", "does not hold", "inconclusive"]


@dataclass(frozen=True)
class Trained:
    """A model trained for the experiment: a recipe with `changes`, as `--set` takes them.

    `run` names its run folder, by default after the recipe. Besides the recipe's milestones, a checkpoint is kept at
    each fraction of the length in `checkpoint_fractions`. All models that an experiment trains have the same length.
    """

    recipe: str
    changes: tuple[str, ...] = ()
    run: str = ""
    checkpoint_fractions: tuple[float, ...] = ()

    @property
    def folder(self) -> str:
        """The name of the run folder."""
        return self.run or sanitized_name(self.recipe)

    def __str__(self) -> str:
        """Return the recipe and its changes in words."""
        changes = ", ".join(self.changes)
        return f"recipe {self.recipe}" + (f" with {changes}" if changes else " unchanged")


@dataclass(frozen=True)
class Variant:
    """A model with sampling settings, None for the defaults of its recipe: an entry of the experiment's evaluation.

    `model` is a bundled model, run folder or checkpoint file, or `Trained`. A recipe without a bundled model, or with
    one of other data than the experiment's, is trained. `schedule` is a key of SCHEDULES, or a schedule. With
    `each_milestone` every checkpoint of the model's run becomes a variant.
    """

    name: str
    model: str | Trained
    sampler: str | None = None
    guidance: float | None = None
    eta: float | None = None
    temperature: float = 1.0
    schedule: str | Schedule | None = None
    each_milestone: bool = False

    @property
    def request(self) -> SampleRequest:
        """The sampling settings, in the fastest precision of the machine. Raises `UsageError` for unknown schedules."""
        return SampleRequest(
            sampler=self.sampler,
            eta=self.eta,
            temperature=self.temperature,
            schedule=decode_schedule(self.schedule) if isinstance(self.schedule, str) else self.schedule,
            guidance=self.guidance,
            precision="auto",
        )


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test of the hypothesis, and the reason in a sentence or two with the numbers."""

    outcome: Outcome
    words: str

    @classmethod
    def of(cls, *parts: tuple[bool, str]) -> Verdict:
        """Return the verdict on a claim of several parts: for each, whether it holds, and a sentence with the numbers."""
        held = sum(holds for holds, _ in parts)
        outcome: Outcome = "holds" if held == len(parts) else "holds in part" if held else "does not hold"
        return cls(outcome, " ".join(words for _, words in parts))


@dataclass(frozen=True)
class Experiment:
    """A claim under test: `hypothesis` in one sentence, `claimed_by` the recipe that it is made for, "" for none.

    `count` samples of each variant are measured, and every model is trained for `length`. Each of `measures` is applied
    to one variant after the other; `verdict` is computed from all results. Raises `UsageError` for an invalid name,
    length or set of variants.
    """

    name: str
    objective: str
    hypothesis: str
    variants: tuple[Variant, ...]
    verdict: Callable[[Results], Verdict]
    claimed_by: str = ""
    measures: tuple[Measure, ...] = (evaluation,)
    plots: tuple[Plot, ...] = ()
    next: str = ""
    count: int = 1000
    length: str = "60000 images"

    def __post_init__(self) -> None:
        """Refuse names that cannot be a folder's, equal names, and two models in one run folder."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise UsageError(
                f"experiment name is '{self.name}': use lower-case letters, digits and hyphens",
                code="invalid-value",
                field="name",
            )
        names = [each.name for each in self.variants]
        if not names or len(set(names)) < len(names):
            raise UsageError(
                f"experiment {self.name} has the variants {names}: give at least one, with distinct names",
                code="invalid-value",
                field="variants",
            )
        by_folder: dict[str, Trained] = {}
        for each in self.variants:
            if isinstance(each.model, Trained) and by_folder.setdefault(each.model.folder, each.model) != each.model:
                raise UsageError(
                    f"experiment {self.name} trains two models in runs/{each.model.folder}: give each Trained its own run",
                    code="conflict",
                    field="variants",
                )
        Length.parse(self.length, f"length of experiment {self.name}")

    def claim(self, run: str | None = None) -> str:
        """Return the hypothesis with the recipe that claims it; with `run`, the model that is tested in its place."""
        if run is None:
            return f"{self.claimed_by}: {self.hypothesis}" if self.claimed_by else self.hypothesis
        source = f"claimed by {self.claimed_by}, " if self.claimed_by else ""
        return f"{self.hypothesis} ({source}tested here on {run})"
