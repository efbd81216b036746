"""Samples in chunks: many samples into one .npz, shared by processes and resumed after an interruption."""

from __future__ import annotations

import sys
from pathlib import Path

from inkwash.distributed.process_group import ProcessGroup
from inkwash.distributed.torchrun import restarted
from inkwash.sampling import chunks
from inkwash.sampling.chunks import ChunkFolder
from inkwash.sampling.run import SamplingRun
from inkwash.text.bars import sampling
from inkwash.text.printing import print
from inkwash.viz import writers


def open_chunks(
    run: SamplingRun, target: Path, batch: int, process_group: ProcessGroup, resume: bool
) -> ChunkFolder | None:
    """Return the folder of the chunks of `run`, None for few samples of one process, which need none."""
    if process_group.is_single and len(run) <= chunks.MIN_CHUNK_SIZE:
        return None
    return ChunkFolder.open(run, target, batch, resume or restarted() or not process_group.is_main)


def write_chunks(folder: ChunkFolder, target: Path, batch: int, process_group: ProcessGroup, quiet: bool) -> bool:
    """Sample the missing chunks and write `target` from all; return False after an interruption."""
    missing = folder.missing(process_group)
    count, total = folder.examples(missing), len(folder.run)
    if not quiet and count < total and process_group.is_single:
        print(f"resuming: {total - count:,} of {total:,} exist already", file=sys.stderr)
    try:
        with sampling(folder.run.sampler.evaluations, count, quiet) as progress:
            folder.sample(missing, batch, progress)
        process_group.barrier()
    except KeyboardInterrupt:
        if not quiet:
            print(f"stopped; the samples so far are in {folder.folder}; resume with --continue", file=sys.stderr)
        return False
    if process_group.is_main:
        writers.save_npz(folder.run, target, folder.values())
        folder.remove()
    return True
