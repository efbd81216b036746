"""Which images of a folder are of which class and part, and that none is left out without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwash import checks
from inkwash.data import Dataset, load

AssertRefused = Callable[..., None]


def make(root: Path, files: dict[str, int]) -> Path:
    """Write an image of one grey level for each of `files`; names of other kinds become text files, "NAME/" folders."""
    for name, level in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        elif path.suffix in (".txt", ".csv", ".heic", ".zip") or path.name in ("Thumbs.db", "LICENSE"):
            path.write_text("no image")
        else:
            options = {"lossless": True} if path.suffix == ".webp" else {"quality": 100}
            Image.fromarray(np.full((4, 3), level, np.uint8)).save(path, **options)
    return root


def levels(data: Dataset) -> dict[str, list[int]]:
    """Return the grey levels of the training images by class."""
    found: dict[str, list[int]] = {name: [] for name in data.classes} or {"": []}
    for k, image in enumerate(data.values):
        found["" if data.labels is None else data.classes[data.labels[k]]].append(int(image[0, 0, 0]))
    return found


def held_out_levels(data: Dataset) -> dict[str, list[int]] | None:
    """Return the grey levels of the test images by class, None without a test part."""
    if data.test_values is None:
        return None
    return levels(Dataset(data.name, data.test_values, data.test_labels, data.classes))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("training", "testing"),
        ("Train", "Test"),
        ("trainingSet/trainingSet", "testSet/testSet"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("mnist_png/training", "mnist_png/testing"),
        ("a/b/train", "a/b/test"),
        ("train", "val"),
        ("train", "valid"),
        ("train", "validation"),
        ("train_images", "test_images"),
        ("train/images", "valid/images"),
    ],
)
def test_the_parts_are_found_under_their_usual_names(tmp_path: Path, train: str, test: str) -> None:
    make(tmp_path, {f"{train}/9/a.png": 10, f"{train}/10/b.png": 20, f"{test}/10/c.png": 30, "README.txt": 0})
    data = load(tmp_path)
    assert levels(data) == {"9": [10], "10": [20]} and held_out_levels(data) == {"9": [], "10": [30]}
    assert data.warning == "" and data.name == tmp_path.name
    assert test.split("/")[-1 if "png" in test or "a/b" in test else 0] in data.note


def test_a_folder_of_unlabelled_parts(tmp_path: Path) -> None:
    data = load(make(tmp_path, {"train/a.png": 10, "train/b.png": 20, "test/c.png": 30}))
    assert levels(data) == {"": [10, 20]} and held_out_levels(data) == {"": [30]}


def test_a_test_part_without_classes_is_left_out_with_a_word(tmp_path: Path) -> None:
    files = {"train/a/1.png": 10, "train/b/2.png": 20, "test/3.png": 30, "test/4.png": 40}
    data = load(make(tmp_path, files))
    assert levels(data) == {"a": [10], "b": [20]} and held_out_levels(data) is None
    assert "test (2 images) was not read" in data.warning
    assert ("files", data.warning) in checks.check_data(data)
    data = load(make(tmp_path, {"valid/b/5.png": 50}))
    assert held_out_levels(data) == {"a": [], "b": [50]} and "test (2 images) was not read" in data.warning


def test_the_validation_part_beside_a_test_part_is_named(tmp_path: Path) -> None:
    data = load(make(tmp_path, {"train/a/1.png": 10, "valid/a/2.png": 20, "test/a/3.png": 30, "preview.png": 40}))
    assert levels(data) == {"a": [10]} and held_out_levels(data) == {"a": [30]}
    assert "valid (1 image) was not read" in data.warning and "preview.png" in data.warning


def test_other_folders_beside_the_parts_are_named(tmp_path: Path) -> None:
    sample = {"trainingSample/trainingSample/0/1.png": 1, "testSample/testSample/2.png": 2, "testSet/testSet/3.png": 3}
    data = load(make(tmp_path, {**sample, "trainingSet/trainingSet/0/4.png": 4, "trainingSet/trainingSet/1/5.png": 5}))
    assert levels(data) == {"0": [4], "1": [5]} and held_out_levels(data) is None
    for name in ("testSet", "trainingSample", "testSample"):
        assert f"{name} (1 image) was not read" in data.warning


@pytest.mark.parametrize("names", [("car", "train", "test"), ("bullet_train", "car"), ("contest", "constrain", "cat")])
def test_a_class_may_be_named_like_a_part(tmp_path: Path, names: tuple[str, ...]) -> None:
    data = load(make(tmp_path, {f"{name}/1.png": 10 * k for k, name in enumerate(names)}))
    assert levels(data) == {name: [10 * names.index(name)] for name in sorted(names)}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"digits/0/1.png": 1, "digits/1/2.png": 2}, {"0": [1], "1": [2]}),
        ({"x/y/z/0/1.png": 1, "x/y/z/1/2.png": 2, "x/about.txt": 0}, {"0": [1], "1": [2]}),
        ({"images/1.png": 1, "images/2.png": 2}, {"": [1, 2]}),
        ({"cat/1.png": 1}, {"cat": [1]}),
        ({"images/cat/1.png": 1, "images/dog/2.png": 2}, {"cat": [1], "dog": [2]}),
    ],
)
def test_a_single_folder_around_everything_is_entered(
    tmp_path: Path, files: dict[str, int], found: dict[str, list[int]]
) -> None:
    data = load(make(tmp_path, files))
    assert levels(data) == found and data.name == tmp_path.name


def test_images_in_folders_below_a_class_are_of_that_class(tmp_path: Path) -> None:
    """The rule of torchvision's ImageFolder."""
    files = {"cat/1.png": 1, "cat/indoor/2.png": 2, "cat/indoor/night/3.png": 3, "dog/outdoor/4.png": 4}
    data = load(make(tmp_path, files))
    assert levels(data) == {"cat": [1, 2, 3], "dog": [4]} and data.warning == ""


def test_every_format_that_pillow_reads_is_read(tmp_path: Path) -> None:
    kinds = ("png", "jfif", "avif", "jpe", "tga", "webp", "jp2", "PNG", "dib", "pcx")
    data = load(make(tmp_path, {f"cat/{k}.{kind}": 12 * k for k, kind in enumerate(kinds)}))
    read = np.array(levels(data)["cat"])
    assert len(read) == len(kinds) and data.warning == ""
    # JPEG and AVIF are lossy
    assert np.abs(read - 12 * np.arange(len(kinds))).max() <= 3


def test_an_animation_is_read_as_its_first_frame_with_a_word(tmp_path: Path) -> None:
    make(tmp_path, {"cat/1.gif": 10, "cat/2.png": 20})
    first, *others = (Image.fromarray(np.full((4, 3), level, np.uint8)) for level in (30, 40))
    first.save(tmp_path / "cat" / "3.gif", save_all=True, append_images=others)
    data = load(tmp_path)
    assert levels(data) == {"cat": [10, 20, 30]}
    assert "cat/3.gif" in data.warning and "1.gif" not in data.warning


def test_masks_beside_images_are_named(tmp_path: Path) -> None:
    data = load(make(tmp_path, {"images/1.png": 10, "masks/1.png": 20}))
    assert levels(data) == {"images": [10], "masks": [20]} and "images and masks" in data.warning


def test_files_that_are_not_read_are_counted_and_named(tmp_path: Path) -> None:
    files = {"cat/1.png": 1, "cat/2.heic": 0, "cat/more/3.heic": 0, "dog/4.png": 4, "labels.csv": 0, "dog/5.zip": 0}
    make(tmp_path, {**files, "notes/about.txt": 0, "cat/Thumbs.db": 0, "LICENSE": 0} | {"cat/.hidden.png": 7})
    (tmp_path / "cat" / "._1.png").write_bytes(b"resource fork")
    data = load(tmp_path)
    assert levels(data) == {"cat": [1], "dog": [4]}
    assert data.warning.startswith("6 files were not read") and "3 more" in data.warning
    assert ("files", data.warning) in checks.check_data(data)


def test_an_image_named_like_a_document_is_read(tmp_path: Path) -> None:
    data = load(make(tmp_path, {"license-plate.png": 1, "readme.png": 2}))
    assert levels(data) == {"": [1, 2]}


@pytest.mark.parametrize(
    ("files", "code", "value"),
    [
        (["a/1.png", "b/"], "invalid-data", "b"),
        (["a/1.png", "b/2.png", "loose.png"], "invalid-data", "loose.png"),
        (["train/a/1.png", "test/c/1.png"], "invalid-data", "'c'"),
        (["train/1.png", "test/c/1.png"], "invalid-data", "'c'"),
        (["train/a/1.png", "training/a/1.png"], "conflict", "training"),
        (["test/a/1.png", "val/a/1.png"], "missing-file", "train"),
        (["a/1.txt", "b/2.heic"], "wrong-file", "b/2.heic"),
        (["a/", "b/"], "missing-file", "empty"),
    ],
)
def test_an_ambiguous_layout_is_refused(
    tmp_path: Path, files: list[str], code: str, value: str, assert_refused: AssertRefused
) -> None:
    assert_refused(make(tmp_path, dict.fromkeys(files, 5)), code, value)


def test_a_linked_folder_is_read_and_a_link_to_a_folder_around_it_refused(
    tmp_path: Path, assert_refused: AssertRefused
) -> None:
    make(tmp_path / "elsewhere", {"1.png": 1})
    make(tmp_path / "set", {"dog/2.png": 2})
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert levels(load(tmp_path / "set")) == {"cat": [1], "dog": [2]}
    (tmp_path / "set" / "dog" / "up").symlink_to(tmp_path / "set", target_is_directory=True)
    assert_refused(tmp_path / "set", "invalid-data", "dog/up")


def test_images_and_another_data_set_in_one_folder_are_not_chosen_from(
    tmp_path: Path, assert_refused: AssertRefused
) -> None:
    make(tmp_path, {"a/1.png": 1, "b/2.png": 2})
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"x")
    assert_refused(tmp_path, "conflict", "MNIST/raw")


def test_parts_within_the_classes_are_named(tmp_path: Path) -> None:
    files = {"0/train/a.png": 10, "0/test/b.png": 20, "1/train/c.png": 30, "1/test/d.png": 40}
    data = load(make(tmp_path, files))
    assert sorted(levels(data)["0"]) == [10, 20] and data.test_values is None
    assert "test and train in 0" in data.warning
