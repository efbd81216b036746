"""The endpoints of the server: typed responses, and errors as one line with a 4xx status."""

from __future__ import annotations

import json
import os
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
from inkwash.web import api_reference, server
from inkwash.web.catalog import Catalog
from inkwash.web.page_files import PageFiles
from inkwash.web.schemas import MAX_SEED, SampleBody

GOOD = {"model": "digits", "seeds": [0], "steps": 1}


def test_all_bundled_models_are_listed_and_the_default_is_first(client: TestClient) -> None:
    found = client.get("/api/models").json()
    assert {each["name"] for each in found} == set(models.bundled())
    assert found[0]["name"] == "one-step" and not any("broken" in each for each in found)
    by_name = {each["name"]: each for each in found}
    assert by_name["moons"]["shape"] == [2] and by_name["fast"]["classes"] == [str(k) for k in range(10)]


@pytest.mark.parametrize("name", ["fast", "moons"])
def test_card_history_and_schedule_of_a_model(client: TestClient, name: str) -> None:
    card, history, schedule = (client.get(f"/api/models/{name}{part}").json() for part in ("", "/history", "/schedule"))
    assert card["card_html"].startswith(f"<h1>{name}") and card["milestones"][0]["source"].startswith(
        "data:image/png;base64,"
    )
    assert history["train_loss"] and history["loss_by_noise_level"] and not history["training"]
    curve = schedule["curves"]["trained"]
    assert len(curve["u"]) == 101 and curve["alpha"][0] == 1 and curve["sigma"] == sorted(curve["sigma"])
    one = client.get(f"/api/models/{name}/milestones/{history['milestones'][0]}").json()
    assert one in card["milestones"]


def test_api_reference_lists_every_endpoint_and_field(catalog: Catalog, client: TestClient) -> None:
    page = client.get("/api").text
    paths = (getattr(route, "path", "") for route in server.create_app(catalog).routes)
    routes = {path for path in paths if path.startswith("/api/")}
    assert routes == {each.path for each in api_reference.ENDPOINTS} and all(path in page for path in routes)
    assert all(f"<td>{name}</td>" in page for name in SampleBody.model_fields)
    assert "http" not in page.replace("utf-8", "")


def test_stream_begins_with_begin_and_ends_with_done(sample: Callable[..., Any]) -> None:
    names = [name for name, _ in sample(seeds=[1, 2, 3])]
    assert names == ["begin", "step", "step", "step", "done"]


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"model": "nothing"}, 404, "unknown-name", "model"),
        ({"model": "../../etc/passwd"}, 404, "unknown-name", "model"),
        ({"seeds": []}, 422, "out-of-range", "seeds"),
        ({"seeds": [-1]}, 422, "out-of-range", "seeds.0"),
        ({"seeds": [MAX_SEED + 1]}, 422, "out-of-range", "seeds.0"),
        ({"seeds": [0] * 401}, 422, "out-of-range", "seeds"),
        ({"steps": 0}, 422, "out-of-range", "steps"),
        ({"steps": 1.5}, 422, "invalid-value", "steps"),
        ({"sampler": "dpmm"}, 422, "unknown-name", "sampler"),
        ({"sampler": "dpm++2m", "eta": 0.5}, 422, "no-effect", "eta"),
        ({"labels": [10]}, 422, "out-of-range", "labels"),
        ({"interval": [0.9, 0.1], "guidance": 2}, 422, "out-of-range", "interval"),
        ({"label_to": 3, "labels": [-1]}, 422, "conflict", "labels"),
        ({"edit": {"image": "!", "noise": 0.5}}, 422, "invalid-value", "edit.image"),
        ({"edit": {"image": "AAAA", "noise": 0.5}}, 422, "mismatch", "edit.image"),
        ({"edit": {"image": "AAAA", "noise": 0}}, 422, "out-of-range", "edit.noise"),
        ({"speed": 9}, 422, "unknown-field", "speed"),
        ({"model": "ddpm-bn", "seeds": list(range(100)), "sampler": "ddpm", "steps": 1000}, 422, "too-large", "steps"),
        ({"model": "moons", "edit": {"image": "AAAA", "noise": 0.5}}, 422, "unsupported", "edit"),
    ],
)
def test_invalid_request_gets_code_field_and_one_line(
    client: TestClient, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    response = client.post("/api/sample", json=GOOD | fields)
    error = response.json()
    assert (response.status_code, error["code"], error["field"]) == (status, code, field), response.text
    assert error["error"] and "\n" not in error["error"]


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"model": NaN}', b"[" * 5000])
def test_body_that_is_no_request_gets_422(client: TestClient, body: bytes) -> None:
    assert client.post("/api/sample", content=body).status_code == 422


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["noise", "image", "mask", "seed"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(SampleBody.model_fields)), VALUES, max_size=4))
def test_no_request_causes_a_server_error(client: TestClient, changes: dict[str, Any]) -> None:
    response = client.post("/api/sample", content=json.dumps(GOOD | changes))
    assert response.status_code == 200 or 400 <= response.status_code < 500, response.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="abc./%\\\x00é ", max_size=12))
def test_no_name_in_a_url_reaches_a_file(client: TestClient, name: str) -> None:
    written = quote(name, safe="/.")
    for path in (f"/api/models/{written}", f"/api/models/fast/milestones/{written}"):
        assert 400 <= client.get(path).status_code < 500 or name.strip("/") in ("", ".", "..")


@pytest.mark.parametrize("path", ["/../pyproject.toml", "/%2e%2e/app.py", "/..%2fapp.py", "/app.py", "/../events.py"])
def test_only_files_of_the_page_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_exact_denoiser_is_sent_when_the_training_data_is_available(
    sample: Callable[..., Any], client: TestClient
) -> None:
    *_, (_, near), (_, last), _ = sample(exact=True, steps=4)
    assert "exact" in near and "exact" not in last
    wanted = {"model": "moons", "exact": True}
    assert client.post("/api/sample", json=GOOD | wanted).status_code == 200


def test_missing_training_data_gets_422_with_the_option_to_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    monkeypatch.delenv("INKWASH_DATA", raising=False)
    with TestClient(server.create_app(Catalog()), base_url="http://localhost") as client:
        response = client.post("/api/sample", json=GOOD | {"model": "fast", "exact": True})
        assert response.status_code == 422
        assert (response.json()["code"], response.json()["field"]) == ("missing-file", "exact")
        assert "inkwash serve --data" in response.json()["error"]


def test_concurrent_requests_get_the_same_samples_as_sequential_ones(
    sample: Callable[..., Any], client: TestClient
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    expected = [sample(seeds=[seed])[-2][1]["x"] for seed in (1, 2)]
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda seed: sample(seeds=[seed])[-2][1]["x"], (1, 2)))
    assert found == expected
    assert torch.get_num_threads() == 1


def test_files_are_kept_by_their_content_and_not_by_their_date(client: TestClient) -> None:
    first = client.get("/main.js")
    # Another page that was served at this address may have newer files of the same names.
    future = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert client.get("/main.js", headers=future).status_code == 200
    for tag, status in (
        (first.headers["etag"], 304),
        ('"another"', 200),
        ('"another", W/' + first.headers["etag"], 304),
    ):
        assert client.get("/main.js", headers=future | {"If-None-Match": tag}).status_code == status


def test_files_of_one_time_and_size_have_different_tags_for_different_content(tmp_path: Path) -> None:
    found = {}
    for name, content in (("first", b"a"), ("second", b"b"), ("third", b"a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.js").write_bytes(content)
        os.utime(tmp_path / name / "main.js", (1, 1))
        found[name] = TestClient(PageFiles(directory=tmp_path / name)).get("/main.js").headers["etag"]
    assert found["first"] == found["third"] != found["second"]
