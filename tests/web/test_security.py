"""Access control: loopback host names, same-origin requests, the token, and the security headers."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from inkwash.web import server
from inkwash.web.catalog import Catalog
from inkwash.web.security import HEADERS, MAX_BODY_BYTES

TOKEN = "a-long-enough-word"


@pytest.mark.parametrize("path", ["/", "/style.css", "/api", "/api/models", "/api/nothing", "/../pyproject.toml"])
def test_every_response_has_the_security_headers(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "192.168.1.7:8000", "", "["])
def test_without_a_token_only_loopback_host_names_are_served(client: TestClient, name: str) -> None:
    assert client.get("/api/models", headers={"Host": name}).status_code == 421
    assert client.get("/api/models", headers={"Host": "127.0.0.1:9"}).status_code == 200


def test_cross_origin_request_gets_403(client: TestClient) -> None:
    body = {"model": "digits", "seeds": [0], "steps": 1}
    for origin in ("http://evil.example", "http://[", "null"):
        assert client.post("/api/sample", json=body, headers={"Origin": origin}).status_code == 403
    assert client.post("/api/sample", json=body, headers={"Origin": "http://localhost:8000"}).status_code == 200


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "many"])
def test_large_content_length_gets_413(client: TestClient, length: str) -> None:
    assert client.post("/api/sample", content=b"{}", headers={"Content-Length": length}).status_code == 413


def test_large_body_without_content_length_gets_413(client: TestClient) -> None:
    pieces = (b" " * 50_000 for _ in range(20))
    assert client.post("/api/sample", content=pieces).status_code == 413


def test_token_is_required_and_moves_into_a_cookie(catalog: Catalog) -> None:
    with TestClient(server.create_app(catalog, TOKEN), base_url="http://some.host", follow_redirects=False) as client:
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "inkwash-token=wrong"}):
            assert client.get("/", headers=wrong).status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/api/models", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        for others in ("a@b=c; ", 'x={"a":1}; '):
            cookie = {"Cookie": f"{others}inkwash-token={TOKEN}"}
            assert client.get("/api/models", headers=cookie).status_code == 200
        assert client.get(f"http://some.host//evil.example/?token={TOKEN}").headers["location"] == "/evil.example/"
        redirect = client.get(f"/?token={TOKEN}")
        assert redirect.status_code == 303 and redirect.headers["location"] == "/"
        assert (
            "HttpOnly" in redirect.headers["set-cookie"] and "samesite=strict" in redirect.headers["set-cookie"].lower()
        )
        assert client.get("/").status_code == 200
