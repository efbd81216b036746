"""The output of `inkwash sample`: one file or folder, written at once or in chunks that an interrupted run keeps."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import UsageError
from inkwash.sampling.run import SamplingRun
from inkwash.text.bars import sampling
from inkwash.text.printing import print
from inkwash.viz import writers
from inkwash.viz.samples import RenderOptions

MANY_EVALUATIONS = 200
"""Network evaluations per image above which a message names faster samplers."""


@dataclass(frozen=True)
class Output:
    """Where and how samples are written: the file or folder `path`, in batches of `batch`.

    `resume` is whether chunks of an interrupted run are used. Raises `UsageError` for a file name ending without a
    writer, a batch below 1, and `resume` without chunks.
    """

    path: Path
    options: RenderOptions
    batch: int
    resume: bool = False

    def __post_init__(self) -> None:
        writers.writer_for(self.path, self.options.kind)
        if self.batch < 1:
            raise UsageError(f"--batch is {self.batch}: it must be at least 1", code="out-of-range", field="batch")
        if self.resume and self.path.suffix.lower() != ".npz":
            raise UsageError(
                f"--continue has no effect on {self.path}: it resumes interrupted sampling into NAME.npz",
                code="no-effect",
                field="continue",
            )

    def write(self, run: SamplingRun, process_group: ProcessGroup, quiet: bool) -> int:
        """Sample and write; return the exit code, 130 after an interruption that can be resumed."""
        start = time.perf_counter()
        write = writers.writer_for(self.path, self.options.kind)
        is_archive = write is writers.write_arrays
        if not process_group.is_single and not is_archive:
            message = f"--out {self.path}: several processes write NAME.npz only"
            raise UsageError(message, code="unsupported", field="out")
        writers.require_effect(run, self.options, self.path)
        writers.check_size(run, self.options, self.path)
        with process_group.main_first():
            writers.require_replaceable(self.path)
            if is_archive:
                from inkwash.cli.sample_chunks import open_chunks

                chunks = open_chunks(run, self.path, self.batch, process_group, self.resume)
            else:
                chunks = None
        evaluations = run.sampler.evaluations
        if not quiet and evaluations > MANY_EVALUATIONS:
            message = f"{run.sampler.kind}:{run.sampler.steps} needs {evaluations:,} network evaluations per image"
            print(f"{message}; --sampler ddim:50 or dpm++2m:20 is much faster", file=sys.stderr)
        if chunks is None:
            with sampling(evaluations, len(run), quiet) as progress:
                write(run, self.options, self.path, self.batch, progress)
        else:
            from inkwash.cli.sample_chunks import write_chunks

            if not write_chunks(chunks, self.path, self.batch, process_group, quiet):
                return 130
        if not quiet:
            print(f"{self.path}: {_summary(run)}, {time.perf_counter() - start:.1f} s", file=sys.stderr)
        return 0


def _summary(run: SamplingRun) -> str:
    request, sampler = run.request, run.sampler
    first, trained = (float(each.terminal.log_snr) for each in (sampler.schedule, run.model.recipe.schedule))
    start = ""
    if request.edit is not None:
        start = f" from an image with noise {request.edit.noise:g}"
        error = run.reconstruction_error()
        if error is not None:
            start = f"{start}, encoded (reconstructed to {error:.1f} grey levels RMS)"
    elif first > trained + 1e-6:
        start = f" from log-SNR {first:.1f}"
    seeds = f"{request.seed}" if request.seed_to is None else f"{request.seed} to {request.seed_to}"
    model = f"{request.model} ({run.model.weights})"
    return f"{len(run):,} from {model}, {sampler.kind}:{sampler.steps}{start}, seed {seeds}"
