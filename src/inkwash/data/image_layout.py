"""Which image files of a folder are of which class and part, by the names and the nesting of its sub-folders.

- The folders in a part are its classes, with the images in all folders below them, as in torchvision's ImageFolder.
- Folders such as `train` and `test`, `training` and `testing`, `trainingSet` and `testSet`, or `seg_train` and `seg_test`
  are the parts; `val`, `valid` or `validation` is the test part where `test` is absent or has no classes.
- A single folder around all of it is entered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from inkwash.data import image_tree, unread_forms, visible
from inkwash.data.image_tree import ImageTree
from inkwash.data.label_checks import sorted_names
from inkwash.data.reading import invalid_data
from inkwash.errors import InkwashError, UsageError

Part = Literal["train", "test", "val"]
PARTS: tuple[Part, ...] = ("train", "test", "val")
PART_NAME = re.compile(
    r"((?P<stem>.+)[-_. ])?((?P<train>train(ing)?)|(?P<test>test(ing)?)|(?P<val>val(id(ation)?)?|dev))"
    r"[-_. ]?(set|data|split|images?|imgs?)?",
    re.IGNORECASE,
)
CONTAINER = re.compile(r"data(set)?|images?|imgs?|pictures?|png|jpe?g|samples", re.IGNORECASE)
"""The name of a lone folder that contains images and is no class."""
MASKS = re.compile(r"(seg(mentation)?[-_ ]?)?masks?|labels?|annotations?|targets?|ground[-_ ]?truth|gt", re.IGNORECASE)
"""The name of a folder with a mask for each image of the folder beside it."""
COMMON_SUFFIXES = (".png", ".jpg", ".webp", ".bmp", ".gif", ".tif")


@dataclass(frozen=True)
class FileList:
    """The image files of one part, the names of the classes, and the class of each file; empty without classes."""

    files: tuple[Path, ...]
    classes: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The training and the test part of a folder, None if there is none; a sentence about what is in neither.

    `test_name` is the name of the folder of the test part.
    """

    train: FileList
    test: FileList | None
    warning: str
    test_name: str = ""


class PartName(NamedTuple):
    """The part that a folder is of by its name, and the rest of the name: ("seg", "train") of "seg_train"."""

    stem: str
    part: Part


class PartFolder(NamedTuple):
    """The folder of a part, and the folder in it with the classes or images: the inner one of trainingSet/trainingSet."""

    folder: ImageTree
    tree: ImageTree


def find(folder: Path) -> Layout:
    """Return the parts of `folder`.

    Raises `InkwashError` for a folder or class without images, `UsageError` for a layout that is ambiguous.
    """
    tree = image_tree.scan(folder)
    root = _entered(tree)
    parts = _parts(root)
    unlabelled = not _classes(parts["train"].tree if parts else root)
    others = [unread_forms.unread(root.images * bool(parts) + tree.all_others(), folder, unlabelled)]
    others += [f"{name} is an empty folder" for name, inside in tree.folders.items() if not inside.has_files()]
    if not parts:
        others += [_mixed_parts(root), _paired_folders(root)]
        return Layout(_listing(root), None, "; ".join(filter(None, others)))
    train = _listing(parts["train"].tree)
    test, test_name = None, ""
    for part in ("test", "val"):
        if part not in parts:
            continue
        whole, inner = parts[part]
        fault = f"{test_name} is the test part" if test else _fault_as_test(inner, train)
        if not fault:
            test, test_name = _listing(inner, train.classes), whole.path.name
        elif inner.has_files():
            others.append(_left_out(whole, root.path, fault))
    used = [each.folder for each in parts.values()]
    for other in root.folders.values():
        if other not in used and other.has_images():
            others.append(_left_out(other, root.path, "it is neither the training nor the test part"))
    return Layout(train, test, "; ".join(filter(None, others)), test_name)


def _mixed_parts(root: ImageTree) -> str:
    """Return a sentence about classes that have the parts within them, as in 7/train and 7/test, "" for none."""
    for name, inside in root.folders.items():
        parts = [each for each, folder in inside.folders.items() if part_of(each) and folder.has_images()]
        if len({named.part for each in parts if (named := part_of(each))}) > 1:
            return (
                f"the folders {' and '.join(parts)} in {name} are all read as training images: for a test part, put train and "
                "test at the top, with the class folders inside"
            )
    return ""


def _paired_folders(root: ImageTree) -> str:
    """Return a sentence about images beside their masks, which look like two classes, "" for none."""
    pictures = [name for name, inside in root.folders.items() if CONTAINER.fullmatch(name) and inside.has_images()]
    masks = [name for name, inside in root.folders.items() if MASKS.fullmatch(name) and inside.has_images()]
    if not pictures or not masks:
        return ""
    return f"{' and '.join((*pictures, *masks))} are read as classes: to train on {pictures[0]} alone, give that folder"


def part_of(name: str) -> PartName | None:
    """Return the part that a folder of this name is, None for a name without any."""
    found = PART_NAME.fullmatch(name)
    if found is None:
        return None
    return PartName((found["stem"] or "").lower(), next(part for part in PARTS if found[part]))


def _entered(tree: ImageTree) -> ImageTree:
    """Return the folder in `tree` with the classes or parts: a single folder around them is entered."""
    inside = [folder for folder in tree.folders.values() if folder.has_images()]
    if tree.images or len(inside) != 1:
        return tree
    name = inside[0].path.name
    is_class = inside[0].images and part_of(name) is None and not CONTAINER.fullmatch(name)
    return tree if is_class else _entered(inside[0])


def _parts(root: ImageTree) -> dict[Part, PartFolder]:
    """Return the folders of the parts in `root`, {} where its folders are classes or it has none."""
    named = [(named, folder) for name, folder in root.folders.items() if (named := part_of(name))]
    stems = {named.stem for named, _ in named if named.part == "train"}
    # Another class of vehicles is "bullet_train": only with "bullet_test" would it be a part.
    stems = {stem for stem in stems if not stem or len({each.part for each, _ in named if each.stem == stem}) > 1}
    found: dict[Part, PartFolder] = {}
    for (stem, part), folder in named:
        if stem in stems:
            if part in found:
                raise UsageError(
                    f"{root.path} has {found[part].folder.path.name} and {folder.path.name}: give the one to read by --data",
                    code="conflict",
                    field="data",
                )
            found[part] = PartFolder(folder, _undoubled(folder, part))
    used = [each.folder for each in found.values()]
    others = [each for each in root.folders.values() if each.has_images() and each not in used]
    if not found and len(named) > 1 and len(named) == len(others) and not root.images:
        raise InkwashError(
            f"{root.path} has {visible.listed([folder.path for _, folder in named], root.path)} but no 'train': add it, or "
            "give one of them by --data",
            code="missing-file",
            field="data",
        )
    # A class may be called "train", among other vehicles: its folder then holds image files.
    return {} if found and others and found["train"].tree.images else found


def _undoubled(folder: ImageTree, part: Part) -> ImageTree:
    """Return the innermost of folders such as trainingSet/trainingSet and train/images."""
    inside = [each for each in folder.folders.values() if each.has_images()]
    if folder.images or len(inside) != 1:
        return folder
    name = inside[0].path.name
    named = part_of(name)
    is_same = bool(CONTAINER.fullmatch(name)) or (named is not None and named.part == part)
    return _undoubled(inside[0], part) if is_same else folder


def _fault_as_test(tree: ImageTree, train: FileList) -> str:
    """Return why the folder `tree` is not the test part of `train`, "" if it is, also if reading it is an error."""
    if not tree.has_images():
        return "it has no images" if tree.has_files() else ""
    return "its images have no classes" if train.classes and tree.images and not _classes(tree) else ""


def _classes(tree: ImageTree) -> list[str]:
    """Return the names of the folders with images, in order."""
    return sorted_names(name for name, folder in tree.folders.items() if folder.has_images())


def _listing(tree: ImageTree, classes: tuple[str, ...] | None = None) -> FileList:
    """Return the files of a part; `classes` are those it may have, None if its sub-folders define them."""
    names = _classes(tree)
    if not tree.has_images():
        raise _no_images(tree)
    if tree.images and names:
        raise UsageError(
            f"{tree.path} has images ({tree.images[0].name}) beside sub-folders ({names[0]}):"
            " put every image into the folder of its class, or all into one folder",
            code="invalid-data",
            field="data",
        )
    empty = [folder.path for folder in tree.folders.values() if not folder.has_files()]
    if empty and names:
        raise invalid_data(
            f"{empty[0]} is a class without images: add some, or give the folder of other classes", "data"
        )
    if classes is None:
        classes = tuple(names)
    elif bool(classes) != bool(names) or not set(names) <= set(classes):
        strange = [name for name in names if name not in classes]
        fault = f"has a class '{strange[0]}'" if strange else "has no class folders"
        raise UsageError(
            f"{tree.path} {fault}, unlike 'train' beside it: both parts need the same classes",
            code="invalid-data",
            field="data",
        )
    files, labels = list(tree.images), []
    for label, name in enumerate(classes):
        inside = tree.folders[name].all_images() if name in tree.folders else []
        files += inside
        labels += [label] * len(inside)
    return FileList(tuple(files), classes, tuple(labels))


def _no_images(tree: ImageTree) -> InkwashError:
    others = tree.all_others()
    form = unread_forms.first_of(others)
    holds = f"it has {visible.listed(others, tree.path)}; " if others else ""
    convert = f"{unread_forms.remedy(form)}; " if form else ""
    return InkwashError(
        f"{tree.path} has no images: {holds}{convert}put {', '.join(COMMON_SUFFIXES)} or other files that Pillow reads "
        "there, one sub-folder per class",
        code="missing-file",
        field="data",
    )


def _left_out(tree: ImageTree, root: Path, reason: str) -> str:
    return f"{tree.path.relative_to(root).as_posix()} ({_count(tree.all_images())}) was not read: {reason}"


def _count(images: list[Path]) -> str:
    return f"{len(images):,} {'image' if len(images) == 1 else 'images'}"
