"""Strategies of data in the layouts that people have: trees of files, archives of them, and IDX files.

Every image has a number, which its pixels encode, so that what was read can be compared with what was written.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from PIL import Image

Draw = st.DrawFn
LOSSLESS = (".png", ".bmp", ".tif", ".tga", ".pgm", ".PNG", ".qoi", ".pcx")
OTHER = (".txt", ".csv", ".heic", ".json", "")
PART_NAMES = {
    "train": ("train", "training", "Train", "trainingSet", "train_images", "seg_train"),
    "test": ("test", "testing", "Test", "testSet", "test_images", "seg_test"),
    "val": ("val", "valid", "validation", "Valid", "dev", "seg_val"),
}
TREE_NAMES = (
    "0",
    "1",
    "10",
    "cat",
    "dog",
    "é",
    "a b",
    "train",
    "test",
    "val",
    "training",
    "seg_train",
    "seg_test",
    "images",
)
IDX_NAMES: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: f"{name}.gz",
    lambda name: name.replace("-idx", ".idx"),
    lambda name: f"{name}/{name.replace('-idx', '.idx')}",
    lambda name: f"emnist-digits-{name}.gz",
    lambda name: f"MNIST/raw/{name}",
    lambda name: f"a/b/{name.replace('t10k', 'test')}",
)


@dataclass(frozen=True)
class Written:
    """The files of a data set, and what is expected of it: the classes, and the numbers of the images by class and part."""

    files: Mapping[str, bytes]
    classes: tuple[str, ...] = ()
    train: dict[str, list[int]] = field(default_factory=dict)
    test: dict[str, list[int]] | None = None


def pixels(number: int) -> np.ndarray:
    """Return the image of a number below 65,536: uint8 `[2, 3]`, not symmetric."""
    return np.array([[number & 255, number >> 8, 7], [200, 30, 90]], dtype=np.uint8)


def number_of(image: np.ndarray) -> int:
    """Return the number of the image, uint8 `[2, 3]`. Raises `AssertionError` for other pixels."""
    number = int(image[0, 0]) + 256 * int(image[0, 1])
    assert (image == pixels(number)).all()
    return number


def image_file(number: int, suffix: str) -> bytes:
    """Return the file of an image in the format of a suffix."""
    file = io.BytesIO()
    format = {".tif": "TIFF", ".tga": "TGA", ".pgm": "PPM"}.get(suffix, suffix[1:].upper())
    image = Image.fromarray(pixels(number))
    (image.convert("RGB") if format == "QOI" else image).save(file, format)
    return file.getvalue()


@st.composite
def folders(draw: Draw) -> Written:
    """Return parts of class folders, with folders in and around them, as one of the layouts that are documented."""
    around = draw(st.sampled_from(["", "", "set/", "a/b/"]))
    kind = draw(st.integers(0, len(PART_NAMES["train"]) - 1))
    parts = draw(st.sampled_from([(), ("train",), ("train", "test"), ("train", "val"), ("train", "test", "val")]))
    names = {part: PART_NAMES[part][kind] for part in parts}
    if draw(st.booleans()):
        names = {part: f"{name}/{name}" for part, name in names.items()}
    # a number makes the order of classes that of numbers only if all names are numbers
    pool = draw(st.sampled_from([("1", "2", "9", "10"), ("cat", "dog", "a b", "é"), ("1", "cat", "10", "x.y")]))
    classes = draw(st.lists(st.sampled_from(pool), min_size=2, max_size=4, unique=True))
    ordered = tuple(sorted(classes, key=int if all(name.isdecimal() for name in classes) else None))
    labelled = draw(st.booleans()) if parts else True
    files: dict[str, bytes] = {}
    numbers: dict[str, dict[str, list[int]]] = {}
    for part in parts or ("train",):
        numbers[part] = {name: [] for name in (ordered if labelled else ("",))}
        for name in (
            numbers[part] if part == "train" else draw(st.lists(st.sampled_from(sorted(numbers[part])), min_size=1))
        ):
            for _ in range(draw(st.integers(1, 3))):
                inside = draw(st.sampled_from(["", "", "x/", "x/y/"])) if labelled else ""
                suffix = draw(st.sampled_from(LOSSLESS))
                number = len(files)
                path = "/".join(filter(None, (names.get(part, ""), name, f"{inside}{number}{suffix}")))
                files[f"{around}{path}"] = image_file(number, suffix)
                numbers[part][name].append(number)
    for _ in range(draw(st.integers(0, 2))):
        files[f"{around}notes{len(files)}{draw(st.sampled_from(OTHER))}"] = b"about"
    test = numbers.get("test", numbers.get("val"))
    return Written(files, ordered if labelled else (), numbers["train"], test)


@st.composite
def idx_files(draw: Draw) -> Written:
    """Return the four or two IDX files of a data set, under one of the names that people have them."""
    rename = draw(st.sampled_from(IDX_NAMES))
    files: dict[str, bytes] = {}
    numbers: dict[str, dict[str, list[int]]] = {}
    total = 0
    for part, prefix in (("train", "train"), ("test", "t10k"))[: draw(st.integers(1, 2))]:
        labels = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6))
        images = np.stack([pixels(total + k) for k in range(len(labels))])
        numbers[part] = {
            str(name): [total + k for k, label in enumerate(labels) if label == name] for name in range(10)
        }
        total += len(labels)
        name = rename(f"{prefix}-images-idx3-ubyte")
        # EMNIST's files are transposed
        images = images.transpose(0, 2, 1) if name.startswith("emnist") else images
        for path, array in (
            (name, images),
            (rename(f"{prefix}-labels-idx1-ubyte"), np.array(labels, np.uint8)),
        ):
            raw = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
            files[path] = gzip.compress(raw) if path.endswith(".gz") else raw
    present = [int(name) for part in numbers.values() for name, found in part.items() if found]
    last = 9 if "emnist" in next(iter(files)) else max(present)
    classes = tuple(map(str, range(last + 1)))
    kept = {part: {name: found for name, found in each.items() if name in classes} for part, each in numbers.items()}
    return Written(files, classes, kept["train"], kept.get("test"))


@st.composite
def trees(draw: Draw) -> dict[str, bytes]:
    """Return any tree of images and other files, by path: most of them fit no layout."""
    files: dict[str, bytes] = {}
    # Images at many depths are refused, so most trees have few.
    shallow, deep = draw(st.sampled_from([(0, 0), (1, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (0, 4)]))
    some = st.lists(st.sampled_from(TREE_NAMES), min_size=shallow, max_size=deep)
    places = draw(st.lists(some, min_size=1, max_size=5))
    for number in range(draw(st.integers(1, 12))):
        place = draw(st.sampled_from(places))
        suffix = draw(st.sampled_from([*LOSSLESS[:3]] * 4 + [*OTHER]))
        name = f"{draw(st.sampled_from(['', '', '', '', '.']))}file{number}{suffix}"
        files["/".join([*place, name])] = image_file(number, suffix) if suffix in LOSSLESS else b"about"
    return files


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of `files`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tar_bytes(files: Mapping[str, bytes], mode: str) -> bytes:
    """Return a tar archive of `files`; `mode` is that of tarfile, such as "w:gz"."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


CONTAINERS: dict[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "set.zip": zip_bytes,
    "set.tar": lambda files: tar_bytes(files, "w:"),
    "set.tar.gz": lambda files: tar_bytes(files, "w:gz"),
    "set.tar.xz": lambda files: tar_bytes(files, "w:xz"),
    "archive.zip": lambda files: zip_bytes({"set.zip": zip_bytes(files)}),
}
"""By the name of the archive: how its bytes are made."""
