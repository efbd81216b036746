"""What is asked of `evaluate`, as one value, and the tasks that come of it: everything is checked before anything is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inkwash import model
from inkwash.core.noise import Stream, permutation
from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import UsageError
from inkwash.evaluation import extractors, image_arrays, run_quality
from inkwash.evaluation.comparison import Entry
from inkwash.evaluation.entries import drawn_entry, file_entry, settings_for, usual_count
from inkwash.evaluation.extra_measures import EXTRAS
from inkwash.evaluation.extractors import Bench
from inkwash.evaluation.measures import MOST
from inkwash.evaluation.sample_cache import Setting
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.runs.environment import commit
from inkwash.sampling.request import SampleRequest

Progress = Callable[[str, float], object]


def listed(text: str | None) -> tuple[str | None, ...]:
    """Return the parts of "ddim:50,ddim:20"; None, the default, is a list of itself."""
    return (None,) if text is None else tuple(part.strip() for part in text.split(","))


def weights(text: str | None) -> tuple[float | None, ...]:
    """Return the weights of "1,1.5". Raises `UsageError` for what is no number."""
    try:
        return tuple(None if part is None else float(part) for part in listed(text))
    except ValueError:
        raise UsageError(f"guidance '{text}': give weights as in 1,1.5") from None


def named_apart(things: Sequence[str | Model], models: Sequence[Model]) -> list[Model]:
    """Return the models that `things` stand for; those of one name, as runs of one recipe, are called as they were given."""
    often = Counter(chosen.name for chosen in models)
    given = [f"{t.name} ({t.weights})" if isinstance(t, Model) else t for t in things]
    return [replace(m, name=name) if often[m.name] > 1 else m for m, name in zip(models, given, strict=True)]


@dataclass(frozen=True)
class Asked:
    """The request as the user gave it; None means the default. `extras` are names in `EXTRAS`."""

    things: tuple[str | Model, ...]
    n: int | None = None
    samplers: tuple[str | None, ...] = (None,)
    weights: tuple[float | None, ...] = (None,)
    settings: SampleRequest = field(default_factory=SampleRequest)
    data: str | None = None
    judge: str | None = None
    judges: str | None = None
    extras: tuple[str, ...] = ()
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.n is not None and not 1 <= self.n <= MOST:
            raise UsageError(f"-n is {self.n}: it must be at least 1, and at most {MOST:,}")
        if self.data is not None and self.judge is not None:
            raise UsageError("--data and --judge both say which data to judge by: give one")

    def resolve(self, progress: Progress | None = None) -> Todo:
        """Return the tasks. Raises `UsageError` or `InkwashError` for what cannot be read, drawn or judged."""
        paths = [str(t) for t in self.things if not isinstance(t, Model) and image_arrays.holds(t)]
        if paths and (self.samplers != (None,) or self.weights != (None,) or self.settings != SampleRequest()):
            raise UsageError(f"{paths[0]} is drawn already: sampler, guidance and their like have no effect on a file")
        rest = [thing for thing in self.things if isinstance(thing, Model) or thing not in paths]
        models = named_apart(
            rest, [thing if isinstance(thing, Model) else model.load(thing, device=self.device) for thing in rest]
        )
        settings = settings_for(models, self.samplers, self.weights, self.settings) if models else []
        held = {path: image_arrays.read(path) for path in paths}
        shapes = {path: tuple(values.shape[1:]) for path, (values, _) in held.items()}
        bench = self._bench(models, shapes, progress)
        for name, shape in shapes.items():
            bench.panel.require(shape, name)
        for setting in settings:
            chosen = setting.model
            bench.panel.require(chosen.spec.shape, chosen.name)
            if chosen.conditional:
                known = torch.arange(len(chosen.spec.classes))
                bench.panel.require_labels(known, len(known), chosen.name)
        for path, (values, labels) in held.items():
            image_arrays.require_like(path, values, bench.panel)
            if labels is not None:
                bench.panel.require_labels(labels, len(values), path)
        missing = [name for name in self.extras if bench.data is None]
        if missing:
            raise UsageError(f"--{missing[0]} needs {bench.panel.about.data} itself: give --data FOLDER")
        # what is compared is drawn alike: FD at another number of images is another measure
        usual = min((usual_count(setting) for setting in settings), default=0)
        tasks: list[Task] = [Drawing(setting, self.n or usual) for setting in settings]
        for path, (values, labels) in held.items():
            # some of a file are seeded ones: it may be sorted by class
            some = permutation(0, 0, Stream.FILE_ROWS, len(values))[: self.n].sort().values
            tasks.append(Held(path, values[some], None if labels is None else labels[some]))
        return Todo(bench, tuple(tasks), self.extras)

    def _bench(self, models: list[Model], shapes: dict[str, tuple[int, ...]], progress: Progress | None) -> Bench:
        if self.judge is not None:
            shape = models[0].spec.shape if models else next(iter(shapes.values()))
            found = extractors.for_data(self.judge, shape[-1] if len(shape) == 3 else None, progress)
        elif models:
            # before judges are built: that takes minutes
            self._require_one_data(models)
            found = extractors.for_facts(models[0].spec, self.data, progress)
        elif self.data is not None:
            found = extractors.for_data(self.data, None, progress)
        else:
            found = extractors.for_shape(next(iter(shapes.values())))
        names = [name for name in listed(self.judges) if name is not None]
        return Bench(found.panel.only([n.lower() for n in names]), found.data) if names else found

    @staticmethod
    def _require_one_data(models: list[Model]) -> None:
        first = models[0]
        for other in models[1:]:
            if other.spec.sha256 != first.spec.sha256:
                raise UsageError(
                    f"{first.name} learnt {first.spec.data}, {other.name} learnt {other.spec.data}: their figures "
                    "cannot be compared; evaluate them one by one, or give --judge DATA"
                )


@dataclass(frozen=True, eq=False)
class Drawing:
    """A setting of a model, to be drawn `count` times and judged."""

    setting: Setting
    count: int

    @property
    def name(self) -> str:
        """Model and sampler in words."""
        return self.setting.words

    @property
    def asked(self) -> bool:
        """Whether a class is asked for."""
        return self.setting.model.conditional

    def seconds(self) -> float:
        """Return a guess of the seconds that drawing will take."""
        return self.setting.seconds_for(self.count)

    def share(self, process_group: ProcessGroup, drawing: Callable[[float], object]) -> None:
        """Draw this process's share of it."""
        self.setting.share(self.count, process_group, drawing)

    def run(self, todo: Todo, drawing: Callable[[float], object], judging: Progress) -> Entry:
        """Draw, judge, and return the entry; of a run, what it came to is kept in its folder."""
        entry = drawn_entry(self.setting, self.count, todo.bench, todo.extras, drawing, judging)
        row = run_quality.Measured.of(self.setting, entry, f"fd.{todo.bench.panel.first}")
        if row is not None:
            run_quality.keep(self.setting.model, [row])
        return entry

    def metadata(self) -> dict[str, str]:
        """Return what a report says of where its samples came from."""
        chosen, taught = self.setting.model, self.setting.model.recipe.training.guidance
        return {
            "model": f"{chosen.name} ({chosen.weights}), step {chosen.step:,}",
            "sampler": self.setting.sampler_words,
            "guidance": (f"{self.setting.guidance:g}" if self.setting.guidance != 1 else "none")
            + (f", {taught:g} learnt" if taught != 1 else ""),
            "seeds": f"0 to {self.count - 1:,}",
            "network in": self.setting.precision,
        }


@dataclass(frozen=True, eq=False)
class Held:
    """A file of examples, drawn already by some program."""

    path: str
    values: Tensor
    labels: Tensor | None

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    @property
    def count(self) -> int:
        """How many examples."""
        return len(self.values)

    @property
    def asked(self) -> bool:
        """Whether a class was asked for."""
        return self.labels is not None

    def seconds(self) -> float:
        """Return 0: nothing is drawn."""
        return 0.0

    def share(self, process_group: ProcessGroup, drawing: Callable[[float], object]) -> None:
        """Do nothing: it is drawn already."""

    def run(self, todo: Todo, drawing: Callable[[float], object], judging: Progress) -> Entry:
        """Judge, and return the entry."""
        return file_entry(self.name, self.values, self.labels, todo.bench, todo.extras, judging)

    def metadata(self) -> dict[str, str]:
        """Return what a report says of where its samples came from."""
        return {"file": self.name}


Task = Drawing | Held


@dataclass(frozen=True, eq=False)
class Todo:
    """Tasks and the bench that judges them."""

    bench: Bench
    tasks: tuple[Task, ...]
    extras: tuple[str, ...] = ()

    def seconds(self) -> float:
        """Return a guess of the seconds that all drawing will take; times one step of each."""
        return sum(task.seconds() for task in self.tasks)

    def extra_seconds(self) -> float:
        """Return a guess of the seconds that the extra measures will take; times a step of each."""
        data = self.bench.data
        if data is None:
            return 0.0
        return sum(
            EXTRAS[name].seconds(task.count, task.setting if isinstance(task, Drawing) else None, task.asked, data)
            for name in self.extras
            for task in self.tasks
        )

    def metadata(self) -> dict[str, str]:
        """Return what a report says of its making: samples, judges, machine, commit."""
        places = [task.setting.model.device for task in self.tasks if isinstance(task, Drawing)]
        machine: dict[str, Any] = devices.describe((places or [torch.device("cpu")])[0])
        own = self.tasks[0].metadata() if len(self.tasks) == 1 else {"compared": ", ".join(t.name for t in self.tasks)}
        return own | {
            "judges": f"{', '.join(self.bench.panel.judges)} of {self.bench.panel.about.data}",
            "machine": f"{machine['hardware']}, {machine['threads']} threads, torch {machine['torch']}",
            "commit": commit() or "not under version control",
        }
