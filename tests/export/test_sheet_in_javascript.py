"""A PNG of the page is the file of `inkwash sample`: it is reproduced from its metadata."""

from __future__ import annotations

import base64
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import inkwash
from inkwash.cli.reproduce import reproduce
from inkwash.errors import InkwashError
from inkwash.web.schemas import SampleBody

Run = Callable[..., Any]
PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()
MODEL = inkwash.load("digits")


def saved(javascript: Run, body: SampleBody, columns: int) -> bytes:
    """Return the file that the page saves of a request."""
    run = body.resolve(MODEL)
    *_, last = run.frames()
    values = ((last.x.clamp(-1, 1) + 1) * 127.5).round().byte()
    code = f"""
    import {{ sheetFile }} from "{PAGE}/parts/sheet.js";
    const bytes = await sheetFile(Uint8Array.from(given.values), given.shape, given);
    console.log(JSON.stringify(Buffer.from(bytes).toString("base64")));
    """
    given = {"values": values.flatten().tolist(), "shape": MODEL.spec.shape, "columns": columns, "scale": 3}
    return base64.b64decode(javascript(code, given | {"metadata": run.metadata(), "source": "digits"}))


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        ({"seeds": [4, 5, 6, 7, 8], "labels": [1, 8], "guidance": 2.0, "steps": 3}, 2),
        ({"seeds": [9], "steps": 2, "sampler": "ddim", "eta": 0.5}, 1),
        ({"seeds": [3, 1, 4], "edit": {"image": base64.b64encode(bytes(range(64))).decode(), "noise": 0.4}}, 2),
    ],
)
def test_saved_png_is_reproduced_by_the_command(
    javascript: Run, tmp_path: Path, fields: dict[str, Any], columns: int
) -> None:
    path = tmp_path / "saved.png"
    path.write_bytes(saved(javascript, SampleBody.model_validate({"model": "digits"} | fields), columns))
    assert reproduce(path, None, "cpu", quiet=True) == 0
    with Image.open(path) as image:
        assert image.mode == "L"
        changed = np.array(image)
        metadata = image.info["inkwash"]
    changed[10, 10] ^= 128
    info = PngInfo()
    info.add_text("inkwash", metadata)
    Image.fromarray(changed).save(path, pnginfo=info)
    with pytest.raises(InkwashError) as error:
        reproduce(path, None, "cpu", quiet=True)
    assert error.value.code == "mismatch"
