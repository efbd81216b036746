"""The example notebook runs in a kernel of Jupyter, and its cells show what they should."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import inkwash

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"
MEASURES = """import json

across, down = samples.images[::2].astype(float), samples.images[1::2].astype(float)
horizontal, vertical = (
    (images.mean(axis=2).std(axis=1) / images.mean(axis=1).std(axis=1)).mean() for images in (across, down)
)
numbers = {
    "steps": [run.model.step, longer.step, plain.step, mine.step],
    "losses": [[*run.history.losses.values()][k] for k in (0, -1)],
    "classes": mine.spec.classes,
    "ratios": [horizontal, vertical],
}
print(json.dumps(numbers))
"""


def stored() -> dict[str, Any]:
    return dict(json.loads(NOTEBOOK.read_text(encoding="utf-8")))


def outputs(notebook: Any, source: str, kind: str) -> list[str]:
    """Return the outputs of type `kind` of the only cell that starts with `source`; "stream" is what it printed."""
    (cell,) = (cell for cell in notebook["cells"] if cell["source"].startswith(source))
    if kind == "stream":
        return [
            each["text"] for each in cell["outputs"] if each["output_type"] == "stream" and each["name"] == "stdout"
        ]
    return [each["data"][kind] for each in cell["outputs"] if kind in each.get("data", {})]


def sizes(notebook: Any, source: str) -> list[tuple[int, int]]:
    """Return the sizes of the images that the cell shows."""
    found = outputs(notebook, source, "image/png")
    return [Image.open(io.BytesIO(base64.b64decode(image))).size for image in found]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after all cells, and a last one that measures, have run without an error."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook["cells"].append(nbformat.v4.new_code_cell(MEASURES))
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INKWASH_CACHE", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", str(Path(inkwash.__file__).parents[1]))
        nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return notebook


def test_no_output_is_stored() -> None:
    code = [cell for cell in stored()["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
def test_samples_are_shown_as_grids_of_enlarged_images(executed: Any) -> None:
    # Images of 28 pixels twice as large, of 8 pixels seven times, with gaps of 2, and a column of each label.
    assert sizes(executed, "digits = ") == [(10 * 58 + 2, 2 * 58 + 2)]
    for source in ('sampler="dpm', "guidance"):
        assert sizes(executed, f'inkwash.sample(model, n=10, label="0-9", {source}') == [(10 * 58 + 2, 58 + 2)]
    assert sizes(executed, "import numpy") == [(2 * 58 + 2, 6 * 58 + 2)]


@pytest.mark.slow
def test_a_model_and_a_comparison_are_shown_as_tables(executed: Any) -> None:
    (model,) = outputs(executed, "import inkwash", "text/html")
    assert model.startswith("<table>") and "672,596 parameters" in model
    compared = outputs(executed, "compared = ", "text/html")[-1]
    assert "fast dpm++2m:3 w 1" in compared and "fast dpm++2m:15 w 1" in compared
    assert re.search(r">images</th><td[^>]*>200</td><td[^>]*>200</td>", compared)


@pytest.mark.slow
def test_events_of_a_training_are_printed_and_shown(executed: Any) -> None:
    printed = "".join(outputs(executed, "run = ", "stream"))
    assert re.findall(r"step (\d+): loss", printed) == ["20", "40", "60", "80", "100", "120"]
    assert re.findall(r"step (\d+): validation loss", printed) == ["60", "120"]
    assert len(sizes(executed, "run = ")) == 2
    assert sizes(executed, "run.history") == sizes(executed, "longer = ") == [(960, 600)]
    assert "runs/digits-1/checkpoints/latest.safetensors" in "".join(outputs(executed, "longer = ", "stream"))


@pytest.mark.slow
def test_a_training_shows_a_bar_with_its_newest_samples(executed: Any) -> None:
    bar = outputs(executed, "longer = ", "text/html")[0]
    assert '<progress value="240" max="240">' in bar and "data:image/png;base64," in bar
    assert re.fullmatch(
        r"digits: 240 of 240 steps, loss \d\.\d{4}, validation \d\.\d{4}, [\d,]+ images/s",
        outputs(executed, "longer = ", "text/plain")[0],
    )


@pytest.mark.slow
def test_the_trainings_have_learnt(executed: Any) -> None:
    measured = json.loads(outputs(executed, "import json", "stream")[0])
    assert measured["steps"] == [120, 240, 60, 150]
    assert measured["losses"][1] < 0.5 * measured["losses"][0]
    assert measured["classes"] == ["across", "down"]
    # Rows differ more than columns where the bars are horizontal, and less where they are vertical.
    assert measured["ratios"][0] > 1.5 and measured["ratios"][1] < 1 / 1.5
