"""What every open page asks: how the lesson goes, and how it ended."""

import asyncio
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from rl_teacher.server import notify
from rl_teacher.server.api import bodies, labeler_bodies
from rl_teacher.server.api.auth import person, person_at, session
from rl_teacher.server.api.screens import progress_json
from rl_teacher.server.models import User
from rl_teacher.server.permissions import access
from rl_teacher.server.transactions import lesson

router = Router(auth=session)


@router.get("/experiments/{slug}/lesson:state", response=labeler_bodies.Lesson)
async def get_lesson(
    request: HttpRequest, slug: str, wait: Annotated[float, Field(ge=0, le=30)] = 0, seen: str = ""
) -> dict[str, Any]:
    """How the lesson goes; waits up to `wait` seconds for other news than `seen`."""
    user = person(request)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    with notify.subscribed(lesson.topic(slug)) as event:
        while True:
            event.clear()
            found = await sync_to_async(_look)(user, slug)
            left = deadline - loop.time()
            if found["seen"] != seen or left <= 0 or notify.is_closing():
                return found
            try:
                await asyncio.wait_for(event.wait(), left)
            except TimeoutError:
                return found  # nobody said that something changed; the next call looks first


def _look(user: User, slug: str) -> dict[str, Any]:
    try:
        at = access(user, slug)
        return lesson.describe(at) | {"progress": progress_json(at.experiment, at.member)}
    finally:
        connections.close_all()


@router.post("/experiments/{slug}/lesson:seen", response=bodies.Done)
def lesson_seen(request: HttpRequest, slug: str) -> dict[str, Any]:
    """The caller has the ending before their eyes."""
    lesson.note_seen(person_at(request, slug, "").experiment)
    return {}
