"""The images and labels of one part of a data set in a Python object: arrays, or examples one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkwash.data import array_names, image_file, table_columns
from inkwash.data.pixels import resize
from inkwash.data.reading import invalid_data
from inkwash.errors import InkwashError, UsageError, first_line

Array = np.ndarray[Any, Any]
WANTED = "give a name, a path, arrays as (images, labels), a data set of torch or of the Hub, or an inkwash.Dataset"


class Examples(NamedTuple):
    """Images in a layout of `array_pixels`, labels in a form of `label_checks` or None, and what is known of both.

    `classes` are the names of integer labels, () if they are unknown.
    """

    images: Array
    labels: Array | None
    classes: tuple[str, ...]
    channels_first: bool


def read(data: Any, where: str, size: int | None = None) -> Examples:
    """Return the examples in `data`: an array, a pair (images, labels), a data set or frame, or a list of images or examples.

    Pictures are resized to `size`. Raises `UsageError` for another object and for examples that cannot be read,
    `InkwashError` for those that differ in size.
    """
    if is_array(data):
        return Examples(as_array(data), None, (), is_tensor(data))
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        return _of_frame(data, where)
    found = pair(data)
    if found is not None and is_array(found[0]):
        return Examples(as_array(found[0]), found[1], (), is_tensor(found[0]))
    if found is not None:
        return read(found[0], where, size)._replace(labels=found[1])
    if not is_readable(data):
        raise UsageError(f"{where} is no data set: {WANTED}", code="invalid-value", field="data")
    return _stacked(data, where, size)


def is_array(data: Any) -> bool:
    """Return whether `data` is an array or tensor of at least one axis, and no data frame."""
    if hasattr(data, "columns"):
        return False
    return isinstance(data, np.ndarray | Tensor) or (
        hasattr(data, "__array__") and hasattr(data, "dtype") and len(getattr(data, "shape", ())) > 0
    )


def is_tensor(data: Any) -> bool:
    """Return whether `data` is a tensor of torch, whose images have their channels first."""
    return isinstance(data, Tensor)


def as_array(data: Any) -> Array:
    """Return an array or tensor as one of numpy."""
    if isinstance(data, Tensor):
        data = data.detach().to_dense().cpu()
        return (data.float() if data.dtype == torch.bfloat16 else data).numpy()
    return np.asarray(data)


def as_labels(data: Any) -> Array | None:
    """Return an array, tensor or list of labels as an array, None for anything else."""
    if is_array(data):
        return as_array(data)
    if isinstance(data, list | tuple) and data and all(_is_label(label) for label in data):
        return np.asarray([label.item() if isinstance(label, Tensor) else label for label in data])
    return None


def pair(data: Any) -> tuple[Any, Array | None] | None:
    """Return (images, labels) if `data` is such a pair, rather than a list of two images; labels may be None."""
    if not isinstance(data, tuple | list) or len(data) != 2 or isinstance(data[0], Image.Image | str | Mapping):
        return None
    images, labels = data[0], None if data[1] is None else as_labels(data[1])
    if labels is None and isinstance(data[1], list | tuple) and is_array(images) and images.ndim > 1:
        labels = _nested_labels(data[1], len(images))
    if isinstance(data[1], Mapping | str) and is_array(images) and images.ndim > 2:
        raise invalid_data(
            f"the labels of {len(images):,} images are a {type(data[1]).__name__}: give one integer or text for each",
            "labels",
        )
    if (labels is None and data[1] is not None) or not (is_array(images) or is_readable(images)):
        return None
    alike = labels is not None and is_array(images) and labels.ndim > 1 and tuple(images.shape) == labels.shape
    return None if alike else (images, labels)


def _nested_labels(labels: list[Any] | tuple[Any, ...], count: int) -> Array | None:
    """Return a list of labels in a form that `label_checks` reads or refuses, None for a list that is none of labels."""
    try:
        found = np.asarray(labels)
    except (ValueError, TypeError):
        found = np.empty(len(labels), dtype=object)
        for k, label in enumerate(labels):
            found[k] = label
    return found if len(found) == count and found.ndim < 3 else None


def is_readable(data: Any) -> bool:
    """Return whether `data` gives examples one by one."""
    if isinstance(data, str | bytes | Image.Image | type):
        return False
    return (hasattr(data, "__len__") and hasattr(data, "__getitem__")) or isinstance(data, Iterable)


def _is_label(label: Any) -> bool:
    """Return whether `label` may be in a list of labels; those that are no classes are refused by `label_checks`."""
    if isinstance(label, Tensor):
        return label.ndim == 0
    return label is None or isinstance(label, int | float | str | bytes | np.generic)


def _of_frame(frame: Any, where: str) -> Examples:
    """Return the examples in the rows of a data frame of pandas or polars, with pixels and label in columns."""
    names = [str(name) for name in frame.columns]
    pixels, label = table_columns.pixel_columns(names, where)
    columns = [np.asarray(frame[name]) for name in frame.columns]
    labels = None if label is None else table_columns.label_texts(columns[label])
    return Examples(np.stack([columns[k] for k in pixels], axis=1), labels, (), False)


def _stacked(data: Any, where: str, size: int | None) -> Examples:
    """Return the examples that `data` gives one by one."""
    images: list[Array] = []
    labels: list[Any] = []
    channels_first = False
    for k, item in enumerate(_items(data, where)):
        image, label = _split(item, where)
        channels_first |= is_tensor(image)
        images.append(_image(image, f"{where}: image {k}", size))
        labels.append(label.tolist() if isinstance(label, Tensor | np.ndarray) else label)
        if images[-1].shape[:2] != images[0].shape[:2]:
            raise invalid_data(
                f"{where}: image {k} is {list(images[-1].shape)}, the first is {list(images[0].shape)}: the images of a data "
                "set have one size; resize them, as train does pictures with data__size=28",
                "size",
            )
    if not images:
        raise invalid_data(f"{where} has no examples", "data")
    if None in labels and any(label is not None for label in labels):
        raise invalid_data(
            f"{where}: image {labels.index(None)} has no label, others have: give one for each image", "labels"
        )
    most = max(image.ndim for image in images)
    # A grey picture among those in colour has no axis for its channels.
    same = [np.repeat(image[..., None], 3, axis=2) if image.ndim < most else image for image in images]
    if len({image.shape for image in same}) > 1:
        shapes = ", ".join(str(list(shape)) for shape in sorted({image.shape for image in images}))
        raise invalid_data(f"{where}: the images have the shapes {shapes}: give all one shape", "data")
    known = labels if labels[0] is not None else []
    return Examples(np.stack(same), _labels(known, where), _class_names(data) if known else (), channels_first)


def _labels(labels: list[Any], where: str) -> Array | None:
    if not labels:
        return None
    try:
        return np.asarray(labels)
    except ValueError:
        raise invalid_data(
            f"{where}: the labels differ in shape: give one integer or text for each", "labels"
        ) from None


def _items(data: Any, where: str) -> Iterator[Any]:
    """Yield the examples of `data` in order. Raises `UsageError` where its own code fails."""
    indexed = hasattr(data, "__len__") and hasattr(data, "__getitem__") and not hasattr(data, "features")
    k = 0
    try:
        # By index, because the iteration of a data set without __iter__ only ends with an IndexError.
        for item in (data[index] for index in range(len(data))) if indexed else data:
            yield item
            k += 1
    except InkwashError:
        raise
    except Exception as error:
        raise UsageError(
            f"{where}: example {k} cannot be read: {type(error).__name__}: {first_line(error)}",
            code="plugin-failed",
            field="data",
        ) from error


def _split(item: Any, where: str) -> tuple[Any, Any]:
    """Return image and label of an example, None without a label."""
    if isinstance(item, Mapping):
        found = {role.kind: item[name] for role, name in array_names.roles(map(str, item), where).items()}
        if "images" not in found:
            raise invalid_data(
                f"{where} has no column 'image' (it has {', '.join(map(str, item))}): rename one", "data"
            )
        return found["images"], found.get("labels")
    if isinstance(item, tuple | list) and item and (is_array(item[0]) or isinstance(item[0], Image.Image | Mapping)):
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def _image(image: Any, where: str, size: int | None) -> Array:
    """Return an image as an array; a picture, of known layout and type, is resized to `size`."""
    if isinstance(image, Image.Image):
        pixels = image_file.picture_array(image, where)
        if size is None:
            return pixels
        planes = torch.from_numpy(np.array(pixels if pixels.ndim == 3 else pixels[..., None])).permute(2, 0, 1)
        return _plain(resize(planes[None], size)[0])
    if isinstance(image, Mapping) and isinstance(image.get("bytes"), bytes):
        return _plain(image_file.decode(image["bytes"], where, size))
    if isinstance(image, list):
        image = np.asarray(image)
    if not is_array(image):
        raise invalid_data(f"{where} is a {type(image).__name__}: give pictures, arrays or tensors", "data")
    return as_array(image)


def _plain(image: Tensor) -> Array:
    """Return an image `[C, H, W]` as `[H, W]`, or `[H, W, C]` in colour."""
    return np.asarray(image.permute(1, 2, 0).squeeze(2))


def _class_names(data: Any) -> tuple[str, ...]:
    """Return the names that a data set has for its classes: those of torchvision's `classes`, or of the Hub's `features`."""
    features = getattr(data, "features", None)
    if isinstance(features, Mapping):
        # The column of labels is chosen as for an example.
        column = array_names.roles(features, "the data set").get(array_names.Role("train", "labels"))
        return tuple(map(str, getattr(features.get(column), "names", None) or ()))
    classes = getattr(data, "classes", None)
    if isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes):
        return tuple(classes)
    if hasattr(data, "dataset"):
        return _class_names(data.dataset)
    # A ConcatDataset has the classes that its parts agree on.
    names = {_class_names(part) for part in getattr(data, "datasets", ())}
    return names.pop() if len(names) == 1 else ()
