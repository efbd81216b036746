"""Who is heard: this machine by its own name, one's own page, whoever has the token; and what goes with every answer."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from inkwash.web import server
from inkwash.web.catalog import Catalog
from inkwash.web.security import HEADERS, LARGEST_BODY

TOKEN = "a-long-enough-word"


@pytest.mark.parametrize("path", ["/", "/style.css", "/api", "/api/models", "/api/nothing", "/../pyproject.toml"])
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "192.168.1.7:8000", "", "["])
def test_a_server_without_a_token_hears_its_own_names_only(client: TestClient, name: str) -> None:
    assert client.get("/api/models", headers={"Host": name}).status_code == 421
    assert client.get("/api/models", headers={"Host": "127.0.0.1:9"}).status_code == 200


def test_another_site_cannot_have_anything_drawn(client: TestClient) -> None:
    asked = {"model": "digits", "seeds": [0], "steps": 1}
    for origin in ("http://evil.example", "http://[", "null"):
        assert client.post("/api/sample", json=asked, headers={"Origin": origin}).status_code == 403
    assert client.post("/api/sample", json=asked, headers={"Origin": "http://localhost:8000"}).status_code == 200


@pytest.mark.parametrize("length", [str(LARGEST_BODY + 1), "many"])
def test_a_large_request_is_refused_by_its_length(client: TestClient, length: str) -> None:
    assert client.post("/api/sample", content=b"{}", headers={"Content-Length": length}).status_code == 413


def test_a_large_request_is_refused_without_a_length_too(client: TestClient) -> None:
    pieces = (b" " * 50_000 for _ in range(20))
    assert client.post("/api/sample", content=pieces).status_code == 413


def test_a_token_is_asked_for_and_kept_out_of_the_address(catalog: Catalog) -> None:
    with TestClient(server.build(catalog, TOKEN), base_url="http://some.host", follow_redirects=False) as client:
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "inkwash-token=wrong"}):
            assert client.get("/", headers=wrong).status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/api/models", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        for others in ("a@b=c; ", 'x={"a":1}; '):
            cookie = {"Cookie": f"{others}inkwash-token={TOKEN}"}
            assert client.get("/api/models", headers=cookie).status_code == 200
        assert client.get(f"http://some.host//evil.example/?token={TOKEN}").headers["location"] == "/evil.example/"
        welcome = client.get(f"/?token={TOKEN}")
        assert welcome.status_code == 303 and welcome.headers["location"] == "/"
        assert (
            "HttpOnly" in welcome.headers["set-cookie"] and "samesite=strict" in welcome.headers["set-cookie"].lower()
        )
        assert client.get("/").status_code == 200
