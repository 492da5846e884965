"""The experiment page, its controls, and the labeling page."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static

from rl_teacher.server.api.screens import progress_json
from rl_teacher.server.api.viewer import export_json
from rl_teacher.server.base_path import url_to
from rl_teacher.server.guideline_text import to_html
from rl_teacher.server.media import blob_url
from rl_teacher.server.models import AgentVideo, Experiment, Export, Guideline
from rl_teacher.server.pages.guard import page, share, user_of, whole
from rl_teacher.server.permissions import access
from rl_teacher.server.transactions import exports, manage
from rl_teacher.server.transactions.curves import metric_names
from rl_teacher.server.transactions.overview import describe, labelers_now, queue_counts
from rl_teacher.server.transactions.task import first_line, set_task

MAX_VIDEOS = 60


def see(url: str) -> HttpResponseRedirect:
    """Go there by GET."""
    response = HttpResponseRedirect(url_to(url))
    response.status_code = 303
    return response


def guideline_of(experiment: Experiment) -> dict[str, Any]:
    """The newest text, as HTML too."""
    row = Guideline.objects.filter(experiment=experiment).select_related("by").order_by("-version").first()
    if row is None:
        return {"version": 0, "html": "", "markdown": "", "at": None, "by": ""}
    by, text = row.by.username if row.by else "", row.markdown
    if experiment.task and first_line(text) == experiment.task:  # it stands above the guide
        text = "\n".join(text.splitlines()[1:])
    return {"version": row.version, "html": to_html(text), "markdown": row.markdown, "at": row.at, "by": by}


@page("GET", guests=True)
def experiment(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>`."""
    at = access(user_of(request), slug)
    if not at.can_view:
        return see(f"/e/{slug}/label")
    rows = AgentVideo.objects.filter(experiment=at.experiment).select_related("blob").order_by("step")
    videos = [
        {"id": row.pk, "step": row.step, "url": blob_url(row.blob, str(at.user.pk))} for row in _spread(list(rows))
    ]
    data = {
        "slug": slug,
        "base": settings.RL_TEACHER.base_path,
        "series_url": url_to(f"/api/v1/experiments/{slug}/series"),
        "events_url": url_to(f"/api/v1/experiments/{slug}/events"),
        "csrf": get_token(request),
        "names": metric_names(at.experiment),
    }
    context = {
        "exp": describe(at),
        "guideline": guideline_of(at.experiment),
        "videos": videos,
        "queue": queue_counts(at.experiment),
        "labelers_now": [{"pseudonym": row.pseudonym} for row in labelers_now(at.experiment)],
        "page_data": data,
    }
    return render(request, "feedback/experiment.html", context)


def _spread(rows: list[AgentVideo]) -> list[AgentVideo]:
    """At most MAX_VIDEOS of them, the first and the last included."""
    if len(rows) <= MAX_VIDEOS:
        return rows
    return [rows[round(i * (len(rows) - 1) / (MAX_VIDEOS - 1))] for i in range(MAX_VIDEOS)]


@page("GET", guests=True)
def label(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/label`: shows nothing of the agent's progress before an answer."""
    at = access(user_of(request), slug, "label")
    guideline, api = guideline_of(at.experiment), url_to(f"/api/v1/experiments/{slug}")
    data = {
        "base": settings.RL_TEACHER.base_path,
        "slug": slug,
        "csrf": get_token(request),
        "user_id": at.user.pk,
        "pseudonym": at.member.pseudonym if at.member else None,
        "min_view_ms": at.experiment.min_view_ms,
        "claim_url": f"{api}/queue:claim",
        "queue_url": f"{api}/queue",
        "practice_url": static("feedback/practice/"),
        "progress": progress_json(at.experiment, at.member),
        "guideline_version": guideline["version"],
    }
    exp = describe(at) | {"step": None}
    return render(request, "feedback/label.html", {"exp": exp, "guideline": guideline, "page_data": data})


@page("POST")
def pause(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Stop or go on."""
    at = access(user_of(request), slug, "manage")
    manage.set_paused(at.experiment, request.POST.get("paused") == "1", at.user)
    return see(f"/e/{slug}")


@page("POST")
def task(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The task in one sentence; `skip`: there is none, and labeling goes on."""
    at = access(user_of(request), slug, "manage")
    sentence = set_task(at.experiment, "" if request.POST.get("skip") else request.POST.get("task", ""), at.user)
    if request.POST.get("next") != "overview":
        return see(f"/e/{slug}/label")
    messages.success(request, f"People now read: {sentence}" if sentence else "People now read no task.")
    return see(f"/e/{slug}")


@page("POST")
def guideline(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A new version of the text."""
    at = access(user_of(request), slug, "manage")
    version = manage.add_guideline(at.experiment, request.POST.get("markdown", ""), at.user)
    messages.success(request, f"Guideline version {version} is in force.")
    return see(f"/e/{slug}")


@page("POST")
def tune(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The numbers; what the form leaves out stays."""
    at = access(user_of(request), slug, "manage")
    now, form = at.experiment, request.POST
    tuning = manage.Tuning(
        labels_wanted=whole(form.get("labels_wanted", str(now.labels_wanted)), "labels_wanted", 0, 10**9),
        overlap=whole(form.get("overlap", str(now.overlap)), "overlap", 1, 10),
        double_rate=share(form.get("double_rate", str(now.double_rate)), "double_rate"),
        gold_rate=share(form.get("gold_rate", str(now.gold_rate)), "gold_rate"),
        repeat_rate=share(form.get("repeat_rate", str(now.repeat_rate)), "repeat_rate"),
        lease_s=whole(form.get("lease_s", str(now.lease_s)), "lease_s", 5, 3600),
        min_view_ms=whole(form.get("min_view_ms", str(now.min_view_ms)), "min_view_ms", 0, 60_000),
    )
    manage.tune(at.experiment, tuning, at.user)
    messages.success(request, "Saved.")
    return see(f"/e/{slug}")


@page("POST")
def export(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Start a copy of everything."""
    at = access(user_of(request), slug, "manage")
    exports.start(settings.DATA, at.experiment, at.user)
    return see(f"/e/{slug}/exports")


@page("GET")
def export_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/e/<slug>/exports`."""
    at = access(user_of(request), slug, "manage")
    rows = Export.objects.filter(experiment=at.experiment).order_by("-at")[:50]
    found = [export_json(row, at.user) for row in rows]
    return render(request, "feedback/exports.html", {"exp": describe(at), "exports": found})
