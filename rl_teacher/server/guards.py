"""Plain ASGI around everything: is the Host ours, is the body small and soon enough, which headers answers carry."""

import asyncio
import json
import re
from collections.abc import Collection

from django.http.request import split_domain_port, validate_host
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rl_teacher.server.problems import TITLES

MIB = 1024 * 1024
MAX_BODY = 1 * MIB
MAX_BLOB = 32 * MIB
MAX_DRAIN = 64 * MIB
IDLE_S = 20.0
"""The longest wait for the next piece of a body [s]."""
BODY_S, SLOWEST = 60.0, 64 * 1024
"""The longest wait for all of it: so long [s], and longer by its limit at so many bytes per second."""
BLOB_PATH = re.compile(r"/api/v1/experiments/[^/]+/blobs/[^/]+")


class Guards:
    """Refuses foreign hosts and oversized bodies before anything is stored, and adds the security headers."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        csp: str,
        *,
        https: bool = False,
        idle_s: float = IDLE_S,
        base_path: str = "",
    ) -> None:
        self._idle_s, self._base_path = idle_s, base_path
        self._app, self._hosts = app, [host.lower() for host in hosts]
        self._headers = [
            (b"content-security-policy", csp.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]
        if https:
            self._headers.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if trouble := self._trouble_with(headers.getlist("host")):
            await _refuse(scope, send, "malformed", trouble)
            return
        is_upload = scope["method"] == "PUT" and self._is_blob(scope["path"])
        limit = MAX_BLOB if is_upload else MAX_BODY
        receive = _soon(receive, self._idle_s, BODY_S + limit / SLOWEST)
        if is_upload and not headers.get("authorization", "").lower().startswith("bearer "):
            await _drain(receive)
            await _refuse(scope, send, "not-signed-in", "an upload needs the header `Authorization: Bearer rlt_…`.")
            return
        length = headers.get("content-length")
        if length is not None and not (length.isascii() and length.isdecimal()):
            await _refuse(scope, send, "malformed", "Content-Length is not a number.")
            return
        if length is not None and int(length) > limit:
            if int(length) <= MAX_DRAIN:
                await _drain(receive)
            await _refuse(scope, send, "too-large", f"the body has {length} bytes, expected at most {limit}.")
            return
        await self._run(scope, receive, send, limit)

    def _is_blob(self, path: str) -> bool:
        return BLOB_PATH.fullmatch(path.removeprefix(self._base_path)) is not None

    def _trouble_with(self, hosts: list[str]) -> str:
        """Why Django would not take these Host headers; it is asked here because it logs each of them as an error."""
        host = hosts[0] if len(hosts) == 1 else ""
        domain, _ = split_domain_port(host)
        if not domain:
            return f"the Host header is {', '.join(hosts)[:100]!r}, expected one name, and perhaps a port."
        if validate_host(domain, self._hosts):
            return ""
        return (
            f"the Host header says {domain[:100]!r}, which is no name of this server. If it should be one: start "
            f"`rl-teacher serve` with --allowed-host {domain[:100]}, and behind HTTPS with --behind-proxy too."
        )

    async def _run(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        seen, refused = 0, False

        async def counted() -> Message:
            nonlocal seen, refused
            try:
                message = await receive()
            except TimeoutError:
                refused = True
                await _refuse(scope, send, "too-slow", "the rest of the body did not come in time. Send it again.")
                return {"type": "http.disconnect"}
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    refused = True
                    if message.get("more_body", False):
                        await _drain(receive)
                    await _refuse(scope, send, "too-large", f"the body has more than {limit} bytes.")
                    return {"type": "http.disconnect"}
            return message

        async def with_headers(message: Message) -> None:
            if refused:
                return
            if message["type"] == "http.response.start":
                raw = list(message.get("headers", ()))
                present = {name.lower() for name, _ in raw}  # Django does not send names in lower case
                message["headers"] = raw + [(name, value) for name, value in self._headers if name not in present]
            await send(message)

        await self._app(scope, counted, with_headers)


def _soon(receive: Receive, idle_s: float, all_s: float) -> Receive:
    """`receive` that raises TimeoutError while a body is not whole; whoever waits for the end of a connection waits."""
    more, deadline = True, asyncio.get_running_loop().time() + all_s

    async def soon() -> Message:
        nonlocal more
        if not more:
            return await receive()
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(min(now + idle_s, deadline)):
            message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    return soon


async def _drain(receive: Receive) -> None:
    """Read on and drop it, up to a limit: a client that is still sending would not see the answer."""
    seen, more = 0, True
    while more and seen <= MAX_DRAIN:
        try:
            message = await receive()
        except TimeoutError:
            return
        seen += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)


async def _refuse(scope: Scope, send: Send, slug: str, detail: str) -> None:
    status, title = TITLES[slug]
    document = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    body = json.dumps(document).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
