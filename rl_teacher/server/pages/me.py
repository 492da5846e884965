"""One's own answers, to look at and to change."""

import uuid

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render

from rl_teacher.server.api.screens import sides
from rl_teacher.server.base_path import url_to
from rl_teacher.server.doors import Attempt
from rl_teacher.server.models import Response
from rl_teacher.server.pages import predictions
from rl_teacher.server.pages.comparisons import _moment, _uuid
from rl_teacher.server.pages.experiment import see
from rl_teacher.server.pages.guard import page, user_of
from rl_teacher.server.pages.keyset import PER_PAGE, cursor_of, next_url
from rl_teacher.server.pages.people import _set_password
from rl_teacher.server.permissions import memberships
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.answer import Answer, submit, withdraw
from rl_teacher.server.transactions.claim import CLIPS
from rl_teacher.server.transactions.own_data import own_data
from rl_teacher.server.transactions.quality import self_agreement
from rl_teacher.server.transactions.write import write

SIDES = ("left", "right", "tie", "cant_tell")


@page("GET", guests=True)
def me(request: HttpRequest) -> HttpResponseBase:
    """`/me`."""
    own = memberships(user_of(request))
    related = ("labeler__experiment", *(f"assignment__{name}" for name in CLIPS))
    rows = Response.objects.filter(labeler__in=list(own), superseded_by=None, withdrawal=None).select_related(*related)
    filters = {"experiment": request.GET.get("experiment", "").replace("\x00", "")}
    if filters["experiment"]:
        rows = rows.filter(labeler__experiment__slug=filters["experiment"])
    cursor = cursor_of(request)
    if cursor and len(cursor) == 2 and (when := _moment(cursor[0])) and (pk := _uuid(cursor[1])):
        rows = rows.filter(Q(answered_at__lt=when) | Q(answered_at=when, id__lt=pk))
    found = list(rows.order_by("-answered_at", "-id")[: PER_PAGE + 1])
    more = len(found) > PER_PAGE
    found = found[:PER_PAGE]
    known = predictions.of_answered(own.values(), [row.assignment.comparison_id for row in found])
    answers = []
    for row in found:
        row.assignment.labeler = row.labeler
        shown = sides(row.assignment)
        answers.append(
            {
                "id": row.id,
                "experiment": row.labeler.experiment.slug,
                "comparison_url": url_to(f"/c/{row.assignment.comparison_id}"),
                "preferred_side": row.side,
                "at": row.answered_at,
                "editable": True,
                "rt_ms": row.rt_ms,
                "left_url": shown["left"]["mp4"],
                "right_url": shown["right"]["mp4"],
                "fps": shown["fps"],
                "n_frames": shown["n_frames"],
                "size": shown["size"],
                "prediction": predictions.prediction_json(
                    known.get(row.assignment.comparison_id), swapped=row.assignment.swapped
                ),
            }
        )
    context = {
        "answers": answers,
        "self_agreement": self_agreement(own.values()),
        "filters": filters,
        "page_data": {"csrf": get_token(request)},
        "next_url": next_url(request, found[-1].answered_at.isoformat(), str(found[-1].id)) if more else None,
        "has_password": user_of(request).has_usable_password(),
    }
    return render(request, "feedback/me.html", context)


@page("GET", guests=True)
def data(request: HttpRequest) -> HttpResponseBase:
    """`/me/data`: all that is stored about the one who asks, as a file."""
    user = user_of(request)
    response = JsonResponse(own_data(user), json_dumps_params={"indent": 1})
    response["Content-Disposition"] = 'attachment; filename="rl-teacher-my-data.json"'
    return response


@page("POST", guests=True)
def edit_answer(request: HttpRequest, response_id: uuid.UUID) -> HttpResponseBase:
    """A second thought, or taking the answer back."""
    user = user_of(request)
    if request.POST.get("withdraw") == "1":
        withdraw(user.pk, response_id)
        messages.success(request, "Taken back.")
        return see("/me")
    side = request.POST.get("side", "")
    if side not in SIDES:
        raise Problem("invalid", f"side: got {side[:40]!r}, expected one of {SIDES}.")
    row = Response.objects.filter(pk=response_id, labeler__user=user).first()
    if row is None:
        raise Problem("not-found", "there is no such answer of yours.")
    # Made of what it says, so that sending the form twice is one revision.
    revision = uuid.uuid5(row.id, side)
    submit(user.pk, revision, Answer(row.assignment_id, side, supersedes=row.id))
    messages.success(request, "Changed.")
    return see("/me")


@page("POST")
def password(request: HttpRequest) -> HttpResponseBase:
    """A new password for oneself."""
    user = user_of(request)
    if user.has_usable_password():
        attempt = Attempt.begin(request, user.username)
        if not user.check_password(request.POST.get("old", "")[:1000]):
            raise Problem("scope", "the old password is wrong.")
        attempt.succeeded()
    with write():
        _set_password(user, request.POST.get("new", "")[:1000])
        user.save()
    update_session_auth_hash(request, user)
    messages.success(request, "The password is changed.")
    return see("/me")
