"""The set of feature extractors of one data set, with the statistics of its real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset, encode
from inkwash.errors import UsageError
from inkwash.metrics import extractor_training, extractors
from inkwash.metrics.extractors import Classifier, Extraction, Texture
from inkwash.metrics.input_checks import check_labels, format_shape, invalid_input
from inkwash.metrics.reference_statistics import ReferenceStatistics
from inkwash.metrics.tensor_types import Examples
from inkwash.text.progress import ProgressCallback, StageProgressCallback

MAX_STORED_FEATURES = 10_000
"""Real images of each part whose features are stored for nearest-neighbour measures."""
HOLDOUT_DIVISOR = 10
"""One in this many train images becomes the test part of a data set without one."""
MIN_TRAIN, MIN_TEST = 500, 50
BATCH = 500


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """A network, the factor that scales its features to a mean variance of 1, and the statistics of the real images.

    The network of points in the plane is None: their coordinates are the features.
    """

    net: nn.Module | None
    scale: float
    statistics: ReferenceStatistics

    def extract(self, values: Examples) -> Extraction:
        """Return features and class probabilities of pixels uint8 [N, C, H, W] or points [N, D]."""
        return extract(self.net, self.scale, values)


@torch.inference_mode()
def extract(net: nn.Module | None, scale: float, values: Examples) -> Extraction:
    """Return features times `scale`, and class probabilities where `net` is a classifier.

    `values` are pixels uint8, points, or images float32 in about [-1, 1].
    """
    if net is None:
        return Extraction(values.float() * scale, None)
    features, probabilities = [], []
    for batch in values.split(BATCH):
        found = net.features(encode(batch) if batch.dtype == torch.uint8 else batch)  # type: ignore[operator]
        features.append(found * scale)
        if isinstance(net, Classifier):
            probabilities.append(net.head(torch.relu(found)).softmax(1))
    return Extraction(torch.cat(features), torch.cat(probabilities) if probabilities else None)


@dataclass(frozen=True)
class ReferenceSpec:
    """The data set of an extractor set: name, hash, shape of an example, classes and their proportions.

    `test_sha256` is the hash of its test part, "" where there is none or the files are of a version without it.
    """

    data: str
    sha256: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    proportions: tuple[float, ...]
    test_sha256: str = ""


@dataclass(frozen=True, eq=False)
class ExtractorSet:
    """Feature extractors by name, the primary one first.

    `train_features` and `test_features` are those of real images by the primary one, float32 [M, 64]. `real_scores`
    are scores of the real test part, measured when the set was built.
    """

    spec: ReferenceSpec
    extractors: dict[str, FeatureExtractor]
    train_features: Float[Tensor, "M D"]
    test_features: Float[Tensor, "T D"]
    real_scores: dict[str, float] = field(default_factory=dict)

    @property
    def primary(self) -> str:
        """The name of the primary extractor."""
        return next(iter(self.extractors))

    def require_shape(self, shape: tuple[int, ...], name: str) -> None:
        """Raise `UsageError` unless the extractors take examples of `shape`; `name` is that of the samples."""
        if tuple(shape) != self.spec.shape:
            raise UsageError(
                f"{name} has examples of {format_shape(shape)}, the judges (feature extractors) of {self.spec.data} take "
                f"{format_shape(self.spec.shape)}: give --judge DATA, the data to compare with",
                code="mismatch",
            )

    def require_labels(self, labels: Tensor, count: int, name: str) -> None:
        """Raise `UsageError` unless `labels` holds a known class for each of `count` examples."""
        check_labels(labels, count, range(len(self.spec.classes)) if self.spec.classes else None, name)

    def select(self, names: list[str]) -> ExtractorSet:
        """Return the set with only the named extractors. Raises `UsageError` for unknown names."""
        if not names or any(name not in self.extractors for name in names):
            raise UsageError(
                f"--judges {','.join(names)}: the judges (feature extractors) of {self.spec.data} are "
                f"{', '.join(self.extractors)}",
                code="unknown-name",
                field="judges",
            )
        if names[0] != self.primary:
            raise UsageError(
                f"--judges {','.join(names)}: give {self.primary} first, nearest-neighbour measures need its features",
                code="invalid-value",
                field="judges",
            )
        chosen = {name: self.extractors[name] for name in names}
        return ExtractorSet(self.spec, chosen, self.train_features, self.test_features, self.real_scores)


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    "a": extractors.plain_cnn,
    "b": extractors.residual_cnn,
    "c": lambda channels, classes: Texture(channels),
}
"""Name -> network for the numbers of channels and classes, in the order of the table of scores."""

DESCRIPTIONS = {
    "a": "a classifier",
    "b": "a classifier of another architecture",
    "c": "texture, without labels",
    "points": "the plane",
}
"""Name -> what the extractor measures."""


def build(data: Dataset, progress: StageProgressCallback | None = None) -> ExtractorSet:
    """Return new extractors, trained deterministically on the training set of `data`, and the statistics of both parts.

    Data without labels have extractor C only; points are their own features. `progress(stage, fraction)` is called
    throughout. Raises `UsageError` for a data set that is too small.
    """
    require_enough(data)
    train, test = train_test_parts(data)
    networks: dict[str, nn.Module | None] = {"points": None} if data.is_points else {}
    if not data.is_points:
        for seed, name in enumerate(_names(data), start=1):
            networks[name] = _trained(
                name, seed, train, partial(progress, f"training judge {name}") if progress else None
            )
    members: dict[str, FeatureExtractor] = {}
    stored: list[Tensor] = []
    for name, net in networks.items():
        if progress is not None:
            progress(f"extracting features {name} of real images", 0.0)
        scale = float(extract(net, 1.0, train.values).features.double().var(0).mean().rsqrt())
        features = [extract(net, scale, part.values).features for part in (train, test)]
        statistics = ReferenceStatistics.of(features[0], train.labels, features[1], test.labels, len(data.classes))
        members[name] = FeatureExtractor(net, scale, statistics)
        # Round to half precision, as stored.
        stored = stored or [
            part[permutation(0, 0, Stream.REFERENCE_ROWS, len(part))[:MAX_STORED_FEATURES]].half().float()
            for part in features
        ]
    spec = ReferenceSpec(data.name, data.sha256, data.shape, data.classes, tuple(data.proportions), data.test_sha256)
    return ExtractorSet(spec, members, stored[0], stored[1])


def training_seconds(data: Dataset) -> float:
    """Return the estimated seconds of training the extractors of `data`, timing some steps of each."""
    train, _ = train_test_parts(data)
    nets = [] if data.is_points else [_new(name, seed, train) for seed, name in enumerate(_names(data), start=1)]
    classifiers = [net for net in nets if isinstance(net, Classifier)]
    steps = extractor_training.num_steps(len(train))
    return sum(extractor_training.seconds_per_step(net, train) * steps for net in classifiers)


def _names(data: Dataset) -> list[str]:
    # A classifier needs at least two classes.
    return [name for name in NETWORKS if len(data.classes) > 1 or name == "c"]


def _new(name: str, seed: int, train: Dataset) -> nn.Module:
    return extractor_training.seeded(lambda: NETWORKS[name](train.shape[0], len(train.classes)), seed)


def require_enough(data: Dataset) -> None:
    """Raise `UsageError` for too few examples of either part, and for images smaller than a patch."""
    if len(data) < MIN_TRAIN:
        raise invalid_input(
            f"{data.name} has {len(data)} train examples: judges (feature extractors) need at least {MIN_TRAIN}", "data"
        )
    if data.test_values is not None and len(data.test_values) < MIN_TEST:
        raise invalid_input(
            f"{data.name} has {len(data.test_values)} test examples: judges (feature extractors) need at least "
            f"{MIN_TEST}, or none, in which case a tenth of the train part is held out",
            "data",
        )
    if not data.is_points and min(data.shape[-2:]) < extractors.PATCH:
        raise invalid_input(
            f"{data.name} has images of {format_shape(data.shape[-2:])}: judges (feature extractors) need at least "
            f"{extractors.PATCH} pixels on each side",
            "data",
        )


def _trained(name: str, seed: int, train: Dataset, progress: ProgressCallback | None) -> nn.Module:
    """Return the extractor `name`, its weights rounded to half precision, as stored."""
    net = _new(name, seed, train)
    if isinstance(net, Classifier):
        net = extractor_training.train_classifier(net, train, seed, progress)
        return net.to(memory_format=torch.contiguous_format).half().float()  # type: ignore[call-overload]
    assert isinstance(net, Texture)
    return extractor_training.fit_texture(net, train, seed).half().float()


def train_test_parts(data: Dataset) -> tuple[Dataset, Dataset]:
    """Return train and test part as separate data sets; without a test part, a tenth of the train part is held out."""
    if data.test_values is not None:
        return data.subset(slice(None)), Dataset(data.name, data.test_values, data.test_labels, data.classes)
    order = permutation(0, 0, Stream.REFERENCE_SPLIT, len(data))
    cut = len(data) // HOLDOUT_DIVISOR
    return data.subset(order[cut:].sort().values), data.subset(order[:cut].sort().values)
