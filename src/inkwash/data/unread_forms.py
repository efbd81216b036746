"""The forms of data that are not read, each with the way to convert it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from inkwash.data import visible
from inkwash.errors import UsageError


class UnreadForm(NamedTuple):
    """A form of data that is not read: its name in messages, the names and the first bytes of its files, and the remedy.

    `may_be_weights` forms are those in which other programs store models too.
    """

    name: str
    file_names: str
    first_bytes: bytes
    remedy: str
    may_be_weights: bool = False

    def matches(self, path: Path, start: bytes = b"") -> bool:
        """Return whether a file, with the bytes `start`, is of this form."""
        named = re.fullmatch(self.file_names, path.name, re.IGNORECASE) is not None
        return named or bool(self.first_bytes and re.match(self.first_bytes, start, re.DOTALL))


SAVE = 'numpy.savez("set.npz", images=images, labels=labels)'

LABELS = UnreadForm(
    "a list of the labels of image files",
    r".+\.(csv|tsv|jsonl?|txt|xml|ya?ml|cls)",
    b"",
    "put each image into a folder that is named after its label",
)
"""Labels beside images that are in no folders of classes; docs/data.md has the program that sorts the images."""

OBJECTS = UnreadForm(
    "arrays of Python objects",
    r"(?!)",
    b"",
    "unpickling can run code; in a program that you trust, numpy.load(NAME, allow_pickle=True), numpy.stack the images, "
    + f"and {SAVE}",
)
"""Object arrays in files of numpy, which only their reader recognizes."""

UNREAD_FORMS: tuple[UnreadForm, ...] = (
    UnreadForm(
        "a pickle",
        r".+\.(pt|pth|ckpt|pkl|pickle|joblib)|data_batch_\d|test_batch|batches\.meta",
        rb"\x80[\x02-\x05]",
        f"unpickling can run code; in a program that you trust, load it and {SAVE}",
        True,
    ),
    OBJECTS,
    UnreadForm("an HDF5 file", r".+\.(h5|hdf5?|he5)", rb"\x89HDF", f"read it with h5py.File(NAME), and {SAVE}", True),
    UnreadForm(
        "a MATLAB file",
        r".+\.mat",
        rb"MATLAB ",
        f"read it with scipy.io.loadmat(NAME), or h5py.File(NAME) from version 7.3 on, and {SAVE}",
    ),
    UnreadForm(
        "a TFRecord file",
        r".+\.(tfrecords?|tfrec)(-\d+-of-\d+)?(\.gz)?",
        b"",
        f"read it with tensorflow_datasets.as_numpy or tf.data.TFRecordDataset, and {SAVE}",
    ),
    UnreadForm(
        "an Arrow file",
        r".+\.(arrow|feather)",
        rb"ARROW1|FEA1",
        "load its folder with datasets.load_from_disk(FOLDER), and give that object to inkwash.train(data=...), or its "
        + '.to_parquet("train.parquet")',
    ),
    UnreadForm(
        "a database",
        r"(data|lock)\.mdb|.+\.(lmdb|sqlite3?|db|tdb)",
        rb"SQLite format 3",
        f"read it with the library that wrote it, such as lmdb or sqlite3, and {SAVE}",
    ),
    UnreadForm(
        "an archive that is not read",
        r".+\.(7z|rar|zst|lz4|z\d\d|r\d\d|part\d+)",
        rb"7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd",
        "unpack it, and give the folder",
    ),
    UnreadForm(
        "a picture of a format that is not read",
        r".+\.(hei[cf]|hif|svgz?|pdf|jxl|exr|hdr|xcf|ai|eps|dng|cr[23]|crw|nef|arw|raf|orf|rw2|dcm|nii(\.gz)?)",
        rb"....ftyp(heic|heix|mif1)|%PDF",
        "save all of them as PNG, as with magick mogrify -format png *.heic",
    ),
    UnreadForm(
        "a video",
        r".+\.(mp4|m4v|avi|mov|mkv|webm|mpe?g|wmv)",
        b"",
        "save its frames as PNG, as with ffmpeg -i NAME FOLDER/%05d.png",
    ),
    UnreadForm(
        "a table that is not read",
        r".+\.(xlsx?|ods|arff|ndjson|rds|rda(ta)?|orc|avro|libsvm|svm)",
        b"",
        'save it as CSV with one image in each row, as with pandas.DataFrame.to_csv("train.csv", index=False)',
    ),
    UnreadForm(
        "numbers without a header",
        r".+\.(bin|raw|dat)",
        b"",
        'numpy.save("set.npy", numpy.fromfile(NAME, numpy.uint8).reshape(-1, HEIGHT, WIDTH))',
        True,
    ),
    LABELS,
)
"""One row for each form; a file is of the first that matches it."""


def of(path: Path) -> UnreadForm | None:
    """Return the form of the file at `path`, None if it is none of these."""
    start = b""
    with suppress(OSError), path.open("rb") as file:
        start = file.read(64)
    return next((form for form in UNREAD_FORMS if form.matches(path, start)), None)


def first_of(paths: Sequence[Path]) -> UnreadForm | None:
    """Return the first of the forms that any of the files has by its name, None if there is none."""
    return next((form for form in UNREAD_FORMS if any(form.matches(path) for path in paths)), None)


def remedy(form: UnreadForm) -> str:
    """Return what to do, for the end of a message."""
    return f"{form.remedy} (docs/data.md)"


def error(path: Path, form: UnreadForm, field: str = "data") -> UsageError:
    """Return the error for a file of a form that is not read, given as the argument `field`."""
    name = form.name if form.name.endswith("not read") else f"{form.name}, which is not read"
    return UsageError(f"{path} is {name}: {remedy(form)}", code="wrong-file", field=field)


def unread(paths: Sequence[Path], root: Path, unlabelled: bool) -> str:
    """Return the sentence about the files `paths` below `root` that were not read, "" for none, with a way to convert them.

    Lists of labels have no use beside images that have classes by their folders: `unlabelled` is whether they have none.
    """
    sentence, form = visible.unread(paths, root), first_of(paths)
    return f"{sentence}; {remedy(form)}" if form and (form is not LABELS or unlabelled) else sentence
