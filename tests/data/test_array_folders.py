"""Arrays in several files: images and labels of each part, as KMNIST has them, or one file for each class, as QuickDraw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raised import code_and_field, raised

from inkwash.data import Dataset, load

COUNT, SIDE = 30, 5
TRAIN: np.ndarray[Any, Any] = np.random.Generator(np.random.PCG64(0)).integers(
    0, 256, (COUNT, SIDE, SIDE), dtype=np.uint8
)
TEST: np.ndarray[Any, Any] = TRAIN[:12] // 2
LABELS, TEST_LABELS = np.arange(COUNT) % 10, np.arange(12) % 10
KMNIST = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
FORMS = {
    "kmnist-{part}-{kind}.npz": ({"x": "imgs", "y": "labels"}, KMNIST),
    "{kind}_{part}.npy": ({"x": "x", "y": "y"}, tuple("0123456789")),
    "{part}_{kind}.npy": ({"x": "images", "y": "labels"}, tuple("0123456789")),
    "{part}{kind}.npz": ({"x": "Images", "y": "Labels"}, tuple("0123456789")),
}


def write(folder: Path, form: str) -> None:
    kinds, _ = FORMS[form]
    for part, images, labels in (("train", TRAIN, LABELS), ("test", TEST, TEST_LABELS)):
        for kind, array in (("x", images), ("y", labels)):
            path = folder / form.format(part=part, kind=kinds[kind])
            np.savez(path, array) if path.suffix == ".npz" else np.save(path, array)


def assert_all(found: Dataset, classes: tuple[str, ...]) -> None:
    assert np.array_equal(found.values[:, 0].numpy(), TRAIN) and found.classes == classes
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist()
    assert found.test_values is not None and np.array_equal(found.test_values[:, 0].numpy(), TEST)
    assert found.test_labels is not None and found.test_labels.tolist() == TEST_LABELS.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_and_a_file_of_images_find_labels_and_test_part(tmp_path: Path, form: str) -> None:
    write(tmp_path, form)
    kinds, classes = FORMS[form]
    assert_all(load(tmp_path), classes)
    assert_all(load(tmp_path / form.format(part="train", kind=kinds["x"])), classes)
    (tmp_path / "kmnist_classmap.csv").write_text("index,codepoint,char\n0,U+304A,o\n")
    assert "kmnist_classmap.csv" in load(tmp_path).warning


def test_a_file_for_each_class_is_that_class(tmp_path: Path) -> None:
    for name, images in (("train", TRAIN[:4]), ("cat", TRAIN[4:6]), ("full_numpy_bitmap_axe", TRAIN[6:])):
        np.save(tmp_path / f"{name}.npy", images.reshape(len(images), -1))
    found = load(tmp_path)
    assert found.classes == ("axe", "cat", "train") and found.labels is not None
    assert found.labels.tolist() == [0] * (COUNT - 6) + [1] * 2 + [2] * 4
    assert np.array_equal(found.values[:, 0].numpy(), np.concatenate([TRAIN[6:], TRAIN[4:6], TRAIN[:4]]))


def test_files_of_numbered_classes_are_sorted_as_numbers(tmp_path: Path) -> None:
    for k in range(11):
        np.save(tmp_path / f"{k}.npy", TRAIN[k : k + 1])
    found = load(tmp_path)
    assert found.classes == tuple(map(str, range(11)))
    assert np.array_equal(found.values[:, 0].numpy(), TRAIN[:11])


def test_labels_of_other_samples_are_not_those_of_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", TRAIN)
    np.save(tmp_path / "labels.npy", LABELS[:4])
    assert load(tmp_path / "samples.npy").labels is None
    np.savez(tmp_path / "images.npz", images=TRAIN, labels=LABELS)
    assert len(load(tmp_path / "images.npz")) == COUNT


def test_folders_with_several_data_sets_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "kmnist-{part}-{kind}.npz")
    np.savez(tmp_path / "k49-train-imgs.npz", TRAIN)
    assert code_and_field(lambda: load(tmp_path)) == ("conflict", "data")
    np.savez(tmp_path / "k49-train-labels.npz", LABELS)
    assert_all(load(tmp_path / "kmnist-train-imgs.npz"), KMNIST)


def test_classes_of_other_sizes_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "cat.npy", TRAIN)
    np.save(tmp_path / "dog.npy", TRAIN[:, :4])
    assert code_and_field(lambda: load(tmp_path)) == ("invalid-data", "images")


def test_arrays_beside_images_do_not_replace_them(tmp_path: Path) -> None:
    np.save(tmp_path / "cat.npy", TRAIN)
    np.save(tmp_path / "dog.npy", TRAIN)
    Image.fromarray(TRAIN[0]).save(tmp_path / "one.png")
    found = load(tmp_path)
    assert len(found) == 1 and "cat.npy" in found.warning
    np.savez(tmp_path / "two.npz", a=TRAIN, b=TRAIN)
    assert raised(lambda: load(tmp_path / "two.npz")).code == "invalid-data"
