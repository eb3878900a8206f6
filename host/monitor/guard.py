"""Who may see the heart: checks on every request, of HTTP and WebSocket alike.

- Host must be a name that this server goes by: another name that points here (DNS rebinding) is refused.
- Origin, where a browser sends it, must be this server: a page of another site gets nothing.
- Without a loopback address a token is required: once in the address, then as a cookie that no script reads.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

COOKIE: Final = "ecg_edge_token"
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_LONGEST_QUERY: Final = 512
_HEADERS: Final = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """ASGI middleware with these checks.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str
        Values of Host that are this server, with their ports.
    token : str or None
        The token; None: none is required.
    """

    def __init__(self, app: Any, hosts: Iterable[str], token: str | None) -> None:
        self._app, self._hosts, self._token = app, frozenset(hosts), token

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        reason = self._refusal(scope, headers)
        if reason is not None:
            await _refuse(scope, receive, send, reason)
            return
        await self._app(scope, receive, self._with_headers(scope, send))

    def _refusal(self, scope: dict[str, Any], headers: dict[str, str]) -> str | None:
        if headers.get("host", "").lower() not in self._hosts:
            return "this server has another name"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() not in self._hosts:
            return "a page of another site may not read this"
        if scope["type"] == "websocket" and origin is None and "cookie" in headers:
            return "a browser names its page"
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return "a page of another site may not read this"
        if len(scope["query_string"]) > _LONGEST_QUERY:
            return "the address is too long"
        if self._token is not None and not self._has_token(scope, headers):
            return "the token is missing or wrong: open the address that the program printed"
        return None

    def _has_token(self, scope: dict[str, Any], headers: dict[str, str]) -> bool:
        assert self._token is not None
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        given = [cookie.value] if cookie is not None else []
        given += parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return any(hmac.compare_digest(value.encode(), self._token.encode()) for value in given)

    def _with_headers(self, scope: dict[str, Any], send: Any) -> Any:
        cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        own = [*_HEADERS, *([(b"set-cookie", cookie.encode())] if self._token is not None else [])]

        async def send_with(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        return send_with


async def _refuse(scope: dict[str, Any], receive: Any, send: Any, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    body = f"Refused: {reason}.\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
