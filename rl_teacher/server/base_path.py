"""The path of another site under which the server lives, such as /teach; empty: it has a host of its own."""

import json
import re
from argparse import ArgumentTypeError

from django.conf import settings
from starlette.types import ASGIApp, Receive, Scope, Send

from rl_teacher.records import OWN_PATHS

HEALTH = ("/healthz", "/readyz")
"""Answered without the base path too: who asks for these often asks the process and not the site."""
_PART = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")


def base_path_of(text: str) -> str:
    """What somebody wrote as a base path: begins with a slash and does not end with one; empty for none.

    Raises:
        ArgumentTypeError: it is no path, or holds the name of one of our own pages, and would be taken for it.
    """
    parts = [part for part in text.strip().split("/") if part]
    for part in parts:
        if not _PART.fullmatch(part):
            raise ArgumentTypeError(f"got {text[:200]!r}, expected a path like /teach, of letters and digits")
        if part in OWN_PATHS:
            raise ArgumentTypeError(f"got {text[:200]!r}, but {part!r} is a page of ours; take another, like /teach")
    return "".join(f"/{part}" for part in parts)


def url_to(path: str) -> str:
    """Where browsers find the page that we call `path`, which begins with a slash."""
    return f"{settings.RL_TEACHER.base_path}{path}"


class BasePath:
    """Plain ASGI: what lies under the base path goes on, with it as `root_path`; else the answer says where we live."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app, self._base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not self._base or scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        if path in HEALTH:
            path = self._base + path
        if path.startswith(f"{self._base}/"):
            return await self._app({**scope, "path": path, "root_path": self._base}, receive, send)
        if path == self._base:
            return await _answer(scope, send, 308, b"", (b"location", f"{self._base}/".encode()))
        detail = (
            f"this server lives under {self._base}/ (--base-path). A proxy in front must pass on the path as the "
            "browser sent it, without taking its beginning away."
        )
        document = {"type": "/problems/not-found", "title": "Not found", "status": 404, "detail": detail}
        kind = (b"content-type", b"application/problem+json")
        return await _answer(scope, send, 404, json.dumps(document).encode(), kind)


async def _answer(scope: Scope, send: Send, status: int, body: bytes, header: tuple[bytes, bytes]) -> None:
    headers = [header, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
