"""Tables of images: CSV as on Kaggle, parquet as on the Hub; each form reads as the same pixels, labels and classes."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from raised import code_and_field, raised

from inkwash.data import Dataset, csv_file, load

Array = np.ndarray[Any, Any]
COUNT, SIDE = 40, 5
TRAIN: Array = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (COUNT, SIDE, SIDE), dtype=np.uint8)
TRAIN[:, 0, 0] = 0  # as the corner of real images
TEST: Array = TRAIN[:12] // 2
LABELS, TEST_LABELS = np.arange(COUNT) % 10, np.arange(12) % 10
NAMES = tuple("abcdefghij")


def csv(images: Array, labels: Array | None, position: int = 0, header: list[str] | None = None, sep: str = ",") -> str:
    """Return a table of flat images with the labels in the first (0) or the last (-1) column."""
    rows = [header] if header else []
    for k, image in enumerate(images.reshape(len(images), -1).tolist()):
        cells = [str(value) for value in image]
        if labels is not None:
            cells.insert(0 if position == 0 else len(cells), str(labels[k]))
        rows.append(cells)
    return "\n".join(sep.join(row) for row in rows) + "\n"


PIXELS = [f"pixel{k}" for k in range(SIDE**2)]
GRID = [f"{row + 1}x{column + 1}" for row in range(SIDE) for column in range(SIDE)]
FORMS: dict[str, str] = {
    "Kaggle": csv(TRAIN, LABELS, header=["label", *PIXELS]),
    "mnist-in-csv": csv(TRAIN, LABELS, header=["label", *GRID]),
    "label last": csv(TRAIN, LABELS, -1, header=[*PIXELS, "class"]),
    "an unusual name": csv(TRAIN, LABELS, -1, header=[*PIXELS, "what"]),
    "without header": csv(TRAIN, LABELS),
    "without header, label last": csv(TRAIN, LABELS, -1),
    "pandas without names": csv(TRAIN, LABELS, header=[*map(str, range(SIDE**2 + 1))]),
    "numbered pixels": csv(TRAIN, LABELS, header=["label", *map(str, range(SIDE**2))]),
    "with quotes": csv(TRAIN, LABELS, header=['"label"', *(f'"{name}"' for name in PIXELS)]),
    "semicolons": csv(TRAIN, LABELS, header=["label", *PIXELS], sep=";"),
    "labels as floats": csv(TRAIN, LABELS.astype(float), header=["label", *PIXELS]),
    "quoted labels": csv(TRAIN, np.array([f'"{label}"' for label in LABELS]), header=["label", *PIXELS]),
    "Windows": csv(TRAIN, LABELS, header=["label", *PIXELS]).replace("\n", "\r\n"),
    "with a byte-order mark": "\ufeff" + csv(TRAIN, LABELS, header=["label", *PIXELS]),
}


def assert_train(found: Dataset, classes: tuple[str, ...] = tuple("0123456789")) -> None:
    assert found.shape == (1, SIDE, SIDE) and np.array_equal(found.values[:, 0].numpy(), TRAIN)
    assert found.labels is not None and found.labels.tolist() == LABELS.tolist() and found.classes == classes


@pytest.mark.parametrize("form", FORMS)
def test_a_csv_in_any_form_reads_as_the_same_dataset(tmp_path: Path, form: str) -> None:
    (tmp_path / "mine.csv").write_bytes(FORMS[form].encode())
    found = load(tmp_path / "mine.csv")
    assert_train(found)
    assert found.name == "mine" and found.test_values is None


def test_a_compressed_csv_and_an_index_column_are_read(tmp_path: Path) -> None:
    text = "\n".join(f"{k - 1 if k else ''},{line}" for k, line in enumerate(FORMS["Kaggle"].splitlines()))
    (tmp_path / "mine.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert_train(load(tmp_path / "mine.csv.gz"))


def test_text_labels_and_numbers_with_gaps_name_the_classes(tmp_path: Path) -> None:
    (tmp_path / "pets.csv").write_text(csv(TRAIN[:3], np.array(["dog", "cat", "dog"])))
    found = load(tmp_path / "pets.csv")
    assert found.classes == ("cat", "dog") and found.labels is not None and found.labels.tolist() == [1, 0, 1]
    # Sign-language MNIST has no J, and none of its labels is 9.
    (tmp_path / "signs.csv").write_text(csv(TRAIN[:4], np.array([24, 3, 10, 8]), header=["label", *PIXELS]))
    found = load(tmp_path / "signs.csv")
    assert (
        found.classes == ("3", "8", "10", "24") and found.labels is not None and found.labels.tolist() == [3, 0, 2, 1]
    )


def test_unlabelled_rows_and_floats_of_a_range_are_read(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(csv(TRAIN, None, header=PIXELS))
    found = load(tmp_path / "test.csv")
    assert found.labels is None and np.array_equal(found.values[:, 0].numpy(), TRAIN)
    (tmp_path / "unit.csv").write_text(csv(TRAIN / 255, LABELS, header=["label", *PIXELS]))
    assert_train(load(tmp_path / "unit.csv", value_range=(0, 1)))
    assert code_and_field(lambda: load(tmp_path / "unit.csv")) == ("invalid-data", "range")


@pytest.mark.parametrize("names", [("train.csv", "test.csv"), ("mnist_train.csv", "mnist_test.csv")])
def test_a_folder_as_on_kaggle_has_a_training_and_a_test_part(tmp_path: Path, names: tuple[str, str]) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / names[0]).write_text(FORMS["Kaggle"])
    (folder / names[1]).write_text(csv(TEST, TEST_LABELS, header=["label", *PIXELS]))
    (folder / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    for place in (folder, tmp_path):
        found = load(place)
        assert_train(found)
        assert found.test_values is not None and np.array_equal(found.test_values[:, 0].numpy(), TEST)
        assert found.test_labels is not None and found.test_labels.tolist() == TEST_LABELS.tolist()
        assert "sample_submission.csv" in found.warning


def test_kaggles_test_part_without_labels_is_read(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(FORMS["Kaggle"])
    (tmp_path / "test.csv").write_text(csv(TEST, None, header=PIXELS))
    found = load(tmp_path)
    assert_train(found)
    assert found.test_values is not None and len(found.test_values) == 12 and found.test_labels is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ImageId,Label\n1,0\n2,4\n", ("invalid-data", "data")),
        (",".join(["label", *PIXELS]) + "\n", ("invalid-data", "data")),
        (FORMS["Kaggle"] + "3,4,5\n", ("invalid-data", "data")),
        (FORMS["Kaggle"] + ",".join(["3", *["x"] * SIDE**2]) + "\n", ("invalid-data", "data")),
        (csv(TRAIN // 128, LABELS, header=["label", *PIXELS]), ("invalid-data", "range")),
        (csv(TRAIN * 300.0, LABELS, header=["label", *PIXELS]), ("invalid-data", "range")),
        (csv(TRAIN[:, :, :4], LABELS, header=["label", *PIXELS[:20]]), ("invalid-data", "data")),
    ],
)
def test_a_table_that_has_no_images_is_refused(tmp_path: Path, text: str, kind: tuple[str, str]) -> None:
    (tmp_path / "mine.csv").write_text(text)
    assert code_and_field(lambda: load(tmp_path / "mine.csv")) == kind


def test_the_labels_of_a_table_that_is_sorted_by_class_are_its_first_column(tmp_path: Path) -> None:
    """Its first rows have one class, and a last pixel of few values, which could be labels too."""
    count = 7_500
    images = np.tile(TRAIN, (count // COUNT + 1, 1, 1))[:count].copy()
    images[:, -1, -1] = np.arange(count) % 3
    labels = np.arange(count) // (count // 3)
    (tmp_path / "sorted.csv").write_text(csv(images, labels))
    found = load(tmp_path / "sorted.csv")
    assert found.labels is not None and found.labels.tolist() == labels.tolist()
    assert np.array_equal(found.values[:, 0].numpy(), images)


@pytest.mark.parametrize("header", [["label", *PIXELS], None])
def test_a_table_of_many_blocks_is_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: list[str] | None
) -> None:
    """The type of number may change from block to block, and blank lines and quotes may be in any of them."""
    monkeypatch.setattr(csv_file, "BLOCK_ROWS", 7)
    monkeypatch.setattr(csv_file, "SAMPLE_ROWS", 5)
    lines = csv(TRAIN, LABELS, header=header).splitlines()
    lines.insert(20, "")
    lines[30] = '"' + lines[30].replace(",", '",', 1)
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    assert_train(load(tmp_path / "mine.csv"))
    late = TRAIN.astype(float)
    late[-1, 2, 2] = 0.25
    (tmp_path / "late.csv").write_text(csv(late, LABELS, header=header))
    assert csv_file.read(tmp_path / "late.csv").images[:, 12].tolist() == late[:, 2, 2].tolist()
    bright = TRAIN.astype(int)
    bright[-1, 2, 2] = 65_535
    (tmp_path / "deep.csv").write_text(csv(bright, LABELS, header=header))
    assert csv_file.read(tmp_path / "deep.csv").images[:, 12].tolist() == bright[:, 2, 2].tolist()


def test_the_error_of_a_late_row_has_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_ROWS", 7)
    lines = FORMS["Kaggle"].splitlines()
    lines[1 + 33] = lines[1 + 33].rpartition(",")[0] + ",x"
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    assert "row 33" in str(raised(lambda: load(tmp_path / "mine.csv")))


def test_a_csv_takes_little_more_memory_than_its_pixels(tmp_path: Path) -> None:
    """The pixels twice, while the blocks are joined, and the text of one block; the text of all is 4 times the pixels."""
    images = np.tile(TRAIN.reshape(COUNT, -1), (500, 16))
    (tmp_path / "mine.csv").write_text(csv(images, np.resize(LABELS, len(images)), header=["label", *["p"] * 400]))
    tracemalloc.start()
    try:
        found = csv_file.read(tmp_path / "mine.csv")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(found.images, images) and peak < 3 * images.nbytes


def test_a_row_without_an_end_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_ROW", 1000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"0," * 10_000))
    assert code_and_field(lambda: load(tmp_path / "bomb.csv.gz")) == ("invalid-data", "data")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(FORMS["Kaggle"].encode())[:-20])
    assert raised(lambda: load(tmp_path / "cut.csv.gz")).code == "damaged-file"


def test_large_numbers_name_different_classes(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text(csv(TRAIN, 1_000_001 + LABELS % 2, header=["label", *PIXELS]))
    assert load(tmp_path / "codes.csv").classes == ("1000001", "1000002")


def test_a_folder_of_several_tables_is_refused(tmp_path: Path) -> None:
    for name in ("mnist_train.csv", "fashion_train.csv"):
        (tmp_path / name).write_text(FORMS["Kaggle"])
    assert code_and_field(lambda: load(tmp_path)) == ("conflict", "data")


def png(image: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write(path: Path, columns: dict[str, Any], names: tuple[str, ...] = ()) -> None:
    """Write a parquet file, with class names as the library `datasets` stores them."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(columns)
    if names:
        features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)


def structs(images: Array) -> list[dict[str, Any]]:
    return [{"bytes": png(image), "path": f"{k}.png"} for k, image in enumerate(images)]


PARQUET: dict[str, tuple[Callable[[], dict[str, Any]], tuple[str, ...]]] = {
    "structs": (lambda: {"image": structs(TRAIN), "label": LABELS}, NAMES),
    "structs without names": (lambda: {"image": structs(TRAIN), "label": LABELS}, ()),
    "bytes": (lambda: {"label": LABELS, "img": [png(image) for image in TRAIN]}, ()),
    "lists": (lambda: {"image": TRAIN.reshape(COUNT, -1).tolist(), "label": LABELS}, ()),
    "nested lists": (lambda: {"image": TRAIN.tolist(), "label": LABELS}, ()),
    "columns": (lambda: {"label": LABELS, **{f"pixel{k}": TRAIN.reshape(COUNT, -1)[:, k] for k in range(SIDE**2)}}, ()),
    "text labels": (lambda: {"image": structs(TRAIN), "label": np.array(NAMES)[LABELS].tolist()}, ()),
}


@pytest.mark.parametrize("form", PARQUET)
def test_a_parquet_file_in_any_form_reads_as_the_same_dataset(tmp_path: Path, form: str) -> None:
    columns, names = PARQUET[form]
    write(tmp_path / "mine.parquet", columns(), names)
    named = bool(names) or form == "text labels"
    assert_train(load(tmp_path / "mine.parquet"), NAMES if named else tuple("0123456789"))


@pytest.mark.parametrize("folder", ["data", "mnist", "."])
@pytest.mark.parametrize("layout", ["{part}-0000{k}-of-00002.parquet", "{part}/000{k}.parquet"])
def test_a_folder_as_on_the_hub_is_read_with_all_its_files(tmp_path: Path, folder: str, layout: str) -> None:
    for part, images, labels in (("train", TRAIN, LABELS), ("test", TEST, TEST_LABELS)):
        for k, rows in enumerate((slice(0, 7), slice(7, None))):
            path = tmp_path / "ours" / folder / layout.format(part=part, k=k)
            write(path, {"image": structs(images[rows]), "label": labels[rows]}, NAMES)
    (tmp_path / "ours" / "README.md").write_text("a card")
    found = load(tmp_path / "ours")
    assert_train(found, NAMES)
    assert found.test_values is not None and np.array_equal(found.test_values[:, 0].numpy(), TEST)
    assert found.test_labels is not None and found.test_labels.tolist() == TEST_LABELS.tolist()
    assert found.name == "ours" and found.warning == ""


def test_colour_files_beside_grey_ones_and_another_size_are_read(tmp_path: Path) -> None:
    red: Array = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 200
    write(tmp_path / "train-0.parquet", {"image": structs(TRAIN[:2])})
    write(tmp_path / "train-1.parquet", {"image": structs(red)})
    found = load(tmp_path)
    assert found.shape == (3, SIDE, SIDE) and torch.equal(found.values[0, 0], found.values[0, 2])
    assert found.values[2, :, 1, 1].tolist() == [200, 0, 0]
    wide = structs(TRAIN[:1]) + structs(TRAIN[:1].repeat(2, axis=1))
    write(tmp_path / "sizes.parquet", {"image": wide})
    assert code_and_field(lambda: load(tmp_path / "sizes.parquet")) == ("invalid-data", "size")
    assert load(tmp_path / "sizes.parquet", size=4).shape == (1, 4, 4)


def test_labels_of_several_columns_or_of_some_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "cifar.parquet", {"img": structs(TRAIN), "fine_label": LABELS, "coarse_label": LABELS // 2})
    assert code_and_field(lambda: load(tmp_path / "cifar.parquet")) == ("conflict", "data")
    write(tmp_path / "some" / "train-0.parquet", {"image": structs(TRAIN), "label": LABELS})
    write(tmp_path / "some" / "train-1.parquet", {"image": structs(TRAIN)})
    assert code_and_field(lambda: load(tmp_path / "some")) == ("invalid-data", "labels")


def test_a_parquet_file_without_images_or_damaged_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "text.parquet", {"text": ["a", "b"], "label": [0, 1]})
    assert code_and_field(lambda: load(tmp_path / "text.parquet")) == ("invalid-data", "data")
    write(tmp_path / "paths.parquet", {"image": [{"bytes": None, "path": "a.png"}, {"bytes": b"", "path": "b.png"}]})
    assert code_and_field(lambda: load(tmp_path / "paths.parquet")) == ("invalid-data", "data")
    write(tmp_path / "no-image.parquet", {"image": [{"bytes": b"not an image", "path": "a.png"}]})
    assert raised(lambda: load(tmp_path / "no-image.parquet")).code == "damaged-file"
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "paths.parquet").read_bytes()[:100])
    assert raised(lambda: load(tmp_path / "cut.parquet")).code == "damaged-file"


def test_a_missing_extra_and_a_name_of_the_hub_are_answered_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    error = raised(lambda: load(tmp_path / "mine.parquet"))
    assert (error.code, error.field) == ("missing-package", "tables") and "inkwash[tables]" in str(error)
    error = raised(lambda: load("ylecun/mnist"))
    assert (error.code, error.field) == ("missing-file", "data") and "hf download ylecun/mnist" in str(error)


def test_other_columns_are_named_and_several_image_columns_refused(tmp_path: Path) -> None:
    own: dict[str, Any] = {"image": structs(TRAIN), "label": LABELS}
    write(tmp_path / "extra.parquet", own | {"id": range(COUNT), "caption": ["a"] * COUNT, "mask": structs(TRAIN // 2)})
    found = load(tmp_path / "extra.parquet")
    assert_train(found)
    assert "caption, mask" in found.warning and "id" not in found.warning.split()
    write(tmp_path / "pairs.parquet", {"left": structs(TRAIN), "right": structs(TRAIN), "label": LABELS})
    assert code_and_field(lambda: load(tmp_path / "pairs.parquet")) == ("conflict", "data")


@pytest.mark.parametrize("labels", [["10", "9"] * 20, [10.0, 9.0] * 20, [[10], [9]] * 20, [b"10", b"9"] * 20])
def test_labels_as_text_floats_and_lists_name_the_classes(tmp_path: Path, labels: list[Any]) -> None:
    write(tmp_path / "mine.parquet", {"image": structs(TRAIN), "label": labels})
    found = load(tmp_path / "mine.parquet")
    assert found.classes == ("9", "10") and found.labels is not None and found.labels.tolist() == [1, 0] * 20


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"image": [{"path": "a.png"}] * 2, "label": [0, 1]}, ("invalid-data", "data")),
        ({"image": ["a.png"] * 2, "label": [0, 1]}, ("invalid-data", "data")),
        ({"sample": [{"image": {"bytes": b"x"}, "label": 0}] * 2}, ("invalid-data", "data")),
        ({"image": [[{"bytes": b"x"}]] * 2, "label": [0, 1]}, ("invalid-data", "data")),
        ({"image": [None, [0] * 25], "label": [0, 1]}, ("invalid-data", "data")),
        ({"image": [[0] * 25] * 2, "label": [[0, 1], [1]]}, ("invalid-data", "labels")),
        ({"image": [[7] * 25] * 2, "label": [0, None]}, ("invalid-data", "labels")),
        ({"image": [b"raw pixels"] * 2, "label": [0, 1]}, ("damaged-file", None)),
        ({}, ("invalid-data", "data")),
    ],
)
def test_columns_that_hold_no_images_or_no_labels_are_refused(
    tmp_path: Path, columns: dict[str, Any], kind: tuple[str, str | None]
) -> None:
    write(tmp_path / "mine.parquet", columns)
    assert code_and_field(lambda: load(tmp_path / "mine.parquet")) == kind
