"""Values for fuzzing: valid ones, ones at a limit, and random text."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


THINGS = words("""fast digits moons ddpm-bn cfg-cosine run run/checkpoints/latest.safetensors half again empty own.npz
    sampled.png mnist cifar-10 swiss-roll""")
FILES = words("""notes.txt loop closed full empty nowhere/x wrong.npz big.npz points.npz pictures out.png sampled.png own.npz
    own.npy . .. ../x x x.png x.npz x.gif x.onnx notes.txt/x.png full/x.png own.toml run half /dev/zero/x""")
NUMBERS = words("""0 -1 1 2 3 0.5 -0.0 nan inf -inf 1e309 1e-300 1e18 2147483648 9223372036854775807 9223372036854775808
    1000000000 100000 1_0 ٣ 0x10 1,2 ½""")
NUMBERS += ["9" * 400]
WORDS = ["", " ", "..", "-", "--", "none", "true", "é", "数字", "\t", "\x1b[31m", "a\nb", "\x85", "\udcff", "x" * 5000]
WORDS += [
    "%s{}",
    "[red]",
    "9" * 400,
    "9" * 5000,
    "'",
    '"',
    "~",
    "~nobody",
    "*",
    "[[",
    "[" * 3000,
    "\u202e",
    "a=b",
    "--help",
]

SENSIBLE = {
    "data": words("digits moons pictures own.npy own.npz checkerboard big.npz"),
    "sampler": words("""ddim ddim:1 ddim:0 ddpm:2 euler:2 heun:1 dpm++2m:2 dpm++2m:1e9 dpm++2m-sde:2 consistency:1
        ddim:2,heun:1 ddim:1000000000000"""),
    "label": words("7 0-9 1,3,5 none 3..8 9-0 0-99999999999 -1 3..x .. , 1.. seven"),
    "seed": words("0 5 3..8 8..3 -1 1..-1 9223372036853775806 .. 1..2..3"),
    "guidance": words("1 2 0 -1 1,1.5 1e30"),
    "interval": words("0 0.2 0.8 1"),
    "schedule": words("karras cosine linear log-linear sigmoid flow none"),
    "precision": words("float32 bfloat16 auto float16"),
    "device": words("auto cpu cuda mps gpu cpu:0"),
    "with_": words("own.py wrong.py notes.txt nowhere.py empty"),
    "from_": words("sampled.png out.png mask.png notes.txt pictures/ant/0.png"),
    "mask": words("mask.png sampled.png notes.txt"),
    "noise": words("0.5 1 0 0.01"),
    "to": words("onnx web diffusers x"),
    "length": ["1 step", "2 steps", "0.1 epochs", "1e300 steps", "1e-300 images", "0 steps", "5", "1 minute"],
    "checkpoint_every": ["1 step", "1 epoch", "1e-9 epochs", "never", "2 minutes", "1e300 steps"],
    "out": words("x x.png x.npz x.gif x.onnx new/x.png empty full out.png sampled.png again run"),
    "host": words("127.0.0.1 localhost ::1 0.0.0.0 nowhere.invalid"),
    "port": words("0 8000 65535 65536 -1"),
    "token": words("new short long-enough-token ünprintable"),
    "judges": words("a a,c z A,,"),
    "scale": words("1 2 100000"),
    "batch": words("1 2 64 1000000000000"),
    "n": words("1 2 3 4 1000000 1000000000000000000"),
    "steps": words("1 2 1000 1000000000000000000"),
    "minutes": words("0.001 1 1e300 inf -1"),
    "processes": words("0 -1 1 x 1000000"),
    "name": words("steps-vs-quality schedules guidance objectives samplers"),
    "what": words("train sample all digits fast"),
}
"""Plausible values of parameters by name; all others take numbers."""

BEGINNINGS = {
    "train": [
        "digits --set network.widths=[8,16] --steps 1",
        "moons --steps 1",
        "simple-unet --data digits --epochs 1",
    ],
    "sample": ["digits -n 2 --sampler ddim:1", "moons -n 2", "run -n 1 -o x.npz", "digits", "sampled.png"],
    "serve": ["--port 0 --quiet", "run"],
    "export": ["digits --to onnx", "moons --to web", "run"],
    "evaluate": ["fast -n 10", "own.npz", "moons -n 20", "fast ddim-300 -n 4"],
    "lab": ["", "steps-vs-quality -n 200"],
    "show": ["", "digits", "run", "sampled.png", "own.npz", "--json"],
}
"""Valid command lines, to which flags are appended."""

AMOUNTS = words("""0 -1 1 2 3 0.5 1.5 1e-9 nan inf -inf 1e309 1e-300 1e300 0.9999999 256 1000 65536 1000000 1000000000
    1000000000000 9223372036854775807 9223372036854775808 1e18""")
AMOUNTS += ["9" * 400]
NAMES = words("""ddim:0 ddim:1 dpm++2m:1e9 heun:1001 ddpm:10000000000 cosine linear karras flow eps v edm x0 mlp simple-unet
    ddpm-unet class-unet muon adam min-snr log-normal power digits moons pictures big.npz none x ../x a/b é bfloat16""")
NAMES += [
    "",
    "1e300 epochs",
    "1e-300 epochs",
    "5 epochs",
    "1 step",
    "2 minutes",
    "every 1 step",
    r"a\nb",
    r"\u0000",
    "x" * 5000,
]
LISTS = [
    "[]",
    "[[]]",
    "[0]",
    "[-1]",
    "[1000000000]",
    "[8,16]",
    "[1,2,3]",
    "[0.5,1.0]",
    "[nan,inf]",
    "['every 1 step']",
    "[1,1]",
]
LISTS += [
    "['every 1e-300 epochs']",
    "['every every 1 step']",
    f"[{','.join(['1'] * 40)}]",
    "[8,8,8,8,8,8]",
    "['1 step','1 step']",
]
OTHERS = words("""true false {} {kind='shift',s=0} {kind='x'} {kind='stretch',end=2} {kind='power',rho=-1} {a={b={c=1}}}
    2020-01-01 12:00:00 {kind='linear',T=1000000000000} {kind='linear',T=0} {kind='karras',low=0} [[ {""")
OTHERS += ["[" * 3000, "9" * 5000, "0x" + "f" * 5000, "{a=" * 1000, "'\x00'", "'\ud800'", '"""']
VALUES = [*AMOUNTS, *(f'"{name}"' for name in NAMES), *LISTS, *OTHERS]
STRANGE = [
    "",
    ".",
    "name.",
    *words("""a.b.c network schedule.warp sampling.schedule.warp.s data.size data.std training.keep
    network.width network.depth network.groups network.base schedule.T training.milestones"""),
]
"""Fields that no bundled recipe has, and some that no recipe can have."""
