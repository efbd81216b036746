"""`inkwash train`: start a run from a recipe, or resume a run folder."""

from __future__ import annotations

import os
import time
from typing import Annotated

from cyclopts import Parameter

from inkwash.cli.parameters import DataRange, Device, Flag, Integer, Json, Out, Plugin, Quiet, Threads
from inkwash.config import plugins


def train(
    what: str,
    /,
    *,
    data: str | None = None,
    range_: DataRange = None,
    out: Out = None,
    set_: Annotated[tuple[str, ...], Parameter(name=["--set", "-s"], negative=())] = (),
    steps: Integer | None = None,
    epochs: float | None = None,
    images: float | None = None,
    minutes: float | None = None,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    seed: Integer | None = None,
    size: Integer | None = None,
    invert: Flag = False,
    checkpoint_every: str | None = None,
    keep: Integer | None = None,
    processes: Integer | None = None,
    device: Device = "auto",
    threads: Threads = None,
    with_: Plugin = None,
    quiet: Quiet = False,
    json_: Annotated[Json, Parameter(help="Print one JSON line per event instead of a progress bar.")] = False,
) -> int:
    """Train a recipe into a new run folder, or resume a run folder from its latest checkpoint.

    Parameters
    ----------
    what
        A bundled recipe (listed by 'inkwash show'), a recipe file NAME.toml, or a run folder.
    data
        A data set's name or a path: IDX files, images, arrays, CSV, parquet, archives (docs/data.md). Default: the recipe's.
    out
        The run folder to make. Default: runs/NAME-1, or the next free number.
    set_
        Change a field of the recipe, as in --set optimizer.lr=1e-3; may be given again.
    steps
        Length in steps of one batch, at least 1; for a resumed run the total length, as with the other units.
    epochs
        Length in passes over the train set, above 0.
    images
        Length in images seen, above 0.
    minutes
        Wall time in minutes from start to end of this command. The number of steps is estimated from timed steps and
        updated during the run.
    from_
        A model to start from: bundled, a run folder or a checkpoint. Network, target and schedule are those of the model;
        one-step distills it, other recipes fine-tune it.
    seed
        Random seed of the run, 0 or more.
    size
        Resize images to this height and width in pixels.
    invert
        Invert the images, for dark ink on light paper: they become light on dark, as MNIST is.
    checkpoint_every
        Interval of validation and checkpoints, as "500 steps" or "1 epoch".
    keep
        Keep the newest N milestone checkpoints, besides latest and best. Default: all.
    processes
        Number of processes on this machine that share every batch, started by torchrun's launcher. Default: 1.
    """
    start_time = time.perf_counter()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Before torch is imported: its warnings about processes are for authors of such programs.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    plugins.load(with_)
    from inkwash.cli.train_run import TrainPrinter, TrainRequest, parse_length, prepare, run_to_end
    from inkwash.distributed import torchrun
    from inkwash.hardware import devices
    from inkwash.runs.start import completed_by_this_launch

    changes: dict[str, object] = {"training.seed": seed, "data.size": size, "training.keep": keep}
    changes["data.range"] = None if range_ is None else [*range_]
    changes["training.checkpoint_every"] = None if checkpoint_every is None else f'"{checkpoint_every}"'
    new_run_flags: dict[str, object] = {"out": out, "set": set_ or None, "seed": seed, "size": size, "range": range_}
    changes["data.invert"] = "true" if invert else None
    new_run_flags |= {"checkpoint_every": checkpoint_every, "keep": keep, "from": from_, "invert": invert or None}
    request = TrainRequest(
        what,
        data,
        out,
        (*set_, *(f"{field}={value}" for field, value in changes.items() if value is not None)),
        parse_length({"steps": steps, "epochs": epochs, "images": images, "minutes": minutes}),
        tuple(name for name, value in new_run_flags.items() if value is not None),
        from_,
    )
    devices.configure(threads)
    chosen_device = devices.device(device)
    with torchrun.join(chosen_device) as group:
        printer = TrainPrinter(quiet or not group.is_main, json_ and group.is_main)
        if torchrun.restarted() and out is not None and completed_by_this_launch(out, group):
            # One of the processes failed after the last checkpoint was written.
            return 0
        return run_to_end(prepare(request, chosen_device, group, start_time, printer), printer)
