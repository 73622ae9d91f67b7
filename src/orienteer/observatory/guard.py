"""Who may ask, and what a page may do: token, host, origin, size, and headers on every answer.

Pure ASGI, so that it sees a request before anything is parsed, and no answer leaves without its headers.
"""

import hmac
import ipaddress
import json
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orienteer.observatory.refusal import Refusal

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body; the largest honest one has about 1,000."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Guard:
    """Refuses a request, or lets it through to ``app``.

    Args:
        app: what answers.
        token: the secret in the link that was printed.
        host: the address the server listens on.
        cookie: name of the cookie that carries the token; one for each port, for browsers do not tell ports apart.
    """

    def __init__(self, app: ASGIApp, *, token: str, host: str, cookie: str) -> None:
        self.app, self.token, self.host, self.cookie = app, token, host, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no other protocol is spoken here
            return
        guarded = _with_headers(send)
        try:
            headers = Headers(scope=scope)
            self._check_place(headers, scope)
            entering = self._check_token(headers, scope)
            if entering:
                await self._enter(guarded)
                return
            if scope["method"] in ("POST", "PUT", "PATCH"):
                _check_body(headers)
                receive = await _read(receive)
        except Refusal as refusal:
            await _refuse(guarded, refusal, page=scope["path"] == "/")
            return
        await self.app(scope, receive, guarded)

    def _check_place(self, headers: Headers, scope: Scope) -> None:
        """No other site may use this server through a visitor's browser, whatever name it gives it."""
        host = headers.get("host", "")
        name = _name_of(host)
        if name is None or not self._is_own(name):
            raise Refusal(
                403, "wrong-host", "this server does not answer to that name", "use the link as it was printed"
            )
        origin = headers.get("origin")
        if origin is not None and origin != f"{scope.get('scheme', 'http')}://{host}":
            raise Refusal(403, "wrong-origin", "another site may not ask this server")
        site = headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none") and scope["path"] != "/":
            raise Refusal(403, "wrong-origin", "another site may not ask this server")

    def _is_own(self, name: str) -> bool:
        if name in LOOPBACK or name == self.host:
            return True
        if self.host in ("0.0.0.0", "::"):  # noqa: S104  (everywhere: only names that nobody else can hand out)
            return _is_address(name) or name in (socket.gethostname().lower(), socket.getfqdn().lower())
        return False

    def _check_token(self, headers: Headers, scope: Scope) -> bool:
        """True when the request is the link itself, which sets the cookie."""
        if scope["path"] == "/" and scope["method"] == "GET":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if self._fits(given):
                return True
        if not self._fits(_cookie(headers, self.cookie)) and not self._fits(_bearer(headers)):
            raise Refusal(
                401,
                "no-token",
                "this page opens with its own link only",
                "use the link that `orienteer observe` printed",
            )
        return False

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    async def _enter(self, send: Send) -> None:
        value = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        await send(
            {
                "type": "http.response.start",
                "status": 303,
                "headers": [(b"location", b"/"), (b"set-cookie", value.encode()), (b"content-length", b"0")],
            }
        )
        await send({"type": "http.response.body", "body": b""})


def _check_body(headers: Headers) -> None:
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise Refusal(400, "malformed", "the length of the request is not a number")
    if int(length) > BODY_LIMIT:
        raise _too_large()
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "not-json", "requests are JSON", "send Content-Type: application/json")


def _too_large() -> Refusal:
    return Refusal(413, "too-large", f"a request may have {BODY_LIMIT:,} bytes", "send fewer views")


async def _read(receive: Receive) -> Receive:
    """Read the whole body, which need not say its length, and hand it on in one piece.

    Raises:
        Refusal: it is too large.
    """
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_LIMIT:
            raise _too_large()
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


async def _refuse(send: Send, refusal: Refusal, *, page: bool) -> None:
    """As JSON; as a sentence where a person is looking."""
    if page:
        body, kind = f"{refusal.message}: {refusal.cure}\n".encode(), b"text/plain; charset=utf-8"
    else:
        body, kind = json.dumps(refusal.body().model_dump()).encode(), b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    # What was not read of a refused body must not be taken for the next request.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _name_of(host: str) -> str | None:
    """The name in a Host header, without its port; None where it is not one name."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment or not parts.hostname:
        return None
    return parts.hostname.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def _bearer(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
