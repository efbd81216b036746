"""Samples in files, of inkwash and of any other program: in arrays, tables, archives and folders of single images."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from inkwash import data as datasets
from inkwash import model
from inkwash.data import Dataset, image_layout, image_tree, ink, unread_forms
from inkwash.data.array_pixels import ValueRange
from inkwash.errors import InkwashError, UsageError
from inkwash.io import checkpoints, pickles, png_metadata
from inkwash.metrics.extractor_set import ExtractorSet, ReferenceSpec
from inkwash.text.progress import StageProgressCallback

MODEL_SUFFIXES = (".safetensors", ".toml")
MIN_USEFUL_COUNT = 1000
"""Images below which a note says that the scores are uncertain."""


def is_samples(source: str | Path) -> bool:
    """Return whether `source` is a file or folder of samples rather than a model.

    Raises `UsageError` for a single image, which cannot be measured.
    """
    path, known = Path(source), str(source) in model.bundled()
    if known or not path.exists():
        # A missing file of arrays is reported as such, any other name as that of a model.
        return not known and path.suffix.lower() in (".npz", ".npy", ".csv", ".parquet", ".zip")
    if path.is_dir():
        is_run = (path / "recipe.toml").is_file() or bool(checkpoints.files_in(path / "checkpoints"))
        return not is_run and _holds_data(path)
    if image_tree.is_image_name(path.name):
        raise UsageError(
            f"{path} is one image, perhaps a grid of samples: give the single images, in a folder or in one array, as "
            "inkwash sample MODEL -n 10000 -o FOLDER or -o NAME.npz writes them",
            code="wrong-file",
            field="model",
        )
    if path.suffix.lower() in MODEL_SUFFIXES or pickles.kind(path) is not None:
        return False
    form = unread_forms.of(path)
    if form is not None and not datasets.is_readable(path):
        raise unread_forms.error(path, form, "model")
    return datasets.is_readable(path)


def _holds_data(folder: Path) -> bool:
    """Return whether a folder holds data in any form, rather than other files, such as the weights of a program."""
    try:
        return datasets.is_readable(folder)
    except InkwashError as error:
        # The error of a folder with several data sets is for the reader.
        return error.code != "missing-file"


def source_name(index: int, source: str | Dataset, sources: Sequence[object]) -> str:
    """Return the name of finished samples; that of data sets of equal names has their position."""
    if isinstance(source, str):
        return source
    same = sum(isinstance(other, Dataset) and other.name == source.name for other in sources)
    return source.name if same == 1 else f"{source.name} {index + 1}"


@dataclass(frozen=True, eq=False)
class SampleFile:
    """The samples at `path`: `values` uint8 [N, C, H, W] or points float32 [N, D], labels int64 [N] of `classes` or None.

    `notes` are sentences for the user about what is measured.
    """

    path: str
    values: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        source: str | Dataset,
        name: str | None = None,
        value_range: ValueRange | None = None,
        progress: StageProgressCallback | None = None,
    ) -> SampleFile:
        """Return the samples in `source`, a data set, or a file or folder of any form; `name` is that in messages.

        Labels of a folder that `inkwash sample` wrote are those in its images; enlarged images are reduced again. Raises
        `InkwashError` for data that cannot be read, `UsageError` for pixels in [0, 1].
        """
        name = name or (source.name if isinstance(source, Dataset) else source)
        labelled = None
        if isinstance(source, Dataset):
            found = source
        else:
            path = Path(source)
            if not path.exists():
                raise InkwashError(f"{name} is missing: check the path", code="missing-file")
            range_of_file = None if path.is_dir() and not datasets.takes_range(path) else value_range
            found = datasets.load(path, progress=progress, value_range=range_of_file)
            labelled = _own_samples(path, found) if path.is_dir() and found.labels is None else None
        _require_bright(name, found)
        notes = (
            ("the training part of the data is measured, not the test part",) if found.test_values is not None else ()
        )
        return labelled or cls(name, found.values, found.labels, found.classes, notes)

    def changed(self, crop: int | None, invert: bool) -> SampleFile:
        """Return the samples cropped or padded to the central `crop` by `crop` pixels, and inverted if `invert`.

        The margin of padding is black, or white where most images are dark on light. Raises `UsageError` for points.
        """
        if (crop is not None or invert) and self.values.dtype != torch.uint8:
            name = "invert" if crop is None else "crop"
            message = f"--{name} has no effect on {self.path}, which holds points: leave it out"
            raise UsageError(message, code="unsupported", field=name)
        values = 255 - self.values if invert else self.values
        return replace(self, values=values if crop is None else _cropped(values, crop))

    def suited(self, extractor_set: ExtractorSet) -> SampleFile:
        """Return the samples with the labels of the `extractor_set`, and grey where it takes one channel.

        Raises `UsageError` for another size, with the option that crops or pads, for colour, for inverted images, and
        for labels that are no class.
        """
        spec = extractor_set.spec
        found = replace(self, values=_grey(self.values) if spec.shape[:1] == (1,) else self.values)
        shape = tuple(found.values.shape[1:])
        if shape != spec.shape and shape[:1] == spec.shape[:1] and is_near(shape, spec.shape):
            raise _other_size(self.path, shape, spec)
        extractor_set.require_shape(shape, self.path)
        require_not_inverted(self.path, found.values, extractor_set)
        labels, note = found._labels_of(spec)
        notes = [*self.notes, *([] if note is None else [note])]
        if labels is not None:
            extractor_set.require_labels(labels, len(found.values), self.path)
        if len(found.values) < MIN_USEFUL_COUNT and found.values.dtype == torch.uint8:
            notes.append(
                f"{len(found.values):,} images are few: FD needs 200, and is compared between equal numbers, as of 10,000"
            )
        return replace(found, labels=labels, classes=spec.classes, notes=tuple(notes))

    def _labels_of(self, spec: ReferenceSpec) -> tuple[Tensor | None, str | None]:
        """Return the labels as classes of `spec`, by name, or unchanged where the names are only indices; and a note."""
        if self.labels is None or self.classes == spec.classes or not spec.classes:
            return self.labels, None
        if set(self.classes) <= set(spec.classes):
            return torch.tensor([spec.classes.index(name) for name in self.classes])[self.labels], None
        if self.classes == tuple(map(str, range(len(self.classes)))):
            return self.labels, None
        strange = next(name for name in self.classes if name not in spec.classes)
        return None, f"labels are ignored: the class '{strange}' of {self.path} is not one of {spec.data}"


def _own_samples(folder: Path, found: Dataset) -> SampleFile | None:
    """Return the images of a folder that inkwash wrote, of their own size, with their classes; None for other folders."""
    files = image_layout.find(folder).train.files
    names: list[str | None] = []
    scale = 1
    for file in files if len(files) == len(found) else ():
        metadata = png_metadata.read_metadata(file) if file.suffix.lower() == ".png" else None
        if metadata is None or "seed" not in metadata:
            return None
        # 0.1.0 stored the index, of classes that it did not name.
        name = metadata.get("label")
        names.append(None if name in (None, -1) else str(name))
        scale = (metadata.get("picture") or {}).get("scale") or 1
    if not names:
        return None
    values = found.values[..., ::scale, ::scale]
    if None in names:
        return SampleFile(str(folder), values)
    classes = tuple(sorted({name for name in names if name is not None}))
    return SampleFile(str(folder), values, torch.tensor([classes.index(str(name)) for name in names]), classes)


def _require_bright(path: str, found: Dataset) -> None:
    if not found.is_points and len(found) and found.values.max() <= 1:
        raise UsageError(
            f"{path}: the brightest pixel is {int(found.values.max())}, so the images are black or were scaled to "
            "[0, 1] before the conversion to uint8: save (255 * images).round().astype(numpy.uint8), or give --range 0 1",
            code="invalid-data",
        )


def _grey(values: Tensor) -> Tensor:
    """Return colour images as grey ones where all channels are equal."""
    return values[:, :1] if values.ndim == 4 and (values == values[:, :1]).all() else values


def _cropped(values: Tensor, side: int) -> Tensor:
    if side < 1:
        raise UsageError(f"--crop is {side}: it must be at least 1 pixel", code="out-of-range", field="crop")
    height, width = values.shape[-2:]
    if max(side - height, side - width) > 2 * max(height, width):
        message = f"--crop is {side}, for images of {height}×{width}: at most three times their size can be padded"
        raise UsageError(message, code="out-of-range", field="crop")
    top, left = (height - side) // 2, (width - side) // 2
    # Negative margins of `pad` crop.
    margins = (-left, side - width + left, -top, side - height + top)
    return functional.pad(values, margins, value=255 if ink.background(values[:500]) == "light" else 0)


def is_near(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Return whether images of `shape` differ from those of `expected` by a margin: each side by at most half of it."""
    if len(shape) != 3 or len(expected) != 3:
        return False
    return all(2 * abs(side - wanted) <= wanted for side, wanted in zip(shape[1:], expected[1:], strict=True))


def _other_size(path: str, shape: tuple[int, ...], spec: ReferenceSpec) -> UsageError:
    """Return the error for images of another size than the judges take, with the option that cuts or adds a margin."""
    (height, width), side = shape[1:], spec.shape[-1]
    message = (
        f"{path} has images of {height}×{width}, the judges (feature extractors) of {spec.data} take {side}×{side}"
    )
    verb = "cuts off the margin" if min(height, width) >= side else "adds a margin"
    command = f"inkwash evaluate {shlex.quote(path)} --crop {side}"
    return UsageError(
        f"{message}: {command} {verb}; or give --judge DATA, the data to compare with",
        code="mismatch",
        field="crop",
    )


def require_not_inverted(name: str, values: Tensor, extractor_set: ExtractorSet) -> None:
    """Raise `UsageError` for images whose mean pixel is that of inverted real images."""
    real = extractor_set.real_scores.get("mean")
    if real is None or values.dtype != torch.uint8:
        return
    mean = float(values.double().mean())
    if abs(mean - (255 - real)) < abs(mean - real) / 3:
        raise UsageError(
            f"{name}: the mean pixel is {mean:.0f}, that of {extractor_set.spec.data} is {real:.0f}: the images look "
            "inverted; give --invert",
            code="invalid-data",
            field="invert",
        )
