"""Forms of data that are not read are named, with the way to convert them: as a file, in a folder, beside images."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raised import code_and_field, raised

from inkwash.data import load, unread_forms
from inkwash.evaluation import sample_files

FILES: dict[str, tuple[bytes, str]] = {
    "faces.h5": (b"", "h5py.File"),
    "faces": (b"\x89HDF\r\n\x1a\n", "h5py.File"),
    "usps.mat": (b"MATLAB 5.0 MAT-file", "scipy.io.loadmat"),
    "mnist-train.tfrecord-00000-of-00001": (b"\1\2", "tensorflow_datasets"),
    "data-00000-of-00001.arrow": (b"ARROW1\0\0", "to_parquet"),
    "data.mdb": (b"\0", "lmdb"),
    "training.pt": (b"PK\3\4", "numpy.savez"),
    "mnist": (pickle.dumps({"a": 1}, 2), "numpy.savez"),
    "archive.7z": (b"7z\xbc\xaf\x27\x1c", "unpack"),
    "IMG_1.HEIC": (b"\0\0\0\x18ftypheic", "PNG"),
    "walk.mp4": (b"\0\0\0\x18ftypmp42", "ffmpeg"),
    "digits.xlsx": (b"PK\3\4", "to_csv"),
    "train_X.bin": (b"\1\2\3", "numpy.fromfile"),
    "annotations.json": (b"{}", "folder that is named after its label"),
}
"""Files by their names: their first bytes, and what the error says of the way to convert them."""


@pytest.mark.parametrize("name", FILES)
def test_the_error_says_how_to_convert_a_file(tmp_path: Path, name: str) -> None:
    start, remedy = FILES[name]
    path = tmp_path / name
    path.write_bytes(start + bytes(range(1, 100)))
    error = raised(lambda: load(path))
    assert (error.code, error.field) == ("wrong-file", "data") and remedy in str(error)


@pytest.mark.parametrize("name", [name for name in FILES if "." in name])
def test_the_error_says_how_to_convert_the_files_of_a_folder(tmp_path: Path, name: str) -> None:
    start, remedy = FILES[name]
    (tmp_path / "set" / "train").mkdir(parents=True)
    (tmp_path / "set" / "train" / name).write_bytes(start + bytes(50))
    (tmp_path / "set" / "dataset_info.yaml").write_text("about: this")
    error = raised(lambda: load(tmp_path / "set"))
    assert error.code in ("wrong-file", "missing-file") and name in str(error) and remedy in str(error)


@pytest.mark.parametrize("file", ["faces.h5", "IMG_1.heic", "set.arrow"])
def test_evaluate_says_how_to_convert_samples(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(bytes(50))
    assert code_and_field(lambda: sample_files.is_samples(tmp_path / file)) == ("wrong-file", "model")


def test_an_array_of_objects_is_not_opened_and_says_how_to_convert_it(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", np.array([{"image": 1}], dtype=object), allow_pickle=True)
    error = raised(lambda: load(tmp_path / "set.npy"))
    assert error.code == "wrong-file" and unread_forms.OBJECTS.remedy in str(error)


def test_one_image_is_no_data_set(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "one.png")
    assert code_and_field(lambda: load(tmp_path / "one.png")) == ("wrong-file", "data")


@pytest.mark.parametrize("header", ["filename,label\n", "id,breed\n", ""])
@pytest.mark.parametrize("suffix", [".png", ""])
def test_a_csv_of_labels_says_how_to_sort_the_images(tmp_path: Path, header: str, suffix: str) -> None:
    (tmp_path / "train").mkdir()
    for k in range(4):
        Image.new("L", (8, 8), 60 * k).save(tmp_path / "train" / f"{k}.png")
    (tmp_path / "labels.csv").write_text(header + "".join(f"{k}{suffix},{'ab'[k % 2]}\n" for k in range(4)))
    error = raised(lambda: load(tmp_path / "labels.csv"))
    assert (error.code, error.field) == ("invalid-data", "data") and unread_forms.LABELS.remedy in str(error)
    # The images are read as images without classes, and the warning says how to have classes.
    found = load(tmp_path)
    assert len(found) == 4 and found.labels is None
    assert "labels.csv" in found.warning and unread_forms.LABELS.remedy in found.warning


def test_pictures_of_an_unread_format_in_a_class_folder_are_named_with_the_remedy(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8), 99).save(tmp_path / name / "0.png")
    (tmp_path / "dog" / "1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "labels.csv").write_text("file,label\n")
    found = load(tmp_path)
    assert "2 files" in found.warning and "mogrify" in found.warning
    assert unread_forms.LABELS.remedy not in found.warning
