"""Commands and options of other diffusion programs, and their equivalents here that error messages suggest."""

from __future__ import annotations

from collections.abc import Sequence

COMMAND_SYNONYMS = {
    "generate": "sample",
    "draw": "sample",
    "resume": "train",
    "continue": "train",
    "fit": "train",
    "eval": "evaluate",
    "measure": "evaluate",
    "score": "evaluate",
    "compare": "evaluate",
    "fid": "evaluate",
    "experiment": "lab",
    "experiments": "lab",
    "test": "lab",
    "play": "serve",
    "playground": "serve",
    "web": "serve",
    "ui": "serve",
    "list": "show",
    "ls": "show",
    "info": "show",
    "inspect": "show",
}
"""Word -> the command of inkwash that it means."""

SPEED = ("bench", "benchmark", "speed", "time", "profile")
"""Words for the measurement of speed, which is a script of the repository."""

VALUE = "{}"
"""The placeholder of the given value in a replacement."""


def _all(names: str, replacement: str) -> dict[str, str]:
    return {f"--{name}": replacement for name in names.split()}


_OUT = _all("output output-dir out-dir outdir output-path save-dir save-to", "--out {}")
_DEVICE = (
    _all("gpu cuda", "--device cuda") | _all("cpu", "--device cpu") | _all("num-threads n-threads", "--threads {}")
)
_DATA = _all("dataset data-dir data-path data-root dataset-path", "--data {}")
_SAMPLING = (
    _all("num-samples n-samples samples num num-images n-images", "-n {}")
    | _all("method scheduler solver sampling-method", "--sampler {}")
    | _all("cfg cfg-scale cfg-weight guidance-scale guidance-weight", "--guidance {}")
    | _all("fp16 bf16 half amp", "--precision bfloat16")
)

OPTIONS: dict[str, dict[str, str]] = {
    "train": _OUT
    | _DEVICE
    | _DATA
    | _all("lr learning-rate", "--set optimizer.lr={}")
    | _all("optimizer optim", "--set optimizer.kind={}")
    | _all("weight-decay wd", "--set optimizer.weight_decay={}")
    | _all("warmup warmup-steps", "--set optimizer.warmup={}")
    | _all("grad-clip clip-grad gradient-clip max-grad-norm", "--set optimizer.clip={}")
    | _all("batch-size batch bs train-batch-size", "--set training.batch={}")
    | _all("label-dropout p-uncond class-dropout cond-drop-prob", "--set training.label_dropout={}")
    | _all("precision", "--set training.precision={}")
    | _all("fp16 bf16 half amp", "--set training.precision=bfloat16")
    | _all("num-steps n-steps max-steps iterations iters num-iterations train-steps", "--steps {}")
    | _all("num-epochs n-epochs max-epochs num-train-epochs nepochs", "--epochs {}")
    | _all("image-size img-size resolution", "--size {}")
    | _all("schedule noise-schedule beta-schedule", "--set schedule.kind={}")
    | _all("timesteps num-timesteps diffusion-steps T", "--set schedule.T={}")
    | _all("target prediction-type parameterization objective", "--set target={}")
    | _all("network net arch architecture", "--set network.kind={}")
    | _all("conditional class-cond class-conditional", "--set network.conditional=true")
    | _all("save-every checkpoint-interval eval-every", '--checkpoint-every "{} steps"')
    | _all("random-seed", "--seed {}")
    | _all("resume resume-from checkpoint ckpt", "inkwash train RUN, with the run folder in place of the recipe")
    | _all("config recipe model", "inkwash train {}, without a flag before the recipe"),
    "sample": _OUT
    | _DEVICE
    | _SAMPLING
    | _all("num-steps n-steps num-inference-steps inference-steps sampling-steps timesteps", "--steps {}")
    | _all("class class-label class-labels classes labels digit digits y", "--label {}")
    | _all("batch-size bs", "--batch {}")
    | _all("random-seed", "--seed {}")
    | _all("init-image init image input", "--from {}")
    | _all("strength", "--noise {}")
    | _all("gif video animate animation", "--film")
    | _all("zoom upscale", "--scale {}")
    | _all("nrow ncol ncols cols", "--columns {}")
    | _all("resume", "--continue")
    | _all("checkpoint ckpt model run", "inkwash sample {}, without a flag before the model"),
    "evaluate": _DEVICE
    | _DATA
    | _SAMPLING
    | _all("steps num-steps num-inference-steps", "--sampler NAME:{}, as in ddim:{}")
    | _all("out output output-dir outdir", "--report {}")
    | _all("checkpoint ckpt model run", "inkwash evaluate {}, without a flag before the model"),
    "lab": _OUT
    | _DEVICE
    | _DATA
    | _all("num-samples n-samples samples num-images", "-n {}")
    | _all("epochs num-epochs", '--length "{} epochs"')
    | _all("minutes", '--length "{} minutes"')
    | _all("images", '--length "{} images"')
    | _all("model checkpoint", "--run {}"),
    "export": _OUT
    | _all("format type", "--to {}")
    | _all("onnx", "--to onnx")
    | _all("web html", "--to web")
    | _all("checkpoint ckpt model run", "inkwash export {}, without a flag before the model"),
    "serve": _all("address bind ip", "--host {}")
    | _all("password auth", "--token {}")
    | _all("browser", "--open")
    | _all("run model checkpoint", "inkwash serve {}, without a flag before the run folder")
    | _DATA,
    "show": _OUT | _all("run model recipe checkpoint", "inkwash show {}, without a flag before the name"),
}
"""Command -> option of other programs -> its equivalent."""


def command_suggestion(command: str) -> str | None:
    """Return a message with the equivalent of a command of other programs, None if there is none."""
    if command in COMMAND_SYNONYMS:
        return f"there is no command '{command}': it is 'inkwash {COMMAND_SYNONYMS[command]}'"
    if command in SPEED:
        return f"there is no command '{command}': run 'python -m benchmarks.speed all' in a checkout of inkwash"
    return None


def option_suggestion(arguments: Sequence[str]) -> str | None:
    """Return a message with the equivalent of the first option of other programs, None if there is none."""
    command, *words = arguments
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        # Spellings such as "-lr" and "--learning_rate" are recognized as well.
        plain = f"--{flag.lstrip('-').replace('_', '-')}"
        replacement = OPTIONS.get(command, {}).get(plain) if flag.startswith("-") else None
        if replacement is None:
            continue
        if not equals:
            following = words[index + 1] if index + 1 < len(words) else ""
            value = "" if following.startswith("-") else following
        return f"inkwash {command} has no {flag}: use {replacement.replace(VALUE, value or 'VALUE')}"
    return None
