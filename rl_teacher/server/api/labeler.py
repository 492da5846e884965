"""What the labeling page calls, with the login cookie and X-CSRFToken."""

import asyncio
import uuid
from contextlib import suppress
from typing import Annotated, Any
from zlib import crc32

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest
from django.middleware.csrf import get_token
from ninja import Router, Status
from pydantic import Field

from rl_teacher.server import notify
from rl_teacher.server.api import bodies, labeler_bodies
from rl_teacher.server.api.auth import person, person_at, session
from rl_teacher.server.api.screens import assignment_json, held_until, progress_json, sides
from rl_teacher.server.media import blob_url
from rl_teacher.server.models import AgentVideo, Assignment, Experiment, Membership, Response, User
from rl_teacher.server.permissions import access, memberships
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import answer as answers
from rl_teacher.server.transactions import claim as leases
from rl_teacher.server.transactions import report
from rl_teacher.server.transactions.curves import shape
from rl_teacher.server.transactions.feed import LOOK_EVERY_S
from rl_teacher.server.transactions.overview import awaited

router = Router(auth=session)


def _claim_request(body: bodies.ClaimRequestIn) -> leases.ClaimRequest:
    return leases.ClaimRequest(body.want, body.have, body.tab)


@router.get("/me", response=labeler_bodies.Me)
def me(request: HttpRequest) -> dict[str, Any]:
    """Who is signed in, and a fresh CSRF token."""
    user = person(request)
    rows = Membership.objects.filter(user=user).select_related("experiment").order_by("experiment__slug")
    found = [{"slug": row.experiment.slug, "role": row.role, "pseudonym": row.pseudonym} for row in rows]
    return {"id": user.pk, "name": user.username, "csrf_token": get_token(request), "experiments": found}


@router.post("/experiments/{slug}/queue:claim", response=labeler_bodies.Claimed)
def claim(request: HttpRequest, slug: str, body: bodies.ClaimRequestIn) -> dict[str, Any]:
    """Borrow up to `want` pairs; leases of the tab that are not in `have` go back first."""
    at = person_at(request, slug, "label")
    labeler = at.labeler()
    found = leases.claim(at.experiment, labeler, _claim_request(body))
    labeler.refresh_from_db()
    return {
        "assignments": [assignment_json(row, at.experiment) for row in found],
        "held_until": held_until(at.experiment),
        "state": at.experiment.shown_state,
        "task": at.experiment.task,
        "progress": progress_json(Experiment.objects.get(pk=at.experiment.pk), labeler),
    }


@router.get("/experiments/{slug}/queue", response=labeler_bodies.QueueState)
async def queue(
    request: HttpRequest, slug: str, wait: Annotated[float, Field(ge=0, le=30)] = 0, seen: str = ""
) -> dict[str, Any]:
    """Whether a claim would bring something; waits up to `wait` seconds for that, or for other news than `seen`."""
    user = person(request)

    def look() -> dict[str, Any]:
        try:
            return _queue_state(user, slug)
        finally:
            connections.close_all()

    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    with notify.subscribed(slug) as event:
        first = None
        while True:
            event.clear()
            found = await sync_to_async(look)()
            first = found if first is None else first
            left = deadline - loop.time()
            is_news = found["available"] or found["seen"] != (seen or first["seen"])
            if is_news or left <= 0 or notify.is_closing():
                return found
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), min(left, LOOK_EVERY_S))


def _queue_state(user: User, slug: str) -> dict[str, Any]:
    at = access(user, slug, "label")
    experiment, labeler = at.experiment, at.member
    waiting = leases.claimable(experiment.pk, labeler.pk) if labeler else None
    if waiting is None:
        available = experiment.comparison_set.filter(state="open", open_slots__gt=0).exists()
    else:
        available = waiting.exists()
    told = awaited(experiment, labeler)
    news = [f"{value is not None:d}" if name.endswith("_s") else f"{value:d}" for name, value in sorted(told.items())]
    return told | {
        "available": available and not experiment.is_held,
        "state": experiment.shown_state,
        "task": experiment.task,
        "seen": "-".join([experiment.shown_state, *news, f"{crc32(experiment.task.encode()):x}"]),
        "progress": progress_json(experiment, labeler),
    }


@router.post("/experiments/{slug}/queue:needs_webm", response=bodies.Done)
def needs_webm(request: HttpRequest, slug: str) -> dict[str, Any]:
    """This browser cannot play H.264: have the trainer make VP9 copies."""
    report.ask_for_webm(person_at(request, slug, "label").experiment)
    return {}


@router.get("/experiments/{slug}/agent", response=labeler_bodies.Agent)
def agent(request: HttpRequest, slug: str) -> dict[str, Any]:
    """The newest video of the agent, and the shape of its return: no step, no number."""
    at = person_at(request, slug, "label")
    newest = AgentVideo.objects.filter(experiment=at.experiment).select_related("blob").order_by("-step").first()
    return {"video": blob_url(newest.blob, str(at.user.pk)) if newest else None, "curve": shape(at.experiment)}


@router.put(
    "/responses/{uuid:response_id}", response={200: labeler_bodies.ResponseOut, 201: labeler_bodies.ResponseOut}
)
def put_response(request: HttpRequest, response_id: uuid.UUID, body: labeler_bodies.ResponseIn) -> Status:
    """Store an answer: 201, or 200 if it is there already; brings new pairs along."""
    refill = _claim_request(body.refill) if body.refill else None
    taken = answers.submit(person(request).pk, response_id, answers.Answer(**body.answer.model_dump()), refill)
    return Status(
        201 if taken.is_new else 200,
        {
            "response": str(taken.response.id),
            "extra": taken.response.extra,
            "refill": [assignment_json(row, taken.experiment) for row in taken.refill],
            "held_until": held_until(taken.experiment) if refill is not None else None,
            "state": taken.experiment.shown_state,
            "task": taken.experiment.task,
            "progress": progress_json(taken.experiment, taken.labeler),
        },
    )


@router.post("/responses/{uuid:response_id}:withdraw", response=bodies.Done)
def withdraw(request: HttpRequest, response_id: uuid.UUID) -> dict[str, Any]:
    """Take an answer back; its slot is free again."""
    answers.withdraw(person(request).pk, response_id)
    return {}


@router.get("/experiments/{slug}/responses", response=labeler_bodies.OwnResponses)
def own_responses(
    request: HttpRequest, slug: str, mine: int = 1, limit: Annotated[int, Field(ge=1, le=100)] = 20
) -> dict[str, Any]:
    """The caller's current answers, for undo after a reload."""
    at = person_at(request, slug, "label")
    rows = current_answers(at.member)[:limit] if at.member else []
    return {"responses": [_own(row) for row in rows]}


def current_answers(labeler: Membership):  # type: ignore[no-untyped-def]
    """Answers of a person that stand, the newest first."""
    related = ("labeler", *(f"assignment__{name}" for name in leases.CLIPS))
    rows = Response.objects.filter(labeler=labeler, superseded_by=None, withdrawal=None)
    return rows.select_related(*related).order_by("-answered_at", "-id")


def _own(row: Response) -> dict[str, Any]:
    row.assignment.labeler = row.labeler
    said = {"response": str(row.id), "assignment": str(row.assignment_id), "side": row.side}
    return sides(row.assignment) | said | {"answered_at": row.answered_at.isoformat()}


@router.get("/assignments/{uuid:assignment_id}", response=labeler_bodies.AssignmentOut)
def get_assignment(request: HttpRequest, assignment_id: uuid.UUID) -> dict[str, Any]:
    """A pair of the caller's again, with fresh media addresses."""
    found = _own_assignment(person(request), assignment_id)
    return assignment_json(found, found.comparison.experiment)


def _own_assignment(user: User, assignment_id: uuid.UUID) -> Assignment:
    rows = Assignment.objects.select_related("comparison__experiment", "labeler", *leases.CLIPS)
    found = rows.filter(pk=assignment_id, labeler__user=user).first()
    if found is None:
        raise Problem("not-found", f"assignment {assignment_id}: there is none of yours.")
    return found


@router.post("/assignments:renew", response=labeler_bodies.Leases)
def renew(request: HttpRequest, body: labeler_bodies.RenewIn) -> dict[str, Any]:
    """Keep the pairs of a tab for another while."""
    until = leases.renew(memberships(person(request)).values(), body.tab, body.ids)
    return {"leases": {str(key): value for key, value in until.items()}}


@router.post("/assignments:release", response=labeler_bodies.Released)
def release(request: HttpRequest, body: labeler_bodies.ReleaseIn) -> dict[str, Any]:
    """Give pairs back, unless another call renewed them since."""
    released = leases.release(memberships(person(request)).values(), body.tab, body.leases)
    return {"released": [str(key) for key in released]}


@router.post("/assignments/{uuid:assignment_id}:media_error", response=bodies.Done)
def media_error(request: HttpRequest, assignment_id: uuid.UUID, body: labeler_bodies.DetailIn) -> dict[str, Any]:
    """The browser cannot play the pair; after two leases that say so nobody is asked any more."""
    leases.media_error(_own_assignment(person(request), assignment_id), body.detail)
    return {}


@router.post("/assignments/{uuid:assignment_id}:flag", response=bodies.Done)
def flag(request: HttpRequest, assignment_id: uuid.UUID, body: labeler_bodies.ReasonIn) -> dict[str, Any]:
    """Tell the owner that something is wrong with the pair."""
    leases.flag(_own_assignment(person(request), assignment_id), body.reason)
    return {}
