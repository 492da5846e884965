"""What the experiment page calls: curves, live events, exports."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router, Status

from rl_teacher.server import notify
from rl_teacher.server.api import labeler_bodies
from rl_teacher.server.api.auth import person_at, session
from rl_teacher.server.api.screens import progress_json
from rl_teacher.server.media import blob_url, signed_url
from rl_teacher.server.models import AgentVideo, Export, MetricPoint, User
from rl_teacher.server.permissions import access
from rl_teacher.server.problems import Problem, problem_response
from rl_teacher.server.transactions import exports
from rl_teacher.server.transactions.curves import series
from rl_teacher.server.transactions.overview import heartbeat_age_s, queue_counts

router = Router(auth=session)
SSE_HEARTBEAT_S = 15.0
SSE_PACE_S = 1.0
"""At most one look at the database per second and viewer."""


@router.get("/experiments/{slug}/series", response=labeler_bodies.Series)
def get_series(request: HttpRequest, slug: str, names: str = "", since: int = 0) -> Any:
    """Curves after the cursor; 304 if nothing changed."""
    at = person_at(request, slug, "view")
    wanted = [name for name in names.replace("\x00", "").split(",") if name]
    body = json.dumps(series(at.experiment, wanted, max(0, min(since, 2**62)))).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    same = request.headers.get("If-None-Match") == etag
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return HttpResponse(
        b"" if same else body, status=304 if same else 200, content_type="application/json", headers=headers
    )


@router.post("/experiments/{slug}/exports", response={202: labeler_bodies.ExportOut})
def post_export(request: HttpRequest, slug: str) -> Any:
    """Start a copy of everything, made in the background."""
    at = person_at(request, slug, "manage")
    row = exports.start(settings.DATA, at.experiment, at.user)
    return Status(202, export_json(row, at.user))


@router.get("/experiments/{slug}/exports", response=labeler_bodies.Exports)
def get_exports(request: HttpRequest, slug: str) -> dict[str, Any]:
    """Copies and where to fetch them."""
    at = person_at(request, slug, "manage")
    rows = Export.objects.filter(experiment=at.experiment).order_by("-at")[:50]
    return {"exports": [export_json(row, at.user) for row in rows]}


def export_json(row: Export, user: User) -> dict[str, Any]:
    """A copy of an experiment."""
    done = row.state == "done"
    url = signed_url(f"{row.id.hex}.zip", row.experiment_id, str(user.pk)) if done else None
    return {"id": row.id, "state": row.state, "at": row.at, "size": row.size, "url": url, "error": row.error}


def snapshot(user: User, slug: str) -> dict[str, Any]:
    """One look at what the page shows live: by event name, its data."""
    try:
        user = User.objects.filter(pk=user.pk, is_active=True).first()
        if user is None:
            raise Problem("not-signed-in", "the account was switched off.")
        at = access(user, slug, "view")
        experiment = at.experiment
        newest = AgentVideo.objects.filter(experiment=experiment).select_related("blob").order_by("-step").first()
        cursor = MetricPoint.objects.filter(experiment=experiment).order_by("-id").values_list("id", flat=True).first()
        found: dict[str, Any] = {
            "progress": {
                "progress": progress_json(experiment, at.member),
                "state": experiment.shown_state,
                "queue": queue_counts(experiment),
                "step": experiment.step,
                "head": experiment.next_seq,
                "trainer_seen": (heartbeat_age_s(experiment) or 1e9) < 60,
                "next_clips_s": experiment.next_clips_s,
            },
            "series": {"cursor": cursor or 0},
        }
        if at.can_manage:
            told_at = experiment.notice_at
            found["notice"] = {"text": experiment.notice, "at": told_at.isoformat() if told_at else None}
        if newest is not None:
            found["video"] = {"step": newest.step, "url": blob_url(newest.blob, str(user.pk))}
        return found
    finally:
        connections.close_all()


async def _stream(user: User, slug: str) -> AsyncIterator[bytes]:
    """Server-sent events: what changed since the last look. Holds no connection while it waits."""
    sent: dict[str, str] = {}
    number, quiet = 0, 0.0
    with notify.subscribed(slug) as event:
        while not notify.is_closing():
            event.clear()
            try:
                found = await sync_to_async(snapshot, thread_sensitive=False)(user, slug)
            except Problem:
                return
            lines = []
            for name, data in found.items():
                text = json.dumps(data)
                if sent.get(name) != text:
                    number, sent[name] = number + 1, text
                    lines.append(f"id: {number}\nevent: {name}\ndata: {text}\n\n")
            if lines:
                quiet = 0.0
                yield "".join(lines).encode()
            elif quiet >= SSE_HEARTBEAT_S:
                quiet = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(SSE_PACE_S)
            try:
                await asyncio.wait_for(event.wait(), SSE_HEARTBEAT_S / 3)
            except TimeoutError:
                quiet += SSE_HEARTBEAT_S / 3 + SSE_PACE_S


async def events(request: HttpRequest, slug: str) -> HttpResponseBase:
    """GET …/events for whoever may view the experiment."""

    def look() -> User:
        try:
            user = request.user
            if not user.is_authenticated:
                raise Problem("not-signed-in", "sign in to watch the experiment.")
            access(user, slug, "view")
            return User.objects.get(pk=user.pk)
        finally:
            connections.close_all()

    if request.method != "GET":
        return problem_response(Problem("method", f"{request.method} is not possible here, only GET."))
    try:
        user = await sync_to_async(look)()
    except Problem as problem:
        return problem_response(problem)
    response = StreamingHttpResponse(_stream(user, slug), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response
