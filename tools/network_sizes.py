"""Count the parameters and FLOPs of every bundled recipe's network for `inkwash show`.

    python tools/network_sizes.py

writes src/inkwash/recipes/sizes.json. Counting takes seconds, so that a listing reads the file instead.
"""

from __future__ import annotations

import json
from pathlib import Path

from inkwash import model
from inkwash.cli.tables.recipes import expected_spec
from inkwash.config import recipe
from inkwash.io.atomic import write_text
from inkwash.nets import summary

FILE = Path(__file__).parent.parent / "src" / "inkwash" / "recipes" / "sizes.json"


def network_sizes() -> dict[str, dict[str, int]]:
    """Return name -> the parameters of each recipe's network, and the FLOPs of its forward pass on one example."""
    sizes = {}
    for name in recipe.bundled():
        chosen = recipe.load(name)
        spec = expected_spec(chosen)
        net = model.build_net(chosen.for_classes(spec.classes), spec)
        sizes[name] = {"parameters": summary.parameters(net), "flops": summary.flops(net, spec.shape)}
    return sizes


if __name__ == "__main__":
    write_text(FILE, json.dumps(network_sizes(), indent=1) + "\n")
