"""The reference that samples are compared with: bundled feature extractors, or ones trained once and cached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from inkwash import data as datasets
from inkwash.data import DATASETS, Dataset, ink
from inkwash.data.array_pixels import ValueRange
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation.compute_scores import measure_real_examples
from inkwash.evaluation.sample_files import is_near
from inkwash.io import cache
from inkwash.io.cache import optional_writes
from inkwash.metrics import extractor_files, extractor_set
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.text.durations import format_duration
from inkwash.text.printing import quoted
from inkwash.text.progress import StageProgressCallback


@dataclass(frozen=True, eq=False)
class Reference:
    """The feature extractors of a data set ("judges" on the command line), and that data set where it is available."""

    extractor_set: ExtractorSet
    data: Dataset | None


def bundled() -> list[str]:
    """Return the names of the data sets whose feature extractors are part of the package."""
    folder = resources.files("inkwash.extractors")
    return sorted(item.name for item in folder.iterdir() if (item / extractor_files.INDEX).is_file())


def for_data(
    spec: str | Path | Dataset,
    size: int | None = None,
    progress: StageProgressCallback | None = None,
    value_range: ValueRange | None = None,
) -> Reference:
    """Return the reference of a data set; its extractors are bundled, cached, or trained now and cached.

    Raises `UsageError` for data too small to train extractors on, `InkwashError` for damaged extractor files, and for
    a test part other than the one that the bundled extractors were built with.
    """
    data = datasets.load(spec, size, value_range=value_range)
    found = stored(data.sha256)
    if found is not None and data.test_sha256 and found.spec.test_sha256 not in ("", data.test_sha256):
        if found.spec.data in bundled():
            raise InkwashError(
                f"the test part of {data.name} ({data.test_sha256[:12]}) is not that of {found.spec.data} "
                f"({found.spec.test_sha256[:12]}): it is damaged or of another set; fetch it again",
                code="mismatch",
                field="data",
            )
        # The test part of the user's own data has changed, so its statistics are out of date.
        found = None
    if found is None:
        found = build(data, progress)
        if not data.is_points:
            with optional_writes():
                extractor_files.write(found, _cache_folder(data.sha256))
    return Reference(found, data)


def for_spec(
    spec: DatasetSpec,
    source: str | Path | Dataset | None = None,
    progress: StageProgressCallback | None = None,
    value_range: ValueRange | None = None,
) -> Reference:
    """Return the reference of the data that a model was trained on; `source` is that data's name or path, if given.

    `value_range` is that of `datasets.load`. Without `source`, the data set is loaded by its name where it is available
    locally and has the model's hash. Raises `UsageError` where there are neither extractors nor data.
    """
    size = spec.shape[-1] if len(spec.shape) == 3 else None
    if source is not None:
        data = datasets.load(source, value_range=value_range)
        # Resize first, so that other data are reported as such whatever their size.
        data = data if data.is_points else data.resized(size)
        found_data = ink.of_hash(data, spec.sha256)
        if found_data is None:
            raise UsageError(
                f"--data {source} is {data.name} ({data.sha256[:12]}), the model was trained on {spec.data} "
                f"({spec.sha256[:12]}): give that, or --judge {quoted(source)} to compare with other data",
                code="mismatch",
                field="data",
            )
        return for_data(found_data, progress=progress)
    found = stored(spec.sha256)
    local = datasets.load_offline(spec.data, size)
    if local is None and found is None and spec.data in DATASETS:
        local = datasets.load(spec.data, size)
    local = None if local is None else ink.of_hash(local, spec.sha256)
    if local is not None:
        return for_data(local, progress=progress)
    if found is None:
        raise UsageError(
            f"there are no judges (feature extractors) for {spec.data} ({spec.sha256[:12]}): give the model's training "
            "data by --data, and they are trained once",
            code="missing-field",
            field="data",
        )
    return Reference(found, None)


def for_shape(shape: tuple[int, ...]) -> Reference:
    """Return the bundled reference of samples of `shape`, for files without any data set named.

    Raises `UsageError` where there is none.
    """
    known = {name: _bundled(name).spec for name in bundled()}
    # Of another size or in three equal channels: the samples are checked against the judges, with the remedy.
    near = [name for name, spec in known.items() if is_near(shape, spec.shape) and spec.shape[0] in (1, shape[0])]
    chosen = [name for name, spec in known.items() if spec.shape == shape] or near
    if len(chosen) > 1:
        raise UsageError(
            f"judges (feature extractors) of {', '.join(chosen)} take such samples: give --judge, one of these",
            code="missing-field",
            field="judge",
        )
    if chosen:
        spec = known[chosen[0]]
        return for_spec(
            DatasetSpec(spec.data, spec.sha256, 0, spec.shape, spec.classes, spec.proportions, data_std=1.0)
        )
    raise UsageError(
        f"there are no bundled judges (feature extractors) for examples of {'×'.join(map(str, shape))}, only for "
        f"{', '.join(bundled())}: give --judge DATA, the data to compare with",
        code="missing-field",
        field="judge",
    )


def build(data: Dataset, progress: StageProgressCallback | None = None) -> ExtractorSet:
    """Return new feature extractors trained on `data`, with the scores of its own test part."""
    extractor_set.require_enough(data)
    if progress is not None and not data.is_points:
        duration = format_duration(extractor_set.training_seconds(data))
        progress(f"training feature extractors (judges) of {data.name}, once: about {duration}", 0.0)
    found = extractor_set.build(data, progress)
    if progress is not None:
        progress("measuring real test images", 0.0)
    train, test = extractor_set.train_test_parts(data)
    return replace(found, real_scores=measure_real_examples(found, train, test.values, test.labels))


def stored(sha256: str) -> ExtractorSet | None:
    """Return the bundled or cached extractors of the data with this hash, None where there are none."""
    for name in bundled():
        found = _bundled(name)
        if found.spec.sha256 == sha256:
            return found
    folder = _cache_folder(sha256)
    if not (folder / extractor_files.INDEX).is_file():
        return None
    found = extractor_files.read(folder)
    if found.spec.sha256 != sha256:
        raise InkwashError(
            f"the judges in {folder} are of other data ({found.spec.data}): move it away, and they are trained again",
            code="mismatch",
        )
    return found


def _bundled(name: str) -> ExtractorSet:
    return extractor_files.read(Path(str(resources.files("inkwash.extractors") / name)))


def _cache_folder(sha256: str) -> Path:
    return cache.folder() / "judges" / sha256[:16]
