"""Measure encodings of test digits and edits of their attributes, for docs/words.md.

    python benchmarks/edits.py --data FOLDER
    python benchmarks/edits.py --data FOLDER --count 100 --unlabelled

The round trip is picture, noise, picture. An edit adds a standard deviation of the training set to an attribute, of
digits where the result is in the range of the training set. Its distance to the digit stands beside that of a sample with the
same request and other noise, the changes of the other attributes beside those of the round trip.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from cyclopts import App
from torch import Tensor

import inkwash
from inkwash import data as datasets
from inkwash.attributes import measure, standardize
from inkwash.core import Denoiser, Encoding, Labelled, WithAttributes, encode
from inkwash.core.rng import Stream, normals, permutation
from inkwash.data import decode, pixels
from inkwash.evaluation import reference
from inkwash.metrics.attribute_scores import agreement
from inkwash.sampling.encoding import SAMPLER, attributes_of, conditions

EDITED = ("thickness", "slant", "width")
BATCH = 100
app = App()


class Edits:
    """Test digits with their classes and attributes, and the model that encodes and edits them."""

    def __init__(self, data: Path, model: str, count: int, sampler: str, *, labelled: bool = True) -> None:
        found = datasets.load(data)
        assert found.test_values is not None and found.test_labels is not None
        rows = permutation(1, 0, Stream.BENCHMARK, len(found.test_values))[:count]
        self.images, self.labels = found.test_values[rows], found.test_labels[rows]
        self.model = inkwash.load(model, device="cpu")
        self.sampler, self.labelled = self.model.sampler(sampler), labelled
        self.specs = self.model.spec.attributes
        self.names = [spec.name for spec in self.specs]
        self.values = measure(self.images, self.names)
        extractors = reference.for_data(found).extractor_set
        self.extractor = extractors.extractors[extractors.primary]

    def sampled(self, requested: Tensor, rows: Tensor, *, fresh: bool = False) -> tuple[Tensor, Tensor]:
        """Return the digits `rows` with attributes `requested` [N, A], and their reconstructions, both uint8.

        With `fresh` they are samples of the same request that do not start from a digit, and no reconstructions.
        """
        source, target = conditions(self.model, attributes_of(self.model, self.images[rows]), requested)
        found = []
        for part in torch.arange(len(rows)).split(BATCH):
            labels = self.labels[rows[part]] if self.labelled or fresh else None
            first, second = (self._denoiser(labels, each[part]) for each in (source, target))
            images, seeds = pixels.encode(self.images[rows[part]]), rows[part] + (10**6 if fresh else 0)

            def noise(step: int, seeds: Tensor = seeds) -> Tensor:
                return normals(seeds, 0, step, Stream.SAMPLE, self.model.spec.shape)

            encoding = Encoding([], images) if fresh else encode(self.sampler, first, images, noise)
            path = self.sampler(second, noise) if fresh else self.sampler(second, encoding.noises.__getitem__, images)
            found.append(torch.stack([decode(list(path)[-1].x), decode(encoding.reconstruction)]))
        edited, reconstruction = torch.cat(found, dim=1)
        return edited, reconstruction

    def _denoiser(self, labels: Tensor | None, attributes: Tensor) -> Denoiser:
        return Labelled(WithAttributes(self.model.denoiser(1.0), attributes), labels)

    def changes(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return the change of every attribute from the digits `rows` to `images`, in standard deviations [N, A]."""
        return (measure(images, self.names) - self.values[rows]) / torch.tensor([spec.std for spec in self.specs])

    def distance(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return the RMS difference in grey levels of each image and its digit."""
        return (images.float() - self.images[rows].float()).square().flatten(1).mean(1).sqrt()

    def kept(self, images: Tensor, rows: Tensor) -> float:
        """Return the fraction of images that the first feature extractor assigns to the class of their digit."""
        found = self.extractor.extract(images).probabilities
        assert found is not None
        return float((found.argmax(1) == self.labels[rows]).double().mean())

    def edit_row(self, name: str, sign: int) -> list[str]:
        """Return the row of the table for a change of `name` by `sign` standard deviations."""
        index = self.names.index(name)
        spec = self.specs[index]
        wanted = self.values[:, index] + sign * spec.std
        low, high = spec.range
        rows = ((wanted >= low) & (wanted <= high)).nonzero()[:, 0]
        requested = torch.full((len(rows), len(self.names)), math.nan)
        requested[:, index] = standardize(wanted[rows, None], [spec])[:, 0]
        edited, _ = self.sampled(requested, rows)
        fresh, _ = self.sampled(requested, rows, fresh=True)
        change = self.changes(edited, rows)
        others = [each for each in (*EDITED, "height") if each != name]
        moved = [f"{each} {float(change[:, self.names.index(each)].abs().nanmean()):.2f}" for each in others]
        r2 = agreement(wanted[rows], measure(edited, [name])[:, 0]).r2
        return [
            f"{name} {sign * spec.std:+.2g}",
            f"{len(rows):,}",
            f"{self.kept(edited, rows):.1%}",
            f"{sign * float(change[:, index].nanmean()):.2f}",
            "" if r2 is None else f"{r2:.2f}",
            ", ".join(moved),
            f"{float(self.distance(edited, rows).mean()):.0f}",
            f"{float(self.distance(fresh, rows).mean()):.0f}",
        ]


def _print_row(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


@app.default
@torch.inference_mode()
def main(
    *,
    data: Path,
    model: str = "words",
    count: int = 1000,
    edits: int = 200,
    steps: int | None = None,
    unlabelled: bool = False,
) -> None:
    """Print the round trip of `count` digits and the edits of the first `edits` of them, in tables of Markdown."""
    sampler = SAMPLER if steps is None else f"{SAMPLER.partition(':')[0]}:{steps}"
    settings: dict[str, Any] = {"labelled": not unlabelled}
    every = Edits(data, model, count, sampler, **settings)
    rows = torch.arange(len(every.images))
    _, reconstruction = every.sampled(torch.full_like(every.values, math.nan), rows)
    error = (reconstruction.float() - every.images.float()).square().mean().sqrt()
    change = every.changes(reconstruction, rows).abs().nanmean(0).tolist()
    moved = ", ".join(f"{name} {each:.2f}" for name, each in zip(every.names, change, strict=True))
    print(
        f"{model}, {sampler}, {len(rows):,} digits: round trip {float(error):.2f} grey levels RMS; "
        f"class kept {every.kept(reconstruction, rows):.1%}; mean absolute change in standard deviations: {moved}\n",
        flush=True,
    )
    some = Edits(data, model, edits, sampler, **settings)
    header = ["requested", "digits", "class kept", "change / request", "R²", "others", "distance", "other noise"]
    _print_row(header)
    _print_row(["---", *["---:"] * (len(header) - 1)])
    for name in EDITED:
        for sign in (1, -1):
            _print_row(some.edit_row(name, sign))


if __name__ == "__main__":
    app()
