"""The catalog: run folders beside the bundled models, runs in training, damaged checkpoints, cards and milestones."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from inkwash.io import checkpoints
from inkwash.web import catalog as catalogs
from inkwash.web import figures, markdown, server
from inkwash.web.catalog import Catalog

GOOD = {"model": "digits", "seeds": [0], "steps": 1}


def test_run_in_training_is_listed_and_sampled_with_its_newest_weights(run_folder: Path) -> None:
    catalog = Catalog((), run_folder.parent)
    with TestClient(server.create_app(catalog), base_url="http://localhost") as client:
        default, usual, mine, *_ = client.get("/api/models").json()
        assert (default["name"], usual["name"]) == ("one-step", "fast")
        assert mine["name"] == "mine" and mine["step"] == 4
        # Its session has an end; a session without one that was written recently is in training.
        assert not mine["training"]
        environment = run_folder / "environment.json"
        (session,) = json.loads(environment.read_text())
        environment.write_text(json.dumps([session | {"until_step": None}]))
        history = client.get("/api/models/mine/history").json()
        assert history["step"] == history["total"] == 4 and history["training"]
        assert client.post("/api/sample", json=GOOD | {"model": "mine"}).status_code == 200
        assert catalog.model("mine") is catalog.model("mine")
        before = catalog.model("mine")
        latest = run_folder / "checkpoints" / "latest.safetensors"
        time.sleep(0.02)
        latest.touch()
        assert catalog.model("mine") is not before


def test_damaged_checkpoint_is_reported_and_other_models_still_sample(run_folder: Path) -> None:
    for path in (run_folder / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with TestClient(server.create_app(Catalog((), run_folder.parent)), base_url="http://localhost") as client:
        _, _, mine, *_ = client.get("/api/models").json()
        assert mine["name"] == "mine" and "damaged" in mine["broken"]
        assert client.post("/api/sample", json=GOOD | {"model": "mine"}).status_code == 409
        assert client.post("/api/sample", json=GOOD).status_code == 200


def test_newest_intact_checkpoint_replaces_a_damaged_latest(run_folder: Path) -> None:
    latest, best = (run_folder / "checkpoints" / f"{name}.safetensors" for name in ("latest", "best"))
    (run_folder / "checkpoints" / "step-0000004.safetensors").unlink()
    older = checkpoints.load(best)
    checkpoints.save(best, older._replace(header=older.header | {"progress": older.header["progress"] | {"step": 3}}))
    content = bytearray(latest.read_bytes())
    content[-1] ^= 1
    latest.write_bytes(content)
    catalog = Catalog((), run_folder.parent)
    assert catalog.entry("mine").describe()["step"] == catalog.model("mine").step == 3


def test_milestones_are_in_the_order_of_training_whatever_their_mtime(run_folder: Path) -> None:
    samples = run_folder / "samples"
    shutil.copy(samples / "step-0000004.png", samples / "warm-up.png")
    with (run_folder / "metrics.jsonl").open("a") as log:
        log.write(json.dumps({"kind": "held-out", "step": 1, "picture": "warm-up"}) + "\n")
    os.utime(samples / "step-0000004.png", (1, 1))
    entry = Catalog((), run_folder.parent).entry("mine")
    assert [each["name"] for each in figures.card(entry)["milestones"]] == ["warm-up", "step-0000004"]


def test_metrics_with_a_future_mtime_do_not_count_as_training(run_folder: Path) -> None:
    environment = run_folder / "environment.json"
    (session,) = json.loads(environment.read_text())
    environment.write_text(json.dumps([session | {"until_step": None}]))
    entry = Catalog((), run_folder.parent).entry("mine")
    assert entry.training
    later = time.time() + 86400
    os.utime(run_folder / "metrics.jsonl", (later, later))
    assert not entry.training


def test_first_models_are_listed_first_where_they_are_bundled(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "FIRST_MODELS", ("mine", "absent", "moons", "fast"))
    names = [entry.name for entry in Catalog((), run_folder.parent).entries()]
    # A run that has the name of a first model is no bundled model.
    assert names[:3] == ["moons", "fast", "mine"]


def test_equal_names_are_numbered_and_removed_runs_disappear(run_folder: Path, tmp_path: Path) -> None:
    named = tmp_path / "fast"
    shutil.copytree(run_folder, named)
    shutil.copytree(run_folder, tmp_path / "other" / "mine")
    catalog = Catalog((named, tmp_path / "other" / "mine"), run_folder.parent)
    names = [entry.name for entry in catalog.entries()]
    assert names[:2] == ["one-step", "fast"] and {"fast (2)", "mine", "mine (2)"} < set(names)
    assert catalog.entry("fast (2)").folder.path == named
    assert catalog.entry("fast").bundled and catalog.entry("fast").source == "fast"
    # The path of a run outside of the working folder stays private.
    assert catalog.entry("mine").source is None
    shutil.rmtree(named)
    assert "fast (2)" not in [entry.name for entry in catalog.entries()]


def test_entry_is_replaced_when_its_checkpoint_changes(run_folder: Path) -> None:
    catalog = Catalog((), run_folder.parent)
    before = catalog.entry("mine")
    assert catalog.entries() and catalog.entry("mine") is before
    os.utime(before.folder.latest, (1, 1))
    assert catalog.entries() and catalog.entry("mine") is not before


@pytest.mark.parametrize("name", ["card.md", "samples/step-0000004.png"])
def test_link_that_leads_outside_of_a_shared_run_is_not_read(run_folder: Path, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (run_folder / name).unlink()
    (run_folder / name).symlink_to(secret)
    with TestClient(server.create_app(Catalog((), run_folder.parent)), base_url="http://localhost") as client:
        paths = {"card.md": "/api/models/mine", "samples/step-0000004.png": "/api/models/mine/milestones/step-0000004"}
        assert client.get(paths[name]).status_code == 422
        assert client.get("/api/models/mine/history").status_code == 200


def test_card_is_html_without_markup_of_its_author_and_without_images() -> None:
    text = "# A\n\n## Seen\n**first**\n\n![first](a.png)\n\n**second**\n\n## Kept\n- a <b>\n- b\n\n"
    found = markdown.render(text + "<script>alert(1)</script>\n\n[x](javascript:alert)\n\n```bash\na & b\n```\n")
    assert "<h1>A</h1>" in found and "<h2>Kept</h2>" in found and "<li>a &lt;b&gt;</li>" in found
    assert "Seen" not in found and "first" not in found and "second" not in found and "<img" not in found
    assert "<script" not in found and "href" not in found and "a &amp; b" in found


def test_code_blocks_of_cards_can_be_scrolled_with_the_keyboard() -> None:
    from inkwash.web import markdown

    assert markdown.render("```\na < b\n```") == '<pre tabindex="0"><code>a &lt; b\n</code></pre>\n'
