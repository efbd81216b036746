"""Select among trained models without the judges: distances to real images in features that no loss and no judge uses.

    python benchmarks/monitor.py --data FOLDER --steps 1 --steps 2 runs/a runs/b one-step

Features are hidden maps of the bundled `cfg-cosine` on slightly noised images, compared with training images; the class
is that of a small classifier trained here on the training set. Each figure stands beside that of other training images.
"""

from __future__ import annotations

from pathlib import Path

import torch
from cyclopts import App
from torch import Tensor, nn
from torch.nn import functional as F

import inkwash
from inkwash.core import NetDenoiser
from inkwash.core.rng import Stream, normals, permutation
from inkwash.data import Dataset, pixels
from inkwash.metrics.extractor_training import seeded, train_classifier
from inkwash.metrics.extractors import WIDTH, Classifier
from inkwash.metrics.frechet import Moments, frechet_distance
from inkwash.metrics.nearest_neighbours import one_nn_accuracy, prdc
from inkwash.nets.feature_maps import recorded_maps

COUNT, NEIGHBOURS, CHUNK, SEED = 2500, 1500, 250, 123
POSITION = 0.3
"""Position in the noise schedule at which images are noised before their maps are taken."""
app = App()


class Monitor:
    """Figures of samples of MNIST, from feature maps of `cfg-cosine` and a classifier trained on `data`."""

    def __init__(self, data: Dataset) -> None:
        self.model = inkwash.load("cfg-cosine", device="cpu")
        self.level = self.model.recipe.schedule(POSITION)
        first, second, rest = permutation(SEED, 0, Stream.VALIDATION_SPLIT, len(data)).tensor_split((COUNT, 2 * COUNT))
        assert data.labels is not None
        self.real, self.labels = data.values[second], data.labels[second]
        features = self.features(data.values[first])
        self.mean, self.std = features.mean(0), features.std(0) + 1e-3
        self.reference = self.standardized(features)
        self.moments = Moments.of(self.reference.double())
        self.unit = frechet_distance(Moments.of(self.standardized(self.features(self.real)).double()), self.moments)
        self.classifier = train_classifier(classifier(len(data.classes)), data.subset(rest), SEED, epochs=4)

    def standardized(self, features: Tensor) -> Tensor:
        """Return `features` [N, D] in units of the reference's standard deviations."""
        return (features - self.mean) / self.std

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Return the features [N, D] of uint8 `images` [N, 1, 28, 28]: two hidden maps, pooled."""
        rows = []
        for first in range(0, len(images), CHUNK):
            x = pixels.encode(images[first : first + CHUNK])
            position = torch.arange(first, first + len(x))
            noise = normals(SEED, position, 0, Stream.TRAIN_RENOISE, x.shape[1:])
            denoiser = NetDenoiser(self.model.net, self.model.target, torch.bfloat16)
            with recorded_maps(self.model.net, len(x), x.ndim) as maps:
                denoiser.output(self.level.mix(x, noise), self.level, None)
            middle, decoder = maps[3], maps[5]
            rows.append(torch.cat([middle.mean((2, 3)), F.adaptive_avg_pool2d(decoder, 2).flatten(1)[:, :128]], 1))
        return torch.cat(rows)

    @torch.no_grad()
    def row(self, images: Tensor, labels: Tensor) -> str:
        """Return the figures of uint8 `images` [N, 1, 28, 28] of the classes `labels` as a row of a table."""
        found = self.standardized(self.features(images))
        distance = frechet_distance(Moments.of(found.double()), self.moments) / self.unit
        neighbours = prdc(self.reference[:NEIGHBOURS], found[:NEIGHBOURS])
        separable = one_nn_accuracy(self.reference[:NEIGHBOURS], found[:NEIGHBOURS])
        correct = (self.classifier(pixels.encode(images)).argmax(1) == labels).double().mean()
        black = (images == 0).double().mean()
        return (
            f"{distance:8.2f} {neighbours.precision:9.3f} {neighbours.recall:6.3f} {separable:5.3f} "
            f"{correct:8.4f} {black:6.3f}"
        )


def classifier(classes: int) -> Classifier:
    """Return a small network with random weights: three strided convolutions and a linear layer."""

    def build() -> Classifier:
        layers: list[nn.Module] = []
        for inside, outside in ((1, 32), (32, 64), (64, WIDTH)):
            layers += [nn.Conv2d(inside, outside, 3, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
        return Classifier(nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * WIDTH, WIDTH), nn.ReLU()), classes)

    network = seeded(build, SEED)
    assert isinstance(network, Classifier)
    return network


@app.default
def main(*models: str, data: Path, steps: tuple[int, ...] = (1,)) -> None:
    """Print the figures of COUNT samples of each of `models`, with each number of `steps` of its recipe's sampler."""
    monitor = Monitor(inkwash.data.load(data))
    print(f"{'':32} {'FD ×real':>8} precision recall  1-NN accuracy  black")
    print(f"{'other training images':32} {monitor.row(monitor.real, monitor.labels)}")
    for name in models:
        model = inkwash.load(name, device="cpu")
        for count in steps:
            samples = inkwash.sample(model, n=COUNT, seed=SEED, steps=count, precision="auto", batch=CHUNK)
            print(f"{f'{name}, {count} steps':32} {monitor.row(samples.values, samples.labels)}", flush=True)


if __name__ == "__main__":
    app()
