"""Arrays as other programs write them: every form of images and labels reads as the same pixels, labels and classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from raised import code_and_field, raised

from inkwash.data import load
from inkwash.errors import UsageError

Array = np.ndarray[Any, Any]

COUNT, SIDE = 30, 5
LABELS = np.arange(COUNT) % 10


def save(path: Path, *unnamed: Array, **named: Array) -> None:
    arrays: Any = named
    np.savez(path, *unnamed, **arrays)


def images(count: int = COUNT, side: int = SIDE, seed: int = 0, channels: int | None = None) -> Array:
    shape = (count, side, side) if channels is None else (count, side, side, channels)
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, shape, dtype=np.uint8)


TRAIN, TEST, VAL = images(), images(10, seed=1), images(8, seed=2)
TEST_LABELS = np.arange(10)

LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "NHW": lambda x: x,
    "NHWC": lambda x: x[..., None],
    "NCHW": lambda x: x[:, None],
    "flat": lambda x: x.reshape(len(x), -1),
    "RGB": lambda x: np.repeat(x[..., None], 3, axis=3),
    "RGB, channels first": lambda x: np.repeat(x[:, None], 3, axis=1),
}
LABEL_FORMS: dict[str, Callable[[Array], Array]] = {
    "uint8": lambda y: y.astype(np.uint8),
    "int64": lambda y: y.astype(np.int64),
    "float64": lambda y: y.astype(np.float64),
    "[N, 1]": lambda y: y[:, None],
    "one-hot": lambda y: np.eye(10, dtype=np.float32)[y],
    "text": lambda y: y.astype(str),
    "bytes": lambda y: y.astype("S"),
}
DTYPES: dict[str, tuple[Callable[[Array], Array], tuple[float, float] | None]] = {
    "uint8": (lambda x: x, None),
    "uint16": (lambda x: x.astype(np.uint16), None),
    "int64": (lambda x: x.astype(np.int64), None),
    "float16 [0, 1]": (lambda x: (x / 255).astype(np.float16), (0, 1)),
    "float32 [0, 1]": (lambda x: (x / 255).astype(np.float32), (0, 1)),
    "float64 [-1, 1]": (lambda x: x / 127.5 - 1, (-1, 1)),
    "float32 [0, 255]": (lambda x: x.astype(np.float32), (0, 255)),
    "uint16 [0, 65535]": (lambda x: x.astype(np.uint16) * 257, (0, 65535)),
    "normalized": (lambda x: (x / 255 - 0.1307) / 0.3081, (-0.1307 / 0.3081, 0.8693 / 0.3081)),
}
"""By type: the conversion of uint8 pixels, and the range to declare."""
NAMES = {
    "inkwash": ("images", "labels", "test_images", "test_labels"),
    "Keras": ("x_train", "y_train", "x_test", "y_test"),
    "MedMNIST": ("train_images", "train_labels", "test_images", "test_labels"),
    "scikit-learn": ("X_train", "y_train", "X_test", "y_test"),
    "camel case": ("trainImages", "trainLabels", "testImages", "testLabels"),
    "without separator": ("xtrain", "ytrain", "xtest", "ytest"),
}


@given(
    names=st.sampled_from(sorted(NAMES)),
    layout=st.sampled_from(sorted(LAYOUTS)),
    test_layout=st.sampled_from(sorted(LAYOUTS)),
    dtype=st.sampled_from(sorted(DTYPES)),
    form=st.sampled_from(sorted(LABEL_FORMS)),
    labelled=st.booleans(),
)
def test_an_array_in_any_form_reads_as_the_same_dataset(
    tmp_path_factory: pytest.TempPathFactory,
    names: str,
    layout: str,
    test_layout: str,
    dtype: str,
    form: str,
    labelled: bool,
) -> None:
    path = tmp_path_factory.mktemp("forms") / "mine.npz"
    convert, value_range = DTYPES[dtype]
    train_name, label_name, test_name, test_label_name = NAMES[names]
    members = {train_name: LAYOUTS[layout](convert(TRAIN)), test_name: LAYOUTS[test_layout](convert(TEST))}
    if labelled:
        members |= {label_name: LABEL_FORMS[form](LABELS), test_label_name: LABEL_FORMS[form](TEST_LABELS)}
    save(path, **members)
    found = load(path, value_range=value_range)
    assert found.values.dtype == torch.uint8 and np.array_equal(found.values[:, 0].numpy(), TRAIN)
    assert found.shape == (1, SIDE, SIDE) and found.warning == ""
    assert found.test_values is not None and np.array_equal(found.test_values[:, 0].numpy(), TEST)
    if not labelled:
        assert found.labels is None and found.test_labels is None and found.classes == ()
        return
    assert found.classes == tuple("0123456789")
    assert found.labels is not None and found.labels.dtype == torch.int64 and found.labels.tolist() == LABELS.tolist()
    assert found.test_labels is not None and found.test_labels.tolist() == TEST_LABELS.tolist()


def test_unnamed_arrays_are_images_and_labels_as_openai_samplers_write_them(tmp_path: Path) -> None:
    colour = images(channels=3)
    save(tmp_path / "samples_30x5x5x3.npz", colour, LABELS)
    found = load(tmp_path / "samples_30x5x5x3.npz")
    assert found.shape == (3, SIDE, SIDE) and np.array_equal(found.values.numpy(), colour.transpose(0, 3, 1, 2))
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist()
    save(tmp_path / "only.npz", TRAIN)
    assert np.array_equal(load(tmp_path / "only.npz").values[:, 0].numpy(), TRAIN)


def test_the_validation_part_of_medmnist_is_left_out_with_a_warning_or_is_the_test_part(tmp_path: Path) -> None:
    train = {"train_images": TRAIN, "train_labels": LABELS[:, None]}
    val = {"val_images": VAL, "val_labels": np.arange(8)[:, None]}
    save(tmp_path / "all.npz", **train, **val, test_images=TEST, test_labels=TEST_LABELS[:, None])
    found = load(tmp_path / "all.npz")
    assert len(found) == COUNT and found.test_values is not None and len(found.test_values) == len(TEST)
    assert "val_images (8)" in found.warning
    save(tmp_path / "some.npz", **train, **val)
    found = load(tmp_path / "some.npz")
    assert found.test_values is not None and np.array_equal(found.test_values[:, 0].numpy(), VAL)
    assert found.test_labels is not None and found.test_labels.tolist() == list(range(8)) and found.warning == ""


def test_arrays_of_unknown_names_are_named_in_a_warning(tmp_path: Path) -> None:
    np.savez(tmp_path / "named.npz", images=np.zeros((4, 5, 5), np.uint8), klass=np.arange(4), facts=np.array("{}"))
    found = load(tmp_path / "named.npz")
    assert found.labels is None and "klass was not read" in found.warning and "facts" not in found.warning


def test_text_labels_name_the_classes_in_order(tmp_path: Path) -> None:
    save(tmp_path / "pets.npz", images=TRAIN[:4], labels=np.array(["dog", "cat", "owl", "cat"]))
    found = load(tmp_path / "pets.npz")
    assert found.classes == ("cat", "dog", "owl")
    assert found.labels is not None and found.labels.tolist() == [1, 0, 2, 0]
    save(tmp_path / "months.npz", images=TRAIN[:3], labels=np.array(["10", "9", "1"]))
    assert load(tmp_path / "months.npz").classes == ("1", "9", "10")


def test_one_hot_labels_have_a_class_for_each_column(tmp_path: Path) -> None:
    save(tmp_path / "hot.npz", images=TRAIN[:3], labels=np.eye(7)[[5, 0, 5]])
    found = load(tmp_path / "hot.npz")
    assert found.classes == tuple("0123456")
    assert found.labels is not None and found.labels.tolist() == [5, 0, 5]


def test_class_names_in_the_file_name_the_labels(tmp_path: Path) -> None:
    named = {"images": TRAIN[:3], "labels": np.array([1, 0, 1]), "label_names": np.array(["cat", "dog"])}
    save(tmp_path / "named.npz", **named)
    found = load(tmp_path / "named.npz")
    assert found.classes == ("cat", "dog") and found.labels is not None and found.labels.tolist() == [1, 0, 1]
    save(tmp_path / "named.npz", **named | {"labels": np.array([1, 2, 1])})
    assert code_and_field(lambda: load(tmp_path / "named.npz")) == ("invalid-data", "labels")


def test_grey_images_beside_colour_images_stay_in_colour(tmp_path: Path) -> None:
    colour = images(channels=3)
    save(tmp_path / "mixed.npz", images=colour, test_images=TEST)
    found = load(tmp_path / "mixed.npz")
    assert found.shape == (3, SIDE, SIDE) and found.test_values is not None
    assert np.array_equal(found.test_values.numpy(), np.repeat(TEST[:, None], 3, axis=1))


@pytest.mark.parametrize(
    ("array", "value_range", "hint"),
    [
        (TRAIN / 255, None, "--range 0 1"),
        (TRAIN / 127.5 - 1, None, "--range -1 1"),
        (TRAIN.astype(np.float32), None, "--range 0 255"),
        (TRAIN.astype(np.uint16) * 257, None, "--range 0 65535"),
        (TRAIN.astype(np.int32) % 2, None, "--range 0 1"),
        (TRAIN / 255, (0.0, 0.5), "beyond --range 0 0.5"),
    ],
)
def test_numbers_of_unknown_or_another_range_are_refused(
    tmp_path: Path, array: Array, value_range: tuple[float, float] | None, hint: str
) -> None:
    np.save(tmp_path / "mine.npy", array)
    error = raised(lambda: load(tmp_path / "mine.npy", value_range=value_range))
    assert (error.code, error.field) == ("invalid-data", "range") and hint in str(error)


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), (0, float("nan")), (float("-inf"), 1)])
def test_a_range_without_extent_is_refused(tmp_path: Path, value_range: tuple[float, float]) -> None:
    np.save(tmp_path / "mine.npy", TRAIN)
    assert code_and_field(lambda: load(tmp_path / "mine.npy", value_range=value_range)) == ("out-of-range", "range")


def test_a_range_has_no_effect_on_image_files_and_named_data(tmp_path: Path) -> None:
    Image.fromarray(TRAIN[0]).save(tmp_path / "a.png")
    for spec in ("digits", tmp_path):
        with pytest.raises(UsageError) as error:
            load(spec, value_range=(0, 1))
        assert (error.value.code, error.value.field) == ("no-effect", "range")


def test_bool_images_are_black_and_white(tmp_path: Path) -> None:
    np.save(tmp_path / "binary.npy", TRAIN > 127)
    assert np.array_equal(load(tmp_path / "binary.npy").values[:, 0].numpy(), 255 * (TRAIN > 127))


@pytest.mark.parametrize(
    "members",
    [
        {"images": TRAIN, "test_images": TEST, "test_labels": TEST_LABELS},
        {"images": TRAIN, "labels": LABELS, "test_labels": TEST_LABELS},
        {"images": TRAIN, "labels": LABELS.astype(str), "test_images": TEST, "test_labels": TEST_LABELS},
        {"images": TRAIN, "x_train": TRAIN},
        {"images": np.zeros((5, 2)), "test_images": TEST},
    ],
)
def test_parts_that_contradict_each_other_are_refused(tmp_path: Path, members: dict[str, Array]) -> None:
    save(tmp_path / "mine.npz", **members)
    assert raised(lambda: load(tmp_path / "mine.npz")).code in ("invalid-data", "conflict")


@pytest.mark.parametrize("content", [b"\x80\x04\x95rest", None])
def test_a_pickle_of_another_name_is_named_as_a_pickle(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.npz"
    if content is None:
        torch.save({"images": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    error = raised(lambda: load(path))
    assert error.code == "wrong-file" and "pickle" in str(error)
