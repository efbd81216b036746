"""The exported page on a plain file server: the same images as in Python up to rounding."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from page_driver import file_server, is_too_wide, open_view, pixels, wait_for_samples

import inkwash
from inkwash import model as models
from inkwash.core.rng import Stream, normals
from inkwash.data import decode, encode
from inkwash.errors import InkwashError
from inkwash.export import runtime, web
from inkwash.export.web import PageModel
from inkwash.runs.folder import RunFolder
from inkwash.web.exact_denoisers import of_samples


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the exported page of the default model."""
    if shutil.which("npm") is None:
        pytest.skip("onnxruntime-web is downloaded with npm: apt install npm")
    folder = tmp_path_factory.mktemp("exported") / "page"
    loaded = [
        web.PageModel(inkwash.load(name, device="cpu"), name, RunFolder(models.find(name).parent.parent))
        for name in ("fast", "one-step", "digits")
    ]
    try:
        web.write(loaded, folder, lambda what: None)
    except InkwashError as error:
        if "npm cannot download" not in str(error):
            raise
        pytest.skip(str(error))
    assert not re.search(r"https?://(?!www\.w3\.org)", _text(folder))
    with file_server(folder) as url:
        yield url


def _text(folder: Path) -> str:
    """Return the text of all files of the page but the runtime."""
    files = [path for path in folder.rglob("*") if path.suffix in (".html", ".js", ".css") and "ort" not in path.name]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def port(url: str) -> int:
    """Return the port of the URL of a server."""
    return int(url.split(":")[-1].strip("/"))


def shown(page: Any, name: str, count: int, columns: int) -> np.ndarray:
    """Return the images on a canvas, uint8 [count, 28, 28]."""
    sheet = pixels(page, page.get_by_role("img", name=re.compile(name)))[..., 0]
    places = [divmod(k, columns) for k in range(count)]
    return np.stack([sheet[29 * row : 29 * row + 28, 29 * column : 29 * column + 28] for row, column in places])


def near(found: np.ndarray, ours: np.ndarray) -> bool:
    """Return whether images are equal up to two grey levels in less than 1 % of the pixels."""
    apart = np.abs(found.astype(int) - ours.astype(int))
    return bool(apart.max() <= 2 and (apart > 0).mean() < 0.01)


@pytest.mark.parametrize("sampler", ["dpm++2m", "ddpm", "heun"])
@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_same_seed_gives_the_image_of_python(page: Any, exported: str, sampler: str) -> None:
    open_view(page, exported, "sample", steps=5, n=4, seed=11, sampler=sampler.replace("+", "%2B"))
    wait_for_samples(page)
    ours = inkwash.sample("fast", n=4, seed=11, sampler=sampler, steps=5).images
    assert near(shown(page, "predicted image, 4 images", 4, 2), ours)


def test_guidance_and_labels_give_the_images_of_python(page: Any, exported: str) -> None:
    open_view(page, exported, "sample", steps=4, n=4, seed=2, labels="1,8", guidance=2)
    wait_for_samples(page)
    ours = inkwash.sample("fast", n=4, seed=2, label=[1, 8], guidance=2, steps=4).images
    assert near(shown(page, "predicted image, 4 images", 4, 2), ours)
    assert not is_too_wide(page)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_every_view_but_models_works(page: Any, exported: str) -> None:
    open_view(page, exported, "write", text="40", steps=3)
    wait_for_samples(page)
    open_view(page, exported, "edit")
    page.get_by_role("button", name="Start from a sample").click()
    wait_for_samples(page)
    page.get_by_role("button", name="Regenerate from sketch").click()
    wait_for_samples(page)
    page.get_by_label("Number of images").fill("3")
    page.get_by_role("button", name="Interpolate").click()
    page.get_by_text(re.compile("^image 3 of 3$")).wait_for()
    open_view(page, exported, "compare")
    page.get_by_label("Images each").fill("1")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("fastest").wait_for()
    open_view(page, exported, "understand")
    page.get_by_role("img", name="validation loss by noise level").wait_for()
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    assert page.get_by_role("tab", name="Models").count() == 0


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_play_samples_points_exactly_and_with_a_network_trained_here(page: Any, exported: str) -> None:
    result = re.compile(
        r"Energy distance to 1,000 held-out points: ODE ([\d.-]+), SDE ([\d.-]+); at the start ([\d.-]+\d)"
    )
    for denoiser in ("exact", "network"):
        open_view(page, exported, "play", denoiser=denoiser, steps=10)
        page.get_by_role("button", name="Run").click()
        text = page.get_by_text(result)
        text.wait_for(timeout=180_000)
        ode, sde, start = map(float, result.search(text.inner_text()).groups())  # type: ignore[union-attr]
        assert max(ode, sde) < start
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("status").get_by_text("Link").first.wait_for()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_denoised_drawing_is_that_of_python(page: Any, exported: str) -> None:
    open_view(page, exported, "denoise", noise=0.6, seed=3, label=7)
    page.get_by_text("posterior mean over 50 samples of fast").wait_for()
    page.wait_for_timeout(500)
    found = {
        name: pixels(page, page.get_by_role("img", name=name, exact=True))[..., 0]
        for name in ("noisy image", "network", "exact denoiser")
    }
    drawing = torch.from_numpy(pixels(page, page.get_by_role("application"))[..., 0].copy())[None]
    model = inkwash.load("fast", device="cpu")
    level, label = model.schedule()(0.6), torch.tensor([7])
    x = level.mix(encode(drawing)[None], normals(3, 0, 0, Stream.SAMPLE, model.spec.shape))
    with torch.inference_mode():
        network = model.denoiser(guidance=1)(x, level, label)
    expected = [x, network, of_samples(model)(x, level, label)]
    for image, values in zip(found.values(), expected, strict=True):
        assert near(image, decode(values)[0, 0].numpy())


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_every_model_of_an_export_samples_its_own_images(page: Any, exported: str) -> None:
    for name, side in (("digits", 8), ("one-step", 28), ("digits", 8)):
        open_view(page, exported, "sample", name, n=1, seed=5, labels=3)
        wait_for_samples(page)
        found = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 1 image")))[..., 0]
        assert found.shape == (side, side) and near(found, inkwash.sample(name, n=1, seed=5, label=3).images[0])
    open_view(page, exported, "denoise", "one-step")
    page.get_by_text("Shown is the network of fast").wait_for()
    page.get_by_text("posterior mean over 50 samples of fast").wait_for()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_stop_comes_at_once_and_a_failed_download_is_tried_again(page: Any, exported: str) -> None:
    open_view(page, exported, "sample", n=20)
    page.get_by_role("spinbutton", name="Steps").fill("1000")
    page.route("**/model.onnx", lambda route: route.fulfill(status=503))
    faults = [page.get_by_role("alert").get_by_text("the network cannot be loaded")]
    page.get_by_role("button", name="Sample", exact=True).click()
    faults[0].wait_for()
    page.unroute("**/model.onnx")
    page.get_by_role("button", name="Sample", exact=True).click()
    page.get_by_text(re.compile(r"^step \d+ of 1000$")).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for(timeout=2000)
    assert page.get_by_role("button", name="PNG").is_disabled()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_exported_page_works_without_its_server_and_gives_way_to_another(
    browser: Any, size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "page"
    model = PageModel(inkwash.load("digits", device="cpu"), "digits", None)
    try:
        web.write([model], folder, lambda what: None)
    except InkwashError as error:
        pytest.skip(str(error))
    # Not the fixture, because the browser logs the connection that was lost.
    page = browser.new_page()
    with file_server(folder) as url:
        open_view(page, url, "sample", "digits", n=4, seed=3)
        wait_for_samples(page)
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.goto("about:blank")
    open_view(page, url, "sample", "digits", n=4, seed=3)
    wait_for_samples(page)
    ours = inkwash.sample("digits", n=4, seed=3, progress=False).images
    sheet = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 4 images")))[..., 0]
    assert near(sheet[:8, :8], ours[0]) and near(sheet[9:, 9:], ours[3])
    # Another export at the same address runs its own runtime, whose files have the names of those that are kept.
    files = runtime.files() | {"ort.wasm.min.mjs": b'throw new Error("another runtime");'}
    monkeypatch.setattr(runtime, "files", lambda: files)
    web.write([model], tmp_path / "newer", lambda what: None)
    with file_server(tmp_path / "newer", port(url)):
        page.goto("about:blank")
        open_view(page, url, "sample", "digits", n=4, seed=3)
        page.get_by_role("alert").get_by_text("the engine cannot be loaded").wait_for()
    # Another page at the same address is shown as it is, also where a file has the name of one that is kept.
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("<!doctype html><p>another page")
    with file_server(other, port(url)):
        page.goto("about:blank")
        page.goto(url)
        page.get_by_text("another page").wait_for()
    page.close()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_page_opened_as_a_file_says_how_to_serve_it(browser: Any, size: str) -> None:
    opened = browser.new_page()
    opened.goto((Path(web.__file__).parents[1] / "web" / "page" / "index.html").as_uri())
    opened.get_by_text("python -m http.server").wait_for()
    opened.close()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
@pytest.mark.parametrize(
    ("script", "cache", "is_kept"),
    [
        (web.SERVICE_WORKER, "inkwash {scope} 1", False),
        (web.SERVICE_WORKER, "another application", True),
        ("other.js", "inkwash {scope} 1", True),
    ],
)
def test_server_forgets_an_export_of_its_address_and_nothing_else(
    page: Any, address: str, script: str, cache: str, is_kept: bool
) -> None:
    page.route("**/before.html", lambda route: route.fulfill(body="<!doctype html><p>before", content_type="text/html"))
    page.goto(f"{address}before.html")
    name = cache.format(scope=address)
    # Its script is answered here, because the server has none: a registration without one that can be read fails.
    page.context.route(f"**/{script}", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.evaluate(
        """async ([script, name]) => {
            await (await caches.open(name)).put("/kept.txt", new Response("kept"));
            await (await caches.open("of others")).put("/kept.txt", new Response("kept"));
            await navigator.serviceWorker.register(script);
            await navigator.serviceWorker.ready;
        }""",
        [f"/{script}", name],
    )
    page.goto(address)
    page.get_by_role("tab", selected=True).wait_for()
    count = "navigator.serviceWorker.getRegistrations().then((all) => all.length)"
    expected = int(is_kept), {"of others", name} if is_kept else {"of others"}
    for _ in range(5 if is_kept else 50):
        page.wait_for_timeout(100)
        found = page.evaluate(count), set(page.evaluate("caches.keys()"))
        if found == expected and not is_kept:
            break
    assert found == expected
