"""A panel: the judges of one data set, with all that they need to know of its real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from inkwash.core.noise import Stream, permutation
from inkwash.data import Dataset, encode
from inkwash.errors import UsageError
from inkwash.metrics import extractor_training, extractors
from inkwash.metrics.extractors import Classifier, Reading, Texture
from inkwash.metrics.reference_statistics import Reference

ROWS = 10_000
"""Real images of each part whose features are kept for the measures that look at neighbours."""
HELD_BACK = 10
"""Where a set has no test part, one image in this many is held back from the judges and stands in for it."""
FEWEST_TRAIN, FEWEST_TEST = 500, 50

Progress = Callable[[str, float], object]


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """A network that sees, the number that scales its features to a mean variance of 1, and the real images as it sees them."""

    net: nn.Module | None
    scale: float
    reference: Reference

    def read(self, values: Tensor, progress: Callable[[int], object] | None = None) -> Reading:
        """Return what the judge sees in pixels uint8 [N, C, H, W] or points [N, D]; the net None takes points as they are."""
        return read(self.net, self.scale, values, progress)


@torch.inference_mode()
def read(
    net: nn.Module | None, scale: float, values: Tensor, progress: Callable[[int], object] | None = None
) -> Reading:
    """Return features times `scale`, and the probability of each class where `net` is a classifier.

    `values` are pixels, points, or images float32 in about [-1, 1], which controls alone are.
    """
    if net is None:
        return Reading(values.float() * scale, None)
    features, sure, done = [], [], 0
    for part in values.split(500):
        seen = net.features(encode(part) if part.dtype == torch.uint8 else part)  # type: ignore[operator]
        features.append(seen * scale)
        if isinstance(net, Classifier):
            sure.append(net.head(torch.relu(seen)).softmax(1))
        done += len(part)
        if progress is not None:
            progress(done)
    return Reading(torch.cat(features), torch.cat(sure) if sure else None)


@dataclass(frozen=True)
class About:
    """The data set that a panel judges: name, hash, shape of an example, classes and their proportions.

    `test_sha256` is the hash of its test part, "" where there is none, or where judges are from before it was kept.
    """

    data: str
    sha256: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    proportions: tuple[float, ...]
    test_sha256: str = ""


@dataclass(frozen=True, eq=False)
class ExtractorSet:
    """Judges by name, the first is the one whose figures come first; `rows` are real features [M, 64] as it sees them.

    `figures` are numbers measured on the real test part when the panel was made.
    """

    about: About
    judges: dict[str, FeatureExtractor]
    train_rows: Tensor
    test_rows: Tensor
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The name of the primary judge."""
        return next(iter(self.judges))

    def require(self, shape: tuple[int, ...], what: str) -> None:
        """Raise `UsageError` unless these judges see examples of `shape`; `what` names what was to be judged."""
        if tuple(shape) != self.about.shape:
            size, own = ("×".join(map(str, s)) for s in (shape, self.about.shape))
            raise UsageError(
                f"{what} has examples of {size}, the judges of {self.about.data} see {own}: give --judge DATA, "
                "the data that it should look like"
            )

    def require_labels(self, asked: Tensor, examples: int, what: str) -> None:
        """Raise `UsageError` unless `asked` holds a class that these judges know, for each of that many `examples`."""
        known = len(self.about.classes)
        if asked.shape != (examples,) or asked.is_floating_point():
            raise UsageError(f"{what} has {examples:,} examples and labels {list(asked.shape)}: give a class for each")
        if known and len(asked) and (asked.min() < 0 or asked.max() >= known):
            raise UsageError(
                f"{what} has labels from {int(asked.min())} to {int(asked.max())}, the judges of {self.about.data} know "
                f"0 to {known - 1}: give the labels that were asked for, or none"
            )

    def only(self, names: list[str]) -> ExtractorSet:
        """Return the panel with these judges alone, in this order. Raises `UsageError` for a name that it lacks."""
        missing = [name for name in names if name not in self.judges]
        if missing or not names:
            raise UsageError(
                f"--judges {','.join(names)}: the judges of {self.about.data} are {', '.join(self.judges)}"
            )
        if names[0] != self.first:
            raise UsageError(f"--judges {','.join(names)}: judge {self.first} comes first, its neighbours are compared")
        return ExtractorSet(
            self.about, {name: self.judges[name] for name in names}, self.train_rows, self.test_rows, self.figures
        )


JUDGES: dict[str, Callable[[int, int], nn.Module]] = {
    "a": extractors.stacked,
    "b": extractors.residual,
    "c": lambda channels, classes: Texture(channels),
}
"""Name -> network, from the numbers of channels and classes; the order is that of the table of scores."""

LOOKS = {
    "a": "reads classes",
    "b": "reads them another way",
    "c": "looks at strokes",
    "points": "sees the plane",
}
"""What each judge goes by, in words."""


def build(data: Dataset, progress: Progress | None = None) -> ExtractorSet:
    """Return a new panel for `data`: judges that learn it from its train part, deterministically, and its references.

    Without labels there is judge C alone; for points the plane itself is the judge. `progress(what, share)` hears how
    far it is. Raises `UsageError` for a set that is too small to be judged.
    """
    require_enough(data)
    train, test = parts(data)
    if data.is_points:
        scale = float(train.values.double().var(0).mean().rsqrt())
        seats: dict[str, tuple[nn.Module | None, float]] = {"points": (None, scale)}
    else:
        seats = {}
        for seed, name in enumerate(_wanted(data), start=1):
            net = _fitted(name, seed, train, partial(progress, f"judge {name} learns") if progress else None)
            features = read(net, 1.0, train.values).features
            seats[name] = net, float(features.double().var(0).mean().rsqrt())
    found: dict[str, FeatureExtractor] = {}
    rows: list[Tensor] = []
    for name, (seat, scale) in seats.items():
        if progress is not None:
            progress(f"judge {name} looks at the real ones", 0.0)
        seen = [read(seat, scale, part.values).features for part in (train, test)]
        reference = Reference.of(seen[0], train.labels, seen[1], test.labels, len(data.classes))
        found[name] = FeatureExtractor(seat, scale, reference)
        rows = rows or [
            part[permutation(0, 0, Stream.REFERENCE_ROWS, len(part))[:ROWS]].half().float() for part in seen
        ]
    about = About(data.name, data.sha256, data.shape, data.classes, tuple(data.proportions), data.test_sha256)
    return ExtractorSet(about, found, rows[0], rows[1])


def seconds(data: Dataset) -> float:
    """Return a guess of the seconds in which the judges of `data` learn; times some updates of each."""
    train, _ = parts(data)
    nets = [] if data.is_points else [_new(name, seed, train) for seed, name in enumerate(_wanted(data), start=1)]
    readers = [net for net in nets if isinstance(net, Classifier)]
    return sum(extractor_training.pace(net, train) * extractor_training.updates(len(train)) for net in readers)


def _wanted(data: Dataset) -> list[str]:
    # a single class teaches a classifier nothing
    return [name for name in JUDGES if len(data.classes) > 1 or name == "c"]


def _new(name: str, seed: int, train: Dataset) -> nn.Module:
    return extractor_training.initialised(lambda: JUDGES[name](train.shape[0], len(train.classes)), seed)


def require_enough(data: Dataset) -> None:
    """Raise `UsageError` for too few examples of either part, and for images that a judge's patches do not fit in."""
    if len(data) < FEWEST_TRAIN:
        raise UsageError(f"{data.name} has {len(data)} train examples: judges need at least {FEWEST_TRAIN}")
    if data.test_values is not None and len(data.test_values) < FEWEST_TEST:
        raise UsageError(
            f"{data.name} has {len(data.test_values)} test examples: judges need at least {FEWEST_TEST}, or none, and "
            "then a tenth of the train part stands in"
        )
    if not data.is_points and min(data.shape[-2:]) < extractors.PATCH:
        size = "×".join(map(str, data.shape[-2:]))
        raise UsageError(f"{data.name} has images of {size}: judges need at least {extractors.PATCH} pixels a side")


def _fitted(name: str, seed: int, train: Dataset, progress: Callable[[float], object] | None) -> nn.Module:
    net = _new(name, seed, train)
    if isinstance(net, Classifier):
        net = extractor_training.learnt(net, train, seed, progress).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        # kept in half precision, so judged in it from the first
        return net.half().float()
    assert isinstance(net, Texture)
    return extractor_training.fitted(net, train, seed).half().float()


def parts(data: Dataset) -> tuple[Dataset, Dataset]:
    """Return train and test part as sets of their own; a tenth of the train part where there is no test part."""
    if data.test_values is not None:
        test = Dataset(data.name, data.test_values, data.test_labels, data.classes)
        return Dataset(data.name, data.values, data.labels, data.classes), test
    order = permutation(0, 0, Stream.REFERENCE_SPLIT, len(data))
    cut = len(data) // HELD_BACK
    picked = (order[cut:].sort().values, order[:cut].sort().values)
    parts = [
        Dataset(data.name, data.values[k], None if data.labels is None else data.labels[k], data.classes)
        for k in picked
    ]
    return parts[0], parts[1]
