"""Addresses of clips that cannot be forged, that die with their reader's membership, and the bytes behind them."""

import math
import re
import time

from django.conf import settings
from django.core.signing import b64_encode
from django.db import DatabaseError, close_old_connections
from django.db.models import OuterRef, Subquery
from django.utils.crypto import constant_time_compare, salted_hmac
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rl_teacher.server.base_path import url_to
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.database_errors import problem_of
from rl_teacher.server.models import ApiToken, Blob, Clip, Membership, User
from rl_teacher.server.problems import RETRY_AFTER_S, Problem
from rl_teacher.server.request_threads import Visits
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.storage.store import EXPORTS, blob_key
from rl_teacher.server.transactions.prepared import Prepared

TYPES = {"mp4": "video/mp4", "webm": "video/webm", "npz": "application/x-npz", "zip": "application/zip"}
CLIPS = ("mp4", "webm")
SUFFIX = {content_type: suffix for suffix, content_type in TYPES.items()}
PATH, METHODS = "/media/", ("GET", "HEAD")
NAME = re.compile(r"([0-9a-f]{64}|[0-9a-f]{32})\.(mp4|webm|npz|zip)")
HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
GRID_S = 3600
KEEP_S = 6 * 3600
MAX_S = 12 * 3600
INSIDE, INSIDE_ASKS = "/_clips/", "x-clips-inside"
"""Where nginx has clips that it got before, which nobody reaches from outside; and how it says that it does."""
SIGNED_S = 3600
"""How long an address of an object store is good; a browser asks for a new one after half of it."""
_READER: Prepared[tuple[bool, str | None]] = Prepared(
    lambda user, experiment: User.objects.filter(pk=user, is_active=True).values_list(
        "is_superuser",
        Subquery(Membership.objects.filter(user=OuterRef("pk"), experiment=experiment).values("role")[:1]),
    ),
    int,
    int,
)
"""Whether a person is an admin, and their role in an experiment; no row for an account that is switched off."""


def signed_url(name: str, experiment: int, user: str, now: float | None = None) -> str:
    """Where `name` can be fetched for the next hours; the same all hour long, so that caches work."""
    now = time.time() if now is None else now
    expiry = (math.floor(now / GRID_S) + 1) * GRID_S + KEEP_S
    return (
        url_to("/media/")
        + f"{name}?x={experiment}&u={user}&e={expiry}&s={_sign(name, str(experiment), user, str(expiry))}"
    )


def blob_url(blob: Blob, user: str) -> str:
    """The address of a blob for one person or token."""
    return signed_url(f"{blob.sha256}.{SUFFIX[blob.content_type]}", blob.experiment_id, user)


def clip_urls(clip: Clip, user: str) -> dict[str, str | None]:
    """The renditions of a clip."""
    return {"mp4": blob_url(clip.mp4, user), "webm": blob_url(clip.webm, user) if clip.webm else None}


def _sign(name: str, experiment: str, user: str, expiry: str) -> str:
    digest = salted_hmac("rl_teacher.server.media", f"{name}|{experiment}|{user}|{expiry}", algorithm="sha256")
    return b64_encode(digest.digest()).decode()


def is_genuine(name: str, query: dict[str, str], now: float | None = None) -> bool:
    """Whether the server made this address and it is not too old."""
    now = time.time() if now is None else now
    expiry = query.get("e", "")
    expected = _sign(name, query.get("x", ""), query.get("u", ""), expiry)
    if not constant_time_compare(query.get("s", ""), expected):
        return False
    return expiry.isascii() and expiry.isdecimal() and now <= int(expiry) <= now + MAX_S


def may_read(query: dict[str, str], *, is_export: bool) -> bool:
    """Whether the one whom an address was made for is still a member, or a token that is still valid.

    Args:
        query: of a genuine address.
        is_export: whether it leads to a copy of the whole experiment, which only owners and admins may have.
    """
    experiment, who = int(query["x"]), query["u"]
    if who.startswith("t"):
        token = ApiToken.objects.filter(pk=int(who[1:])).first()
        return token is not None and token.is_valid and token.experiment_id in (None, experiment)
    return any(
        is_admin or role == "owner" or (role and not is_export) for is_admin, role in _READER(int(who), experiment)
    )


class ClipsFirst:
    """Plain ASGI: hands out the bytes under /media/, and leaves the rest to another app, which is spared clips."""

    def __init__(self, folder: DataFolder, app: ASGIApp, visit: Visits) -> None:
        self._store, self._app, self._visit = store_of(folder), app, visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if not path.startswith(PATH):
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        found = await self._answer(request, path.removeprefix(PATH)) if request.method in METHODS else _plain(405)
        return await found(scope, receive, send)

    async def _answer(self, request: Request, name: str) -> Response:
        match = NAME.fullmatch(name)
        if match is None or (len(match[1]) == 32) != (match[2] == "zip"):
            return _plain(404)
        stem, suffix = match.groups()
        query = dict(request.query_params)
        try:
            if not is_genuine(name, query) or not await self._visit(_look_up, query, suffix == "zip"):
                return _plain(403)
        except DatabaseError as error:
            if (problem := problem_of(error)) is None:
                raise
            return _plain(503, problem.detail)
        try:
            return await self._bytes(request, stem, suffix) or _plain(404)
        except Problem as problem:
            return _plain(503, problem.detail)

    async def _bytes(self, request: Request, stem: str, suffix: str) -> Response | None:
        key = f"{EXPORTS}{stem}.zip" if suffix == "zip" else blob_key(stem)
        if settings.RL_TEACHER.media == "redirect" and (address := await self._store.address(key, SIGNED_S)):
            return RedirectResponse(address, 302, {**HEADERS, "Cache-Control": f"private, max-age={SIGNED_S // 2}"})
        if suffix in CLIPS and request.headers.get(INSIDE_ASKS) == INSIDE:
            return Response(headers={"X-Accel-Redirect": f"{INSIDE}{stem}.{suffix}?{request.url.query}"})
        headers = HEADERS | {"Accept-Ranges": "bytes", "ETag": f'"{stem}"'}
        return await self._store.respond(request, key, TYPES[suffix], headers)


def _look_up(query: dict[str, str], is_export: bool) -> bool:
    try:
        return may_read(query, is_export=is_export)
    finally:
        close_old_connections()


def _plain(status: int, text: str = "") -> Response:
    texts = {
        405: "only GET and HEAD here",
        403: "forged, expired or no longer yours; reload the page",
        404: "no such file",
    }
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    if status in RETRY_AFTER_S:
        headers["Retry-After"] = str(RETRY_AFTER_S[status])
    return Response(text or texts[status], status_code=status, media_type="text/plain", headers=headers)
