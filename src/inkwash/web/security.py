"""Who may ask and what goes along with every answer: hosts, origins, a token, the size of requests, security headers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 400_000
"""Bytes of a request: a picture and a mask of 256 by 256 colour pixels in base64."""
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
class Guard:
    """Lets through what may ask, around an application; `token` None asks for none and hears loopback names only.

    A page of another site that has its name point at this machine would be one origin with it: so without a token only
    requests that call this server by a name of loopback are heard.
    """

    app: ASGIApp
    token: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    told.setdefault(name, value)
            await send(message)

        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        await self.app(scope, _bounded(receive), answer)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        name = headers.get("host", "")
        if self.token is None and _host(f"//{name}") not in LOOPBACK:
            return told("this server hears 'localhost' only: start it with --token to give it another name", 421)
        origin = headers.get("origin")
        if scope["method"] != "GET" and origin is not None and _place(origin) != name:
            return told("the request comes from another site", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return told(f"the request is larger than {LARGEST_BODY:,} bytes", 413)
        return None if self.token is None else self._admission(scope, headers)

    def _admission(self, scope: Scope, headers: Headers) -> Response | None:
        assert self.token is not None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if self._is_right(given) and scope["method"] == "GET":
            # kept as a cookie and taken out of the address, which people copy
            welcome = RedirectResponse("/" + scope["path"].lstrip("/"), 303)
            welcome.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return welcome
        # not the standard library's: it fails on cookies that other programs of this host have set
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_right(bearer) or self._is_right(cookie):
            return None
        return told("a token is asked for: open the address that the server printed, with ?token=…", 401)

    def _is_right(self, given: str) -> bool:
        assert self.token is not None
        return secrets.compare_digest(given.encode(), self.token.encode())


def _host(address: str) -> str:
    """Return the host of an address, empty where it is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _place(address: str) -> str:
    """Return host and port of an address, empty where it is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


class TooLargeError(Exception):
    """A request without a length has grown beyond what is heard."""


def _bounded(receive: Receive) -> Receive:
    heard = 0

    async def bounded() -> Message:
        nonlocal heard
        message = await receive()
        heard += len(message.get("body", b""))
        if heard > LARGEST_BODY:
            raise TooLargeError
        return message

    return bounded


def told(reason: str, status: int, **headers: str) -> JSONResponse:
    """Return a refusal as the page reads it: one line under "error"."""
    return JSONResponse({"error": reason}, status, {name.replace("_", "-"): value for name, value in headers.items()})
