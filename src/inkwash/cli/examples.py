"""Worked examples of each command, which its help text ends with."""

from __future__ import annotations

EXAMPLES = {
    "train": (
        "inkwash train fast --data ../mnist --minutes 3",
        "inkwash train runs/simple-unet-1 --epochs 4",
        "inkwash train one-step --from fast",
    ),
    "sample": (
        "inkwash sample --label 0-9 -o digits.png",
        "inkwash sample cfg-cosine --label 7 --guidance 2 -o sevens.png",
        "inkwash sample ddim-300 --sampler ddim:50 --film -n 16 -o film.png",
        "inkwash sample --label 3..8 --seed 5 --film",
        "inkwash sample --from drawing.png --noise 0.5 --label 7 -n 16",
        "inkwash sample digits.png",
    ),
    "serve": (
        "inkwash serve --open",
        "inkwash serve runs/fast-1 --port 8080",
        'inkwash serve --host 0.0.0.0 --token "$(openssl rand -hex 16)"',
    ),
    "export": (
        "inkwash export --to web -o out/page",
        "inkwash export runs/fast-1 --to onnx -o mine.onnx",
    ),
    "evaluate": (
        "inkwash evaluate fast -n 1000 --report out/quality",
        "inkwash evaluate cfg-cosine ddim-300 --sampler ddim:20,dpm++2m:10 --guidance 1,1.5 -n 1000",
        "inkwash evaluate mine.npz",
    ),
    "lab": (
        "inkwash lab",
        "inkwash lab steps-vs-quality -n 1000",
        "inkwash lab schedules --data ../mnist --length '5 minutes'",
    ),
    "show": ("inkwash show ddpm-bn", "inkwash show runs/simple-unet-1", "inkwash show --json"),
}
"""Command -> command lines."""
