"""What stands before every request: whom it is for, who sends it, and what is said if it fails."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from piggygan.server.metrics import Metrics
from piggygan.server.problems import Refusal, refusal_of

LOG = logging.getLogger("piggygan.server")
OPEN = ("/", "/health")
"""What is answered without a token: it tells nothing of tasks."""
OPEN_FOLDER = "/page/"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LOCAL = "localhost"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
DRAINING_SECONDS = 2.0


class Entrance:
    """Lets a request in, or says why not; whatever fails inside becomes a problem that tells nothing of files.

    A page of another origin can have a browser send requests here, even by a name of its own that it makes mean this
    machine (DNS rebinding). So a request names, as ``Host``, an address or one of ``names``, and comes, where a browser
    says so, from this very page.

    Args:
        app: What answers.
        names: Names of hosts that this server goes by, beside addresses and ``localhost``.
        token: What a request must bear; None: nothing.
        metrics: Counts requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Collection[str] = (),
        token: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._app = app
        self._metrics = metrics or Metrics()
        self._names = {LOCAL, *(name.lower() for name in names)}
        self._token = None if token is None else _digest(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["app"] = self  # the router then raises what it does not know, in place of a text of its own
        began = time.perf_counter()
        status = 0

        async def secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                for name, value in SECURITY.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            self._check(Headers(scope=scope), scope["path"])
            await self._app(scope, receive, secured)
        except Exception as error:
            if status:  # half an answer was sent: the connection ends, so that it cannot pass for a whole one
                LOG.warning("an answer ended early: %s", type(error).__name__)
                raise Refusal(500, "failed", "the answer ended early.") from None
            refusal = refusal_of(_named(error))
            if refusal.status == 500:
                LOG.error("failed: %s", _where(error))
            await _refused(refusal, scope, receive, secured)
        finally:
            seconds = time.perf_counter() - began
            self._metrics.count(_route(scope), _method(scope), status, seconds)
            LOG.info("%s %s %s %.0f ms", _method(scope), _route(scope), status, 1000 * seconds)

    def _check(self, headers: Headers, path: str) -> None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise Refusal(421, "other-host", f"this server does not go by the name {host[:100]!r}: see --name.")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Refusal(403, "other-origin", "the request comes from a page of another origin.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and path != "/":
            raise Refusal(403, "other-origin", "the request comes from a page of another origin.")
        if self._token is None or path in OPEN or path.startswith(OPEN_FOLDER):
            return
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(_digest(token.strip()), self._token):
            raise Refusal(
                401, "token", "give the server's token: Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"}
            )

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)  # nobody else can make an address mean another machine
        except ValueError:
            return False
        return True


async def _refused(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Say no, then take in for a while what is still being sent: who sends reads the answer only afterwards.

    A connection that is closed on bytes that nobody took is reset, and the answer may be lost with it.
    """
    response = refusal.response()
    if "connection" not in response.headers:
        await response(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAINING_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})


def _named(error: Exception) -> Exception:
    """Turn what the router raises into words of ours."""
    if not isinstance(error, HTTPException):
        return error
    if error.status_code == 404:
        return Refusal(404, "no-page", "there is no such page: see /api/openapi.json.")
    return Refusal(error.status_code, "method", "the page does not take this method.", error.headers)


def _where(error: Exception) -> str:
    """Say what failed and where, without an error's text, which may quote a file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__}{place}"


def _route(scope: Scope) -> str:
    """Name the route: a path may hold what its sender typed."""
    route = scope.get("route")
    return str(getattr(route, "path", "?"))


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in METHODS else "?"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
