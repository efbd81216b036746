"""Access control of the server: host names, origins, a token, request sizes and security headers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkwash.errors import ErrorCode

MAX_BODY_BYTES = 400_000
"""Bytes of a request body: an image and a mask of 256 by 256 colour pixels in base64."""
COOKIE = "inkwash-token"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}


@dataclass
class AccessMiddleware:
    """Middleware that refuses requests without access; with `token` None only loopback host names have access.

    Without a token the Host header must be a loopback name: otherwise another site could let its own name resolve to
    this machine (DNS rebinding) and would share its origin. Starlette's TrustedHostMiddleware does not parse IPv6 hosts.
    """

    app: ASGIApp
    token: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        denied = self._access_error(scope, headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                response_headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    response_headers.setdefault(name, value)
            await send(message)

        if denied is not None:
            await denied(scope, receive, send_with_headers)
            return
        await self.app(scope, _bounded(receive), send_with_headers)

    def _access_error(self, scope: Scope, headers: Headers) -> Response | None:
        name = headers.get("host", "")
        if self.token is None and _host(f"//{name}") not in LOOPBACK:
            return error_response(
                "this server is reachable as 'localhost' only: use --token for other host names", 421, "no-access"
            )
        origin = headers.get("origin")
        if scope["method"] != "GET" and origin is not None and _netloc(origin) != name:
            return error_response("cross-site request: open the page of this server instead", 403, "no-access")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return error_response(f"the request is larger than {MAX_BODY_BYTES:,} bytes", 413, "too-large")
        return None if self.token is None else self._check_token(scope, headers)

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        assert self.token is not None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if self._matches_token(given) and scope["method"] == "GET":
            # The token moves into a cookie and out of the address, because people copy addresses.
            redirect = RedirectResponse("/" + scope["path"].lstrip("/"), 303)
            redirect.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return redirect
        # The standard library's parser fails on cookies that other programs on this host have set.
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._matches_token(bearer) or self._matches_token(cookie):
            return None
        message = "a token is required: open the address that the server printed, with ?token=…"
        if "text/html" in headers.get("accept", ""):
            return HTMLResponse(f"<!doctype html><title>inkwash</title><p>{message.capitalize()}</p>", 401)
        return error_response(message, 401, "no-access")

    def _matches_token(self, given: str) -> bool:
        assert self.token is not None
        return secrets.compare_digest(given.encode(), self.token.encode())


def _host(address: str) -> str:
    """Return the host of a URL, "" if it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _netloc(address: str) -> str:
    """Return host and port of a URL, "" if it has none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


class TooLargeError(Exception):
    """A request without a Content-Length exceeds MAX_BODY_BYTES."""


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise TooLargeError
        return message

    return bounded


def error_response(message: str, status: int, code: ErrorCode | None, field: str | None = None) -> JSONResponse:
    """Return an error as JSON: the message of one line under "error", its code, and the field at fault or null."""
    return JSONResponse({"error": message, "code": code, "field": field}, status)
