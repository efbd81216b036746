"""Files of an extractor set: panel.json with a checksum, and safetensors files whose SHA-256 it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from inkwash.errors import InkwashError
from inkwash.io.atomic import atomic, write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.metrics import extractor_training
from inkwash.metrics.extractor_set import NETWORKS, ExtractorSet, FeatureExtractor, ReferenceSpec
from inkwash.metrics.frechet import Moments
from inkwash.metrics.reference_statistics import FDBySize, PartMoments, ReferenceStatistics

FORMAT = 1
INDEX = "panel.json"
ROWS = "rows"
CURVES = {"floor": "fd_train_to_train", "real": "fd_test_to_train", "back": "fd_train_to_test"}
"""Key in the index -> attribute of `ReferenceStatistics`."""


def write(extractor_set: ExtractorSet, folder: Path) -> None:
    """Write `extractor_set` into `folder`, the index last, so that an incomplete folder has none.

    Networks and rows are stored in half precision, moments of classes in single, overall moments in double.
    """
    members = {}
    for name, extractor in extractor_set.extractors.items():
        curves = {key: asdict(getattr(extractor.statistics, name)) for key, name in CURVES.items()}
        sha256 = _write(folder / f"{name}.safetensors", save(_tensors(extractor)))
        members[name] = {"sha256": sha256, "scale": extractor.scale, **curves}
    rows = {"train": extractor_set.train_features, "test": extractor_set.test_features}
    index = {
        "format": FORMAT,
        "about": asdict(extractor_set.spec),
        "judges": members,
        "rows": _write(folder / f"{ROWS}.safetensors", save({k: v.half().contiguous() for k, v in rows.items()})),
        "figures": extractor_set.real_scores,
    }
    write_text(folder / INDEX, json.dumps(with_checksum(index), indent=1) + "\n")


def read(folder: Path) -> ExtractorSet:
    """Return the extractor set in `folder`. Raises `InkwashError` for a missing or damaged file."""
    try:
        index = verified(json.loads((folder / INDEX).read_text(encoding="utf-8")))
        if index["format"] != FORMAT:
            raise InkwashError(
                f"{folder} holds judges of format {index['format']}, this inkwash reads {FORMAT}: {_remedy(folder)}",
                code="wrong-file",
            )
        about = index["about"]
        spec = ReferenceSpec(**(about | {key: tuple(about[key]) for key in ("shape", "classes", "proportions")}))
        members = {name: _extractor(folder, name, entry, spec) for name, entry in index["judges"].items()}
        rows = _read(folder / f"{ROWS}.safetensors", index["rows"])
        return ExtractorSet(spec, members, rows["train"].float(), rows["test"].float(), index["figures"])
    except OSError as error:
        name = Path(error.filename or folder).name
        reason = f"{name}: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
    raise InkwashError(
        f"the judges (feature extractors) in {folder} cannot be read ({reason}): {_remedy(folder)}", code="damaged-file"
    )


def _extractor(folder: Path, name: str, entry: dict[str, Any], spec: ReferenceSpec) -> FeatureExtractor:
    tensors = _read(folder / f"{name}.safetensors", entry["sha256"])
    curves = [FDBySize(tuple(entry[key]["sizes"]), tuple(entry[key]["values"])) for key in CURVES]
    statistics = ReferenceStatistics(_part_moments(tensors, "train"), _part_moments(tensors, "test"), *curves)
    net: nn.Module | None = None
    if name in NETWORKS:
        net = extractor_training.seeded(lambda: NETWORKS[name](spec.shape[0], len(spec.classes)), 0)
        weights = {key.removeprefix("net."): value for key, value in tensors.items() if key.startswith("net.")}
        net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        net.eval().requires_grad_(False)
    return FeatureExtractor(net, entry["scale"], statistics)


def _tensors(extractor: FeatureExtractor) -> dict[str, Tensor]:
    weights = {} if extractor.net is None else extractor.net.state_dict()
    found = {f"net.{key}": value.half() if value.is_floating_point() else value for key, value in weights.items()}
    for name, part in (("train", extractor.statistics.train), ("test", extractor.statistics.test)):
        found |= {f"{name}.mean": part.overall.mean, f"{name}.covariance": part.overall.covariance}
        found[f"{name}.counts"] = torch.tensor([part.overall.count, *(m.count for m in part.per_class)])
        if part.per_class:
            found[f"{name}.means"] = torch.stack([m.mean for m in part.per_class]).float()
            found[f"{name}.covariances"] = torch.stack([m.covariance for m in part.per_class]).float()
    return {key: value.detach().contiguous() for key, value in found.items()}


def _part_moments(tensors: dict[str, Tensor], name: str) -> PartMoments:
    count, *counts = tensors[f"{name}.counts"].tolist()
    overall = Moments(tensors[f"{name}.mean"], tensors[f"{name}.covariance"], count)
    if not counts:
        return PartMoments(overall)
    classes = zip(tensors[f"{name}.means"].double(), tensors[f"{name}.covariances"].double(), counts, strict=True)
    return PartMoments(overall, tuple(Moments(*each) for each in classes))


def _write(path: Path, content: bytes) -> str:
    """Write `content` and return its SHA-256."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, sha256: str) -> dict[str, Tensor]:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InkwashError(
            f"{path} has SHA-256 {found[:12]}, {INDEX} has {sha256[:12]}: it is damaged or of another version; "
            f"{_remedy(path.parent)}",
            code="damaged-file",
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise InkwashError(f"{path} is damaged ({error}): {_remedy(path.parent)}", code="damaged-file") from None


def _remedy(folder: Path) -> str:
    is_bundled = (folder / "__init__.py").is_file() or folder.parent.name == "extractors"
    return "install inkwash again" if is_bundled else f"move {folder} away, and they are trained again"
