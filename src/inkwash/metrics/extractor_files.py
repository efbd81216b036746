"""Panels as files: panel.json, which has a seal, and safetensors, each with its SHA-256 there; none is trusted unread."""

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
from inkwash.metrics.extractor_set import JUDGES, About, ExtractorSet, FeatureExtractor
from inkwash.metrics.frechet import Moments
from inkwash.metrics.reference_statistics import Part, Reference, Scale

FORMAT = 1
ROWS = "rows"


def write(panel: ExtractorSet, folder: Path) -> None:
    """Write `panel` into `folder`; panel.json comes last, so that a folder without it is not yet one.

    Networks and rows are kept in half precision, moments of classes in single, of the whole in double.
    """
    kept = {}
    for name, judge in panel.judges.items():
        content = save(_tensors(judge))
        kept[name] = {
            "sha256": _put(folder / f"{name}.safetensors", content),
            "scale": judge.scale,
            "floor": asdict(judge.reference.floor),
            "real": asdict(judge.reference.real),
            "back": asdict(judge.reference.back),
        }
    rows = save({"train": panel.train_rows.half().contiguous(), "test": panel.test_rows.half().contiguous()})
    described = {
        "format": FORMAT,
        "about": asdict(panel.about),
        "judges": kept,
        "rows": _put(folder / f"{ROWS}.safetensors", rows),
        "figures": panel.figures,
    }
    write_text(folder / "panel.json", json.dumps(with_checksum(described), indent=1) + "\n")


def read(folder: Path) -> ExtractorSet:
    """Return the panel in `folder`. Raises `InkwashError` when a file is missing, damaged or not the one described."""
    try:
        described = verified(json.loads((folder / "panel.json").read_text(encoding="utf-8")))
        if described["format"] != FORMAT:
            raise InkwashError(
                f"{folder} holds judges of format {described['format']}, this inkwash reads {FORMAT}: {_way_out(folder)}"
            )
        about = described["about"]
        tuples = {key: tuple(about[key]) for key in ("shape", "classes", "proportions")}
        known = About(**(about | tuples))
        judges = {name: _judge(folder, name, row, known) for name, row in described["judges"].items()}
        rows = _get(folder / f"{ROWS}.safetensors", described["rows"])
        return ExtractorSet(known, judges, rows["train"].float(), rows["test"].float(), described["figures"])
    except OSError as error:
        missing = Path(error.filename or folder).name
        raise InkwashError(
            f"the judges in {folder} cannot be read ({missing}: {error.strerror}): {_way_out(folder)}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        told = " ".join(str(error).split())[:120]
        raise InkwashError(f"the judges in {folder} cannot be read ({told}): {_way_out(folder)}") from None


def _judge(folder: Path, name: str, row: dict[str, Any], about: About) -> FeatureExtractor:
    tensors = _get(folder / f"{name}.safetensors", row["sha256"])
    scales = [Scale(tuple(row[key]["sizes"]), tuple(row[key]["values"])) for key in ("floor", "real", "back")]
    reference = Reference(_part(tensors, "train"), _part(tensors, "test"), *scales)
    net: nn.Module | None = None
    if name in JUDGES:
        net = extractor_training.initialised(lambda: JUDGES[name](about.shape[0], len(about.classes)), 0)
        weights = {key.removeprefix("net."): value for key, value in tensors.items() if key.startswith("net.")}
        net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        net.eval().requires_grad_(False)
    return FeatureExtractor(net, row["scale"], reference)


def _tensors(judge: FeatureExtractor) -> dict[str, Tensor]:
    weights = {} if judge.net is None else judge.net.state_dict()
    found = {
        f"net.{key}": (value.half() if value.is_floating_point() else value).contiguous()
        for key, value in weights.items()
    }
    for name, part in (("train", judge.reference.train), ("test", judge.reference.test)):
        found |= {f"{name}.mean": part.whole.mean, f"{name}.covariance": part.whole.covariance}
        found[f"{name}.counts"] = torch.tensor([part.whole.count, *(m.count for m in part.classes)])
        if part.classes:
            found[f"{name}.means"] = torch.stack([m.mean for m in part.classes]).float()
            found[f"{name}.covariances"] = torch.stack([m.covariance for m in part.classes]).float()
    return {key: value.detach().contiguous() for key, value in found.items()}


def _part(tensors: dict[str, Tensor], name: str) -> Part:
    count, *counts = tensors[f"{name}.counts"].tolist()
    whole = Moments(tensors[f"{name}.mean"], tensors[f"{name}.covariance"], count)
    if not counts:
        return Part(whole)
    pairs = zip(tensors[f"{name}.means"].double(), tensors[f"{name}.covariances"].double(), counts, strict=True)
    return Part(whole, tuple(Moments(*pair) for pair in pairs))


def _put(path: Path, content: bytes) -> str:
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _get(path: Path, sha256: str) -> dict[str, Tensor]:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InkwashError(
            f"{path} has SHA-256 {found[:12]}, panel.json says {sha256[:12]}: it is not the judge that figures are "
            f"measured with; {_way_out(path.parent)}"
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise InkwashError(f"{path} is damaged ({error}): {_way_out(path.parent)}") from None


def _way_out(folder: Path) -> str:
    bundled = (folder / "__init__.py").is_file() or folder.parent.name == "panels"
    return "install inkwash again" if bundled else f"delete {folder}, and it is built anew"
