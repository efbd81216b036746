"""Data sets from Python objects: each reads as the same pixels, labels and classes, or is refused in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from raised import code_and_field, raised
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from inkwash.data import Dataset, load

COUNT, SIDE = 30, 5
TRAIN: np.ndarray[Any, Any] = np.random.Generator(np.random.PCG64(0)).integers(
    0, 256, (COUNT, SIDE, SIDE), dtype=np.uint8
)
TEST: np.ndarray[Any, Any] = TRAIN[:12] // 2
LABELS, TEST_LABELS = np.arange(COUNT) % 10, np.arange(12) % 10
TENSOR = torch.from_numpy(TRAIN)[:, None]
UNIT = TENSOR / 255
"""As by ToTensor of torchvision."""
NAMES = tuple("abcdefghij")


class VisionSet(TorchDataset[Any]):
    """A data set as those of torchvision: pictures, labels, class names, and a transform."""

    classes: ClassVar = list(NAMES)

    def __init__(self, transform: Callable[[Image.Image], Any] = lambda picture: picture) -> None:
        self.transform = transform

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[Any, int]:
        # Without an IndexError, as many data sets: an iteration over it would not end.
        return self.transform(Image.fromarray(TRAIN[index % COUNT])), int(LABELS[index % COUNT])


class Stream(IterableDataset[Any]):
    """A data set that can only be iterated over."""

    def __iter__(self) -> Iterator[Any]:
        return iter(zip(TENSOR, LABELS, strict=True))


class HubSet:
    """A data set as those of the Hub: rows are dicts, features name the classes."""

    column_names = ("image", "label")

    def __init__(self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
        self.rows = [
            {"image": Image.fromarray(image), "label": int(label)} for image, label in zip(images, labels, strict=True)
        ]
        self.features = {"image": SimpleNamespace(), "label": SimpleNamespace(names=list(NAMES))}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


def test_the_classes_of_the_hub_are_those_of_the_label_column() -> None:
    data = HubSet(TRAIN, LABELS)
    data.features = {"image": SimpleNamespace(), "style": SimpleNamespace(names=["x", "y"]), **data.features}
    assert load(data).classes == NAMES


def test_images_of_different_channels_or_sizes_are_refused() -> None:
    for shapes in [((1, 8, 8), (1, 8, 9), (1, 8, 8)), ((8, 8, 1), (8, 8, 3), (8, 8, 1))]:
        images = [np.zeros(shape, np.uint8) for shape in shapes]
        assert code_and_field(lambda images=images: load(images)) == ("invalid-data", "data")


@pytest.mark.parametrize("value_range", [5, ("a", "b"), (0, 1, 2)])
def test_a_range_of_another_type_is_refused(value_range: Any) -> None:
    assert code_and_field(lambda: load((TRAIN / 255, LABELS), value_range=value_range)) == ("invalid-value", "range")


def to_tensor(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(picture)[None] / 255).float()


PAIRS: dict[str, tuple[Any, tuple[float, float] | None]] = {
    "arrays": ((TRAIN, LABELS), None),
    "a list of arrays": ([TRAIN, LABELS], None),
    "tensors": ((TENSOR, torch.from_numpy(LABELS)), None),
    "labels in a list": ((TRAIN, LABELS.tolist()), None),
    "one-hot labels": ((TRAIN, np.eye(10)[LABELS]), None),
    "flat floats": ((TRAIN.reshape(COUNT, -1) / 255, LABELS), (0, 1)),
    "a dict": ({"images": TRAIN, "labels": LABELS}, None),
    "a TensorDataset": (TensorDataset(UNIT, torch.from_numpy(LABELS)), (0, 1)),
    "bfloat16": ((TENSOR.to(torch.bfloat16), LABELS), (0, 255)),
    "a shuffled loader": (DataLoader(TensorDataset(TENSOR, torch.from_numpy(LABELS)), 7, shuffle=True), None),
    "a stream": (Stream(), None),
    "a loader of a stream": (DataLoader(Stream(), 4), None),
    "a list of examples": ([*zip(TENSOR, LABELS.tolist(), strict=True)], None),
    "pictures and labels": (([Image.fromarray(image) for image in TRAIN], LABELS), None),
}
NAMED: dict[str, tuple[Any, tuple[float, float] | None]] = {
    "torchvision": (VisionSet(), None),
    "torchvision with ToTensor": (VisionSet(to_tensor), (0, 1)),
    "torchvision as arrays": (VisionSet(np.array), None),
    "torchvision in colour": (VisionSet(lambda picture: picture.convert("RGB")), None),
    "a loader": (DataLoader(VisionSet(to_tensor), 8, shuffle=True, drop_last=True), (0, 1)),
    "a subset": (Subset(VisionSet(), range(COUNT)), None),
    "a concatenation": (ConcatDataset([Subset(VisionSet(), range(7)), Subset(VisionSet(), range(7, COUNT))]), None),
    "the Hub": (HubSet(TRAIN, LABELS), None),
}


@pytest.mark.parametrize("form", [*PAIRS, *NAMED])
def test_images_and_labels_in_any_object_read_as_the_same_dataset(form: str) -> None:
    data, value_range = (PAIRS | NAMED)[form]
    if form == "bfloat16":
        # It has 8 bits, and 255 needs no more.
        data = (torch.from_numpy(TRAIN // 4 * 2)[:, None].to(torch.bfloat16), LABELS)
    found = load(data, value_range=value_range)
    expected = TRAIN // 4 * 2 if form == "bfloat16" else TRAIN
    assert found.shape == (1, SIDE, SIDE) and np.array_equal(found.values[:, 0].numpy(), expected)
    assert found.classes == (NAMES if form in NAMED else tuple("0123456789"))
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist()
    assert found.test_values is None


WITH_TEST: dict[str, Any] = {
    "two pairs, as Keras": ((TRAIN, LABELS), (TEST, TEST_LABELS)),
    "four arrays": (TRAIN, LABELS, TEST, TEST_LABELS),
    "a dict": {"x_train": TRAIN, "y_train": LABELS, "x_test": TEST, "y_test": TEST_LABELS},
    "two data sets": (TensorDataset(TENSOR, torch.from_numpy(LABELS)), Subset(HubSet(TEST, TEST_LABELS), range(12))),  # type: ignore[arg-type]
    "a DatasetDict": {"train": HubSet(TRAIN, LABELS), "test": HubSet(TEST, TEST_LABELS)},
    "a dict of pairs": {"train": (TRAIN, LABELS), "validation": (TEST, TEST_LABELS)},
}


@pytest.mark.parametrize("form", WITH_TEST)
def test_a_test_part_is_read_from_any_object(form: str) -> None:
    found = load(WITH_TEST[form])
    assert np.array_equal(found.values[:, 0].numpy(), TRAIN) and found.labels is not None
    assert found.test_values is not None and np.array_equal(found.test_values[:, 0].numpy(), TEST)
    assert found.test_labels is not None and found.test_labels.tolist() == TEST_LABELS.tolist()


UNLABELLED: dict[str, Any] = {
    "an array": TRAIN,
    "a tensor": TENSOR,
    "no labels": (TRAIN, None),
    "tuples of one": TensorDataset(TENSOR),
    "pictures": [Image.fromarray(image) for image in TRAIN],
    "lists": [image.tolist() for image in TRAIN.astype(int)],
    "joined": ConcatDataset([TensorDataset(TENSOR[:9]), TensorDataset(TENSOR[9:])]),
}


@pytest.mark.parametrize("form", UNLABELLED)
def test_images_without_labels_are_read_from_any_object(form: str) -> None:
    found = load(UNLABELLED[form])
    assert np.array_equal(found.values[:, 0].numpy(), TRAIN) and found.labels is None and found.classes == ()


class Frame(dict[str, Any]):
    """A data frame: columns by name."""

    columns = property(lambda self: list(self))

    def to_numpy(self) -> np.ndarray[Any, Any]:
        return np.stack([*self.values()], axis=1)


def test_a_data_frame_has_pixels_and_label_in_columns() -> None:
    flat = TRAIN.reshape(COUNT, -1)
    frame = Frame(label=LABELS, **{f"pixel{k}": flat[:, k] for k in range(SIDE**2)})
    found = load(frame)
    assert np.array_equal(found.values[:, 0].numpy(), TRAIN) and found.classes == tuple("0123456789")
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist()


def test_channels_of_tensors_come_first_and_of_arrays_last() -> None:
    both = np.arange(3 * 4 * 3 * 3, dtype=np.uint8).reshape(3, 3, 4, 3)
    assert np.array_equal(load(both).values.numpy(), both.transpose(0, 3, 1, 2))
    assert np.array_equal(load(torch.from_numpy(both)).values.numpy(), both)


def test_grey_pictures_among_colour_ones_have_three_channels() -> None:
    red = Image.new("RGB", (SIDE, SIDE), (200, 0, 0))
    found = load([Image.fromarray(TRAIN[0]), red])
    assert found.shape == (3, SIDE, SIDE)
    assert torch.equal(found.values[0], torch.from_numpy(TRAIN[0]).expand(3, -1, -1))
    assert found.values[1, :, 0, 0].tolist() == [200, 0, 0]


def test_points_and_the_same_dataset_are_read_as_they_are() -> None:
    points = np.array([[0.5, 1.0], [2.0, -1.0], [0.0, 3.0]])
    assert np.array_equal(load(points).values.numpy(), points)
    data = Dataset("mine", TENSOR)
    assert load(data) is data


class Failing(VisionSet):
    """A data set whose code fails."""

    def __getitem__(self, index: int) -> tuple[Any, int]:
        raise KeyError(index)


REFUSED: dict[str, tuple[Any, tuple[str, str | None]]] = {
    "a number": (3, ("invalid-value", "data")),
    "a function": (load, ("invalid-value", "data")),
    "a class": (Dataset, ("invalid-value", "data")),
    "an empty list": ([], ("invalid-data", "data")),
    "an empty dict": ({}, ("invalid-data", "data")),
    "a dict of other parts": ({"a": HubSet(TRAIN, LABELS)}, ("invalid-data", "data")),
    "a dict without images": ({"labels": LABELS}, ("invalid-data", "images")),
    "texts": (["a", "b"], ("invalid-data", "data")),
    "floats without a range": ((UNIT, LABELS), ("invalid-data", "range")),
    "ToTensor without a range": (VisionSet(to_tensor), ("invalid-data", "range")),
    "NaN": (torch.full((3, 4, 4), torch.nan), ("invalid-data", None)),
    "too few labels": ((TRAIN, LABELS[:4]), ("invalid-data", "labels")),
    "negative labels": ((TRAIN, LABELS - 2), ("invalid-data", "labels")),
    "label above the classes": (TensorDataset(TENSOR, torch.full((COUNT,), 200)), ("invalid-data", "labels")),
    "pictures of two sizes": ([Image.new("L", (4, 4)), Image.new("L", (5, 4))], ("invalid-data", "size")),
    "code that fails": (Failing(), ("plugin-failed", "data")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_object_is_refused_in_one_line(case: str) -> None:
    data, kind = REFUSED[case]
    assert code_and_field(lambda: load(data)) == kind


def test_the_message_about_floats_names_their_range() -> None:
    assert "data__range" in str(raised(lambda: load(UNIT))) and "0 1" in str(raised(lambda: load(UNIT)))


def test_arrays_in_any_memory_layout_and_labels_of_bool_are_read() -> None:
    images = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    backwards = load((images[::-1, :, ::-1], np.array([True, False, True, True])))
    assert np.array_equal(backwards.values[:, 0].numpy(), images[::-1, :, ::-1])
    assert backwards.labels is not None and backwards.labels.tolist() == [1, 0, 1, 1]
    sparse = load(torch.from_numpy(images).to_sparse())
    assert np.array_equal(sparse.values[:, 0].numpy(), images)


@pytest.mark.parametrize(
    "labels",
    [[float(label) for label in LABELS], [[label] for label in LABELS], [np.float32(label) for label in LABELS]],
)
def test_a_list_of_whole_numbers_in_any_form_is_one_of_labels(labels: list[Any]) -> None:
    found = load((TRAIN, labels))
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist() and len(found) == COUNT


@pytest.mark.parametrize(
    ("labels", "value"),
    [
        ([0.5, *range(COUNT - 1)], "0.5 of image 0"),
        (np.array([*range(COUNT - 1), 0.25]), f"0.25 of image {COUNT - 1}"),
        ([0.0, float("nan")] * (COUNT // 2), "nan of image 1"),
        ([0, None] * (COUNT // 2), "image 1 has no label"),
        ([1j] * COUNT, "complex128"),
        ([10**30] * COUNT, "object"),
        ([[0], [0, 1]] * (COUNT // 2), "object"),
        ({"a": 1}, "dict"),
        ("abc", "str"),
        ([0, 1], "2 labels"),
    ],
)
def test_labels_that_are_no_classes_are_named_as_labels(labels: Any, value: str) -> None:
    error = raised(lambda: load((TRAIN, labels)))
    assert (error.code, error.field) == ("invalid-data", "labels") and value in str(error)


def test_an_example_without_a_label_is_named() -> None:
    pictures = [(Image.fromarray(image), None if k == 3 else 1) for k, image in enumerate(TRAIN)]
    error = raised(lambda: load(pictures))
    assert (error.code, error.field) == ("invalid-data", "labels") and "image 3" in str(error)


def test_pictures_of_mixed_sizes_are_resized_as_those_of_a_folder(tmp_path: Path) -> None:
    shapes = [(8, 8), (12, 9), (20, 30)]
    pictures = [Image.fromarray(np.resize(TRAIN, (*shape, 3) if k == 2 else shape)) for k, shape in enumerate(shapes)]
    for k, picture in enumerate(pictures):
        picture.save(tmp_path / f"{k}.png")
    assert code_and_field(lambda: load(pictures)) == ("invalid-data", "size")
    expected = load(tmp_path, size=6)
    assert torch.equal(load(pictures, size=6).values, expected.values) and expected.shape == (3, 6, 6)
    stored = [{"image": {"bytes": (tmp_path / f"{k}.png").read_bytes()}} for k in range(3)]
    assert torch.equal(load(stored, size=6).values, expected.values)
