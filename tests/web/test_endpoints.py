"""Everything the page asks for: typed answers, and of what is wrong one line with a status of the asker's fault."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from inkwash import model as models
from inkwash.io import checkpoints
from inkwash.web import api_reference, figures, server
from inkwash.web.catalog import Catalog
from inkwash.web.schemas import LARGEST_SEED, DrawingAsked

GOOD = {"model": "digits", "seeds": [0], "steps": 1}


def test_every_bundled_model_is_there_and_the_usual_one_first(client: TestClient) -> None:
    found = client.get("/api/models").json()
    assert {each["name"] for each in found} == set(models.bundled())
    assert found[0]["name"] == "fast" and not any("broken" in each for each in found)
    by_name = {each["name"]: each for each in found}
    assert by_name["moons"]["shape"] == [2] and by_name["fast"]["classes"] == [str(k) for k in range(10)]


@pytest.mark.parametrize("name", ["fast", "moons"])
def test_card_course_and_schedule_of_a_model(client: TestClient, name: str) -> None:
    card, course, schedule = (client.get(f"/api/models/{name}{part}").json() for part in ("", "/history", "/schedule"))
    assert card["card"].startswith(f"# {name}") and card["pictures"][0]["source"].startswith("data:image/png;base64,")
    assert course["trained"] and course["by_level"] and not course["training"]
    curve = schedule["curves"]["trained"]
    assert len(curve["u"]) == 101 and curve["alpha"][0] == 1 and curve["sigma"] == sorted(curve["sigma"])
    one = client.get(f"/api/models/{name}/pictures/{course['pictures'][0]}").json()
    assert one in card["pictures"]


def test_the_reference_names_every_endpoint_and_every_field(catalog: Catalog, client: TestClient) -> None:
    page = client.get("/api").text
    routes = {route.path for route in server.build(catalog).routes if getattr(route, "path", "").startswith("/api/")}
    assert routes == set(api_reference.ENDPOINTS) and all(path in page for path in routes)
    assert all(f"<td>{name}</td>" in page for name in DrawingAsked.model_fields)
    assert "http" not in page.replace("utf-8", "")


def test_a_stream_is_begun_and_ended_and_its_line_left(drawn: Callable[..., Any]) -> None:
    names = [name for name, _ in drawn(seeds=[1, 2, 3])]
    assert names == ["begin", "step", "step", "step", "done"]


@pytest.mark.parametrize(
    ("asked", "status", "cause"),
    [
        ({"model": "nothing"}, 404, "unknown model 'nothing'"),
        ({"model": "../../etc/passwd"}, 404, "unknown model"),
        ({"seeds": []}, 422, "seeds"),
        ({"seeds": [-1]}, 422, "seeds.0: Input should be greater than or equal to 0"),
        ({"seeds": [LARGEST_SEED + 1]}, 422, "seeds.0"),
        ({"seeds": [0] * 401}, 422, "seeds"),
        ({"steps": 0}, 422, "steps: Input should be greater than or equal to 1"),
        ({"steps": 1.5}, 422, "steps"),
        ({"sampler": "dpmm"}, 422, "unknown sampler 'dpmm'"),
        ({"sampler": "dpm++2m", "eta": 0.5}, 422, "eta has no effect on dpm++2m"),
        ({"labels": [10]}, 422, "label 10"),
        ({"interval": [0.9, 0.1], "guidance": 2}, 422, "guidance interval"),
        ({"edit": {"picture": "!", "noise": 0.5}}, 422, "edit.picture: it is no base64"),
        ({"edit": {"picture": "AAAA", "noise": 0.5}}, 422, "3 bytes"),
        ({"edit": {"picture": "AAAA", "noise": 0}}, 422, "edit.noise"),
        ({"far": {"label": 3}, "labels": [-1]}, 422, "label"),
        ({"speed": 9}, 422, "speed"),
        ({"model": "ddpm-bn", "seeds": list(range(100)), "sampler": "ddpm", "steps": 1000}, 422, "100,000 network"),
        ({"model": "moons", "edit": {"picture": "AAAA", "noise": 0.5}}, 422, "points"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(client: TestClient, asked: dict[str, Any], status: int, cause: str) -> None:
    answer = client.post("/api/sample", json=GOOD | asked)
    assert answer.status_code == status, answer.text
    assert cause in answer.json()["error"] and "\n" not in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"model": NaN}', b"[" * 5000])
def test_a_body_that_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/api/sample", content=body).status_code == 422


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["noise", "picture", "seed", "label"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(DrawingAsked.model_fields)), VALUES, max_size=4))
def test_whatever_is_asked_is_answered_or_refused_and_never_a_fault(
    client: TestClient, changes: dict[str, Any]
) -> None:
    answer = client.post("/api/sample", content=json.dumps(GOOD | changes))
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="abc./%\\\x00é ", max_size=12))
def test_no_name_in_an_address_reaches_a_file(client: TestClient, name: str) -> None:
    written = quote(name, safe="/.")
    for path in (f"/api/models/{written}", f"/api/models/fast/pictures/{written}"):
        assert 400 <= client.get(path).status_code < 500 or name.strip("/") in ("", ".", "..")


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/%2e%2e/app.py", "/..%2fapp.py", "/app.py", "/../told.py"])
def test_the_page_gives_its_own_files_only(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_run_is_found_while_it_trains_and_its_newest_weights_are_drawn_from(run_folder: Path) -> None:
    catalog = Catalog((), run_folder.parent)
    with TestClient(server.build(catalog), base_url="http://localhost") as client:
        usual, mine, *_ = client.get("/api/models").json()
        assert usual["name"] == "fast"
        assert mine["name"] == "mine" and mine["step"] == 4
        # it said its end; one that has not, and wrote a moment ago, is at it
        assert not mine["training"]
        environment = run_folder / "environment.json"
        (session,) = json.loads(environment.read_text())
        environment.write_text(json.dumps([session | {"until_step": None}]))
        course = client.get("/api/models/mine/history").json()
        assert course["step"] == course["total"] == 4 and course["training"]
        assert client.post("/api/sample", json=GOOD | {"model": "mine"}).status_code == 200
        assert catalog.model("mine") is catalog.model("mine")
        before = catalog.model("mine")
        latest = run_folder / "checkpoints" / "latest.safetensors"
        time.sleep(0.02)
        latest.touch()
        assert catalog.model("mine") is not before


def test_a_damaged_checkpoint_is_told_and_leaves_the_rest_alone(run_folder: Path) -> None:
    for path in (run_folder / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with TestClient(server.build(Catalog((), run_folder.parent)), base_url="http://localhost") as client:
        _, mine, *_ = client.get("/api/models").json()
        assert mine["name"] == "mine" and "damaged" in mine["broken"]
        assert client.post("/api/sample", json=GOOD | {"model": "mine"}).status_code == 409
        assert client.post("/api/sample", json=GOOD).status_code == 200


def test_a_damaged_latest_is_the_newest_whole_one_to_the_page_as_well(run_folder: Path) -> None:
    latest, best = (run_folder / "checkpoints" / f"{name}.safetensors" for name in ("latest", "best"))
    (run_folder / "checkpoints" / "step-0000004.safetensors").unlink()
    older = checkpoints.load(best)
    checkpoints.save(best, older._replace(header=older.header | {"progress": older.header["progress"] | {"step": 3}}))
    content = bytearray(latest.read_bytes())
    content[-1] ^= 1
    latest.write_bytes(content)
    catalog = Catalog((), run_folder.parent)
    assert catalog.entry("mine").describe()["step"] == catalog.model("mine").step == 3


def test_pictures_are_in_the_order_of_training_whatever_the_clock_said(run_folder: Path) -> None:
    samples = run_folder / "samples"
    shutil.copy(samples / "step-0000004.png", samples / "warm-up.png")
    with (run_folder / "metrics.jsonl").open("a") as log:
        log.write(json.dumps({"kind": "held-out", "step": 1, "picture": "warm-up"}) + "\n")
    os.utime(samples / "step-0000004.png", (1, 1))
    entry = Catalog((), run_folder.parent).entry("mine")
    assert [each["name"] for each in figures.card(entry)["pictures"]] == ["warm-up", "step-0000004"]


def test_a_run_of_a_clock_that_was_ahead_is_not_at_it_for_ever(run_folder: Path) -> None:
    environment = run_folder / "environment.json"
    (session,) = json.loads(environment.read_text())
    environment.write_text(json.dumps([session | {"until_step": None}]))
    entry = Catalog((), run_folder.parent).entry("mine")
    assert entry.training
    later = time.time() + 86400
    os.utime(run_folder / "metrics.jsonl", (later, later))
    assert not entry.training


def test_the_exact_denoiser_stands_beside_where_its_data_is_here(drawn: Callable[..., Any], client: TestClient) -> None:
    *_, (_, near), (_, last), _ = drawn(exact=True, steps=4)
    assert "exact" in near and "exact" not in last
    wanted = {"model": "moons", "exact": True}
    assert client.post("/api/sample", json=GOOD | wanted).status_code == 200


def test_where_its_data_is_not_here_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    monkeypatch.delenv("INKWASH_DATA", raising=False)
    with TestClient(server.build(Catalog()), base_url="http://localhost") as client:
        answer = client.post("/api/sample", json=GOOD | {"model": "fast", "exact": True})
        assert answer.status_code == 422 and "inkwash serve --data" in answer.json()["error"]


def test_two_who_ask_at_once_get_what_each_would_alone(drawn: Callable[..., Any], client: TestClient) -> None:
    from concurrent.futures import ThreadPoolExecutor

    alone = [drawn(seeds=[seed])[-2][1]["x"] for seed in (1, 2)]
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda seed: drawn(seeds=[seed])[-2][1]["x"], (1, 2)))
    assert answers == alone
    assert torch.get_num_threads() == 1


def test_runs_of_one_name_are_told_apart_and_gone_ones_are_forgotten(run_folder: Path, tmp_path: Path) -> None:
    named = tmp_path / "fast"
    shutil.copytree(run_folder, named)
    shutil.copytree(run_folder, tmp_path / "other" / "mine")
    catalog = Catalog((named, tmp_path / "other" / "mine"), run_folder.parent)
    names = [entry.name for entry in catalog.entries()]
    assert names[0] == "fast" and {"fast (2)", "mine", "mine (2)"} < set(names)
    assert catalog.entry("fast (2)").folder.path == named
    assert catalog.entry("fast").bundled and catalog.entry("fast").source == "fast"
    # where a run lies on this machine is not told
    assert catalog.entry("mine").source is None
    shutil.rmtree(named)
    assert "fast (2)" not in [entry.name for entry in catalog.entries()]


def test_a_run_that_has_gone_on_is_looked_at_anew(run_folder: Path) -> None:
    catalog = Catalog((), run_folder.parent)
    before = catalog.entry("mine")
    assert catalog.entries() and catalog.entry("mine") is before
    os.utime(before.folder.latest, (1, 1))
    assert catalog.entries() and catalog.entry("mine") is not before
