"""Lists of comparisons and clips, and one comparison with all that was said about it."""

import uuid
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_datetime

from rl_teacher.server.base_path import url_to
from rl_teacher.server.media import blob_url, clip_urls
from rl_teacher.server.models import Clip, Comparison, Flag, Membership, Prediction, Response
from rl_teacher.server.pages import predictions
from rl_teacher.server.pages.experiment import see
from rl_teacher.server.pages.guard import page, user_of
from rl_teacher.server.pages.keyset import PER_PAGE, cursor_of, next_url
from rl_teacher.server.permissions import Access, access, access_to_comparison
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.overview import describe
from rl_teacher.server.transactions.upload import cancel

STATES = ("open", "done", "cancelled", "broken")
ANSWERS = ("a", "b", "tie", "cant_tell")
STANDING = Response.objects.filter(superseded_by=None, withdrawal=None).select_related("labeler")


def _moment(text: str) -> Any:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@page("GET")
def comparison_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/comparisons`."""
    at = access(user_of(request), slug, "view")
    names = ("state", "preferred", "labeler", "gold", "note")
    filters = {name: request.GET.get(name, "").replace("\x00", "")[:200] for name in names}
    rows = _filtered(at, filters)
    cursor = cursor_of(request)
    if cursor and len(cursor) == 2 and (when := _moment(cursor[0])) and (pk := _uuid(cursor[1])):
        rows = rows.filter(Q(created_at__lt=when) | Q(created_at=when, id__lt=pk))
    found = list(rows[: PER_PAGE + 1])
    more = len(found) > PER_PAGE
    found = found[:PER_PAGE]
    pseudonyms = Membership.objects.filter(experiment=at.experiment).order_by("pseudonym")
    context = {
        "exp": describe(at),
        "rows": [row_json(row, at) for row in found],
        "next_url": next_url(request, found[-1].created_at.isoformat(), str(found[-1].id)) if more else None,
        "filters": filters,
        "choices": {
            "state": STATES,
            "preferred": ANSWERS,
            "labeler": list(pseudonyms.values_list("pseudonym", flat=True)),
        },
    }
    partial = request.headers.get("HX-Request") == "true"
    return render(request, f"feedback/{'_' if partial else ''}comparisons.html", context)


def _filtered(at: Access, filters: dict[str, str]) -> Any:
    rows = Comparison.objects.filter(experiment=at.experiment)
    said = STANDING.filter(assignment__comparison=OuterRef("pk"))
    if filters["state"] in STATES:
        rows = rows.filter(state=filters["state"])
    if filters["preferred"] in ANSWERS:
        rows = rows.filter(Exists(said.filter(preferred=filters["preferred"])))
    if filters["labeler"]:
        rows = rows.filter(Exists(said.filter(labeler__pseudonym=filters["labeler"])))
    if filters["gold"] in ("0", "1"):
        rows = rows.filter(gold_answer__isnull=filters["gold"] == "0")
    if filters["note"]:
        rows = rows.filter(note__icontains=filters["note"])
    answers = Prefetch("assignments__responses", STANDING, to_attr="standing")
    return (
        rows.select_related("a__mp4", "a__webm", "b__mp4", "b__webm")
        .prefetch_related(answers)
        .order_by("-created_at", "-id")
    )


def row_json(row: Comparison, at: Access) -> dict[str, Any]:
    """A comparison in a list."""
    standing = [answer for assignment in row.assignments.all() for answer in assignment.standing]
    user = str(at.user.pk)
    return {
        "id": row.id,
        "url": url_to(f"/c/{row.id}"),
        "state": row.state,
        "kind": "gold" if row.is_gold else "normal",
        "step_a": row.a.step,
        "step_b": row.b.step,
        "wanted": row.wanted,
        "done": row.done,
        "priority": row.priority,
        "created_at": row.created_at,
        "note": row.note,
        "gold_answer": row.gold_answer,
        "preferred": [answer.preferred for answer in standing],
        "labelers": sorted({answer.labeler.pseudonym for answer in standing}),
        "a_url": blob_url(row.a.mp4, user),
        "b_url": blob_url(row.b.mp4, user),
    }


def clip_json(clip: Clip, user: str) -> dict[str, Any]:
    """A clip with what is known about it."""
    urls = clip_urls(clip, user)
    columns = ("id", "fps", "n_frames", "width", "height", "step", "seed", "ret", "broken", "created_at")
    size = clip.mp4.size + (clip.webm.size if clip.webm else 0) + clip.arrays.size
    return {name: clip.__dict__[name] for name in columns} | {
        "url": urls["mp4"],
        "webm_url": urls["webm"],
        "size": size,
    }


@page("GET")
def comparison(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponseBase:
    """`/c/<id>`: a labeler sees a pair only after answering it."""
    at, row = access_to_comparison(user_of(request), comparison_id)
    answers = Response.objects.filter(assignment__comparison=row).select_related(
        "labeler", "assignment", "superseded_by", "withdrawal"
    )
    if not at.can_view:
        mine = answers.filter(labeler=at.member)
        if not mine.exists():
            raise Problem("scope", "you see a pair's page after you have answered it.")
        answers = mine
    found = Comparison.objects.prefetch_related(Prefetch("assignments__responses", STANDING, to_attr="standing")).get(
        pk=row.pk
    )
    found.a, found.b = row.a, row.b
    user = str(at.user.pk)
    pair = row_json(found, at) | {"a": clip_json(row.a, user), "b": clip_json(row.b, user)}
    if not at.can_view:
        pair |= {"preferred": [], "labelers": [], "gold_answer": None, "kind": "normal", "note": ""}
    flags = Flag.objects.filter(assignment__comparison=row).select_related("assignment__labeler").order_by("at")
    context = {
        "exp": describe(at),
        "row": pair,
        "prediction": predictions.prediction_json(Prediction.objects.filter(pk=row.pk).first())
        if predictions.may_see(at, row)
        else None,
        "answers": [_answer_json(answer) for answer in answers.order_by("answered_at")],
        "flags": [
            {"pseudonym": flag.assignment.labeler.pseudonym, "reason": flag.reason, "at": flag.at} for flag in flags
        ]
        if at.can_view
        else [],
    }
    return render(request, "feedback/comparison.html", context)


def _answer_json(row: Response) -> dict[str, Any]:
    withdrawn = hasattr(row, "withdrawal")  # how Django tells that a reverse one-to-one row is missing
    state = "withdrawn" if withdrawn else "superseded" if hasattr(row, "superseded_by") else "current"
    return {
        "id": row.id,
        "pseudonym": row.labeler.pseudonym,
        "side": row.side,
        "preferred": row.preferred,
        "at": row.answered_at,
        "rt_ms": row.rt_ms,
        "shown_ms": row.shown_ms,
        "loops": row.loops,
        "speed": row.speed,
        "kind": row.assignment.kind,
        "extra": row.extra,
        "state": state,
        "supersedes": row.supersedes_id,
    }


@page("POST")
def cancel_comparison(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponseBase:
    """Ask nobody else."""
    at, row = access_to_comparison(user_of(request), comparison_id)
    if not at.can_manage:
        raise Problem("scope", f"you are a {at.role}; only owners cancel.")
    cancel(at.experiment, [row.id])
    return see(f"/c/{row.id}")


@page("GET")
def clip_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/clips`."""
    from django.db.models import Count, Sum

    from rl_teacher.server.models import Blob

    at = access(user_of(request), slug, "view")
    every = Clip.objects.filter(experiment=at.experiment).select_related("mp4", "webm", "arrays")
    filters = {"broken": request.GET.get("broken", "")}
    rows = every.filter(broken=True) if filters["broken"] == "1" else every
    cursor = cursor_of(request)
    if cursor and len(cursor) == 2 and cursor[0].isdecimal() and (pk := _uuid(cursor[1])):
        rows = rows.filter(Q(step__lt=int(cursor[0][:18])) | Q(step=int(cursor[0][:18]), id__lt=pk))
    found = list(rows.order_by("-step", "-id")[: PER_PAGE + 1])
    more = len(found) > PER_PAGE
    found = found[:PER_PAGE]
    stored = Blob.objects.filter(experiment=at.experiment).aggregate(bytes=Sum("size"), blobs=Count("pk"))
    context = {
        "exp": describe(at),
        "clips": [clip_json(clip, str(at.user.pk)) for clip in found],
        "next_url": next_url(request, str(found[-1].step), str(found[-1].id)) if more else None,
        "storage": {"clips": every.count(), "bytes": stored["bytes"] or 0, "broken": every.filter(broken=True).count()},
        "filters": filters,
    }
    partial = request.headers.get("HX-Request") == "true"
    return render(request, f"feedback/{'_' if partial else ''}clips.html", context)
