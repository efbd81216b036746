"""`inkwash export`: write a model for other programs, or as a web page that needs no server."""

from __future__ import annotations

import sys

from inkwash import DEFAULT_MODEL
from inkwash.cli.parameters import Out, Plugin, Quiet, default_output
from inkwash.config import plugins
from inkwash.errors import UsageError, unknown_name
from inkwash.text.printing import print

SUFFIXES = {"onnx": ".onnx", "web": "-page", "diffusers": "-diffusers", "safetensors": ".safetensors"}
"""Export target -> suffix of the default file or folder name."""


def export(
    *model: str,
    to: str = "web",
    recipe: str | None = None,
    out: Out = None,
    with_: Plugin = None,
    quiet: Quiet = False,
) -> int:
    """Write a model as ONNX, as a web page that samples in the browser without a server, or for diffusers.

    Parameters
    ----------
    model
        A bundled model, a run folder or a checkpoint file; for a page also several. Default: fast.
    to
        onnx: one file with a dynamic batch size, compared with torch after writing; web: a folder of static files;
        diffusers: a folder for its pipelines, for models of the network ddpm-unet; safetensors: a checkpoint of the
        weights alone.
    recipe
        The recipe of a safetensors file that another program wrote: a bundled one or NAME.toml, with data on this machine.
    out
        The file or folder to write. Default: out/MODEL.onnx, out/MODEL-page, out/MODEL-diffusers or out/MODEL.safetensors.
    """
    plugins.load(with_)
    from inkwash import model as models
    from inkwash.export import onnx, pipeline, web
    from inkwash.io import checkpoints
    from inkwash.io.atomic import require_creatable
    from inkwash.runs.folder import RunFolder
    from inkwash.viz.writers import require_replaceable

    if to not in SUFFIXES:
        raise unknown_name("export", to, SUFFIXES, field="to")
    names = model or (DEFAULT_MODEL,)
    if to != "web" and len(names) > 1:
        message = f"--to {to} writes one model: give one of {', '.join(names)}, or --to web for a page of them"
        raise UsageError(message, code="conflict", field="model")
    every = [models.load(name, device="cpu", recipe=recipe) for name in names]
    loaded, target = every[0], out or default_output(names[0], SUFFIXES[to])
    report = (lambda part: None) if quiet else (lambda part: print(f"writing {part} …", file=sys.stderr))
    if to in ("onnx", "safetensors") and target.suffix != f".{to}":
        raise UsageError(f"--out {target}: give a file name that ends in .{to}", code="wrong-file", field="out")
    if to == "safetensors":
        if target.exists():
            message = f"{target} exists and nothing is overwritten: choose another --out"
            raise UsageError(message, code="exists", field="out")
        require_creatable(target)
        checkpoints.save(target, loaded.checkpoint())
        if not quiet:
            print(
                f"{target}: {loaded.name} ({loaded.weights}), for sample, evaluate, export and train --from",
                file=sys.stderr,
            )
        return 0
    if to == "onnx":
        require_replaceable(target)
        difference = onnx.write(loaded, target)
    elif to == "diffusers":
        difference = pipeline.write(loaded, target)
    else:
        runs = [RunFolder(models.find(name).parent.parent) for name in names]
        difference = web.write(
            [
                web.PageModel(each, default_output(name, "").name, run if run.metrics.is_file() else None)
                for each, name, run in zip(every, names, runs, strict=True)
            ],
            target,
            report,
        )
    if not quiet:
        written = ", ".join(f"{each.name} ({each.weights})" for each in every)
        print(
            f"{target}: {written}, differs from torch by at most {difference:.1e}",
            file=sys.stderr,
        )
        if to == "web" and any(each.spec.attributes for each in every):
            print("the page has sliders for the attributes; prompts are parsed by inkwash serve only", file=sys.stderr)
        if to == "web":
            print(f"view it: python -m http.server --bind 127.0.0.1 --directory {target}", file=sys.stderr)
        if to == "diffusers":
            arguments = "num_inference_steps=50, use_clipped_model_output=True"
            print(f'sample from it: DDIMPipeline.from_pretrained("{target}")({arguments})', file=sys.stderr)
    return 0
