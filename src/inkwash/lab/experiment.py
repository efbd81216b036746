"""What an experiment is: a claim, the arms that test it, and the rule that reads a verdict off what was measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from inkwash.config.lengths import Length
from inkwash.config.schema import decode_schedule
from inkwash.errors import UsageError
from inkwash.io.names import cleaned_name
from inkwash.lab.figures import Plot
from inkwash.lab.measurement import Measure, table
from inkwash.lab.results import Results
from inkwash.sampling.request import SampleRequest

Outcome = Literal["holds", "holds in part", "does not hold", "cannot be told"]


@dataclass(frozen=True)
class Trained:
    """A model that is trained for the experiment: a recipe with `changes`, as `--set` takes them.

    `run` names its folder, the recipe's name if empty; a checkpoint is kept at each share of the length in `kept_at`,
    besides the recipe's milestones. Everything that one experiment trains has the same length.
    """

    recipe: str
    changes: tuple[str, ...] = ()
    run: str = ""
    kept_at: tuple[float, ...] = ()

    @property
    def folder(self) -> str:
        """The name of its run folder."""
        return self.run or cleaned_name(self.recipe)


@dataclass(frozen=True)
class Arm:
    """One side of an experiment: a model and one way to draw from it; None means as its recipe says.

    `model` is a bundled one's name, a run folder, a checkpoint file, or `Trained`; a recipe whose model is not bundled,
    or learnt other data than is asked for, is trained. `schedule` is a row of SCHEDULES. `each_milestone` makes it an
    arm for every checkpoint that the model's run has kept.
    """

    name: str
    model: str | Trained
    sampler: str | None = None
    guidance: float | None = None
    eta: float | None = None
    temperature: float = 1.0
    schedule: str | None = None
    each_milestone: bool = False

    @property
    def settings(self) -> SampleRequest:
        """How it draws. Raises `UsageError` for an unknown schedule."""
        levels = None if self.schedule is None else decode_schedule(self.schedule)
        # an experiment holds arms of one machine against each other: they take the precision that it is fast in
        return SampleRequest(
            sampler=self.sampler,
            eta=self.eta,
            temperature=self.temperature,
            schedule=levels,
            guidance=self.guidance,
            precision="auto",
        )


@dataclass(frozen=True)
class Verdict:
    """What became of the hypothesis, and why, in a sentence or two with the numbers."""

    outcome: Outcome
    words: str


def weigh(*parts: tuple[bool, str]) -> Verdict:
    """Return the verdict on a claim of several parts, each whether it holds and a sentence that says so in numbers."""
    held = sum(holds for holds, _ in parts)
    outcome: Outcome = "holds" if held == len(parts) else "holds in part" if held else "does not hold"
    return Verdict(outcome, " ".join(words for _, words in parts))


@dataclass(frozen=True)
class Experiment:
    """A claim under test. `hypothesis` is one sentence, `claimed_by` the recipe whose system made it, "" for none.

    `count` images are drawn for each arm, and everything trained sees `length`. Each of `measures` looks at one arm at
    a time; `verdict` is a rule on what they all found, and nothing else. Raises `UsageError` for what cannot be run.
    """

    name: str
    objective: str
    hypothesis: str
    arms: tuple[Arm, ...]
    verdict: Callable[[Results], Verdict]
    claimed_by: str = ""
    measures: tuple[Measure, ...] = (table,)
    plots: tuple[Plot, ...] = ()
    next: str = ""
    count: int = 1000
    length: str = "60000 images"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise UsageError(f"experiment '{self.name}': write its name in small letters, digits and hyphens")
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"experiment {self.name} has the arms {names}: give at least one, each a name of its own")
        by_folder: dict[str, Trained] = {}
        for arm in self.arms:
            if isinstance(arm.model, Trained) and by_folder.setdefault(arm.model.folder, arm.model) != arm.model:
                raise UsageError(
                    f"experiment {self.name} trains two models in runs/{arm.model.folder}: give each Trained a run of its own"
                )
        Length.parse(self.length, f"length of experiment {self.name}")
