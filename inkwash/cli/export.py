"""`inkwash export`: a model for other programs, or as a page that needs no server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from inkwash import USUAL, own_code
from inkwash.errors import UsageError, unknown

TARGETS = ("onnx", "web", "diffusers")


def export(
    model: str = USUAL,
    /,
    *,
    to: str = "web",
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    with_: Annotated[Path | None, Parameter(name="--with")] = None,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
) -> int:
    """Write a model as ONNX, or as a page that draws in the browser without a server.

    Examples: inkwash export --to web -o out/page. Or: inkwash export runs/fast-1 --to onnx -o mine.onnx.

    Parameters
    ----------
    model
        A bundled model, a run folder or a checkpoint file. Default: fast.
    to
        onnx, one file, its batch free, compared with torch once it is written; web, a folder of static files; diffusers
        is refused, because no network of inkwash is one of its own.
    out
        The file or folder to write. Default: out/MODEL.onnx or out/MODEL-page.
    with_
        Your own Python file, run first; it may add networks, schedules and samplers to inkwash's tables.
    quiet
        Print errors only.
    """
    own_code.load(with_)
    from inkwash import model as models
    from inkwash.cli.outputs import check_free
    from inkwash.export import onnx, web
    from inkwash.runs.folder import RunFolder

    if to not in TARGETS:
        raise unknown("export", to, TARGETS)
    loaded = models.load(model, device="cpu")
    if to == "diffusers":
        raise UsageError(
            f"{loaded.name} cannot become a pipeline of diffusers, which has no network like {loaded.recipe.network.kind}: "
            "--to onnx writes one that other programs run"
        )
    name = Path(model).name.removesuffix(".safetensors")
    target = out or Path("out") / (f"{name}.onnx" if to == "onnx" else f"{name}-page")
    tell = (lambda what: None) if quiet else (lambda what: print(f"writing {what} …", file=sys.stderr))
    if to == "onnx":
        if target.suffix != ".onnx":
            raise UsageError(f"--out {target}: the name of an ONNX file ends in .onnx")
        check_free(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        apart = onnx.write(loaded, target)
    else:
        run = RunFolder(models.find(model).parent.parent)
        apart = web.write(loaded, name, run if run.metrics.is_file() else None, target, tell)
    if not quiet:
        print(f"{target}: {loaded.name} ({loaded.weights}), at most {apart:.1e} from what torch says", file=sys.stderr)
        if to == "web":
            print(f"look at it: python -m http.server --bind 127.0.0.1 --directory {target}", file=sys.stderr)
    return 0
