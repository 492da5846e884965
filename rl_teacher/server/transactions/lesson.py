"""The lesson as a whole: when learning begins, what the agent looked like then and now, and how it ended."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from rl_teacher.server.media import blob_url, clip_urls
from rl_teacher.server.models import AgentVideo, Clip, Experiment, MetricPoint
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.permissions import Access
from rl_teacher.server.transactions.write import write

Media = dict[str, str | None]
RETURNS = ("true_return", "predicted_return")


def topic(slug: str) -> str:
    """What those wait for who want to know how the lesson goes; answers do not wake them."""
    return f"{slug}/lesson"


def tell(experiment: Experiment, told: Mapping[str, Any]) -> None:
    """Keep what the trainer says; another ending than before has been seen by nobody."""
    with write():
        rows = Experiment.objects.filter(pk=experiment.pk)
        rows.update(**told)
        if told["ending"] != experiment.ending:
            rows.update(ending_seen_at=None)
        notify_on_commit(experiment.slug)
        notify_on_commit(topic(experiment.slug))


def note_seen(experiment: Experiment) -> None:
    """Somebody has the ending before their eyes; the first time counts, and only while there is one."""
    with write():
        rows = Experiment.objects.filter(pk=experiment.pk, state="done", ending__isnull=False, ending_seen_at=None)
        rows.update(ending_seen_at=timezone.now())


def describe(at: Access) -> dict[str, Any]:
    """The lesson for one person; commands are for those who look after the experiment."""
    experiment = at.experiment
    is_done = experiment.state == Experiment.State.DONE
    then, now = then_and_now(experiment, str(at.user.pk)) if experiment.has_agent else (None, None)
    found = {
        "state": experiment.shown_state,
        "has_begun": experiment.has_begun,
        "relevances": experiment.relevances,
        "then": then,
        "now": now,
        "ending": _ending(at) if is_done else None,
    }
    return found | {"seen": _mark(experiment)}


def _mark(experiment: Experiment) -> str:
    """Differs where pages have to say something else."""
    return f"{experiment.shown_state}-{int(experiment.has_begun)}-{int(experiment.ending is not None)}"


def _ending(at: Access) -> dict[str, Any]:
    told = at.experiment.ending or {}
    ending = {name: told.get(name) for name in ("step", "labels", "before", "after", "is_true")}
    is_unknown = ending["before"] is None or ending["after"] is None
    if is_unknown and ending["is_true"] is not False:  # where the true one is no measure, nothing is: fits differ
        ending |= _first_and_last_return(at.experiment)
    ending["labels"] = at.experiment.answered if ending["labels"] is None else ending["labels"]
    return ending | {"commands": told.get("commands", []) if at.can_manage else []}


def _first_and_last_return(experiment: Experiment) -> dict[str, Any]:
    """Of the curves: true returns, or else predicted ones; nothing where there are no two points."""
    for name in RETURNS:
        points = MetricPoint.objects.filter(experiment=experiment, name=name).order_by("step")
        first, last = points.first(), points.last()
        if first is not None and last is not None and first.pk != last.pk:
            return {"before": first.value, "after": last.value, "is_true": name == RETURNS[0]}
    return {"before": None, "after": None, "is_true": None}


def then_and_now(experiment: Experiment, user: str) -> tuple[Media | None, Media | None]:
    """An early clip and a recent one of the agent, as far as there are any.

    Early is the first clip that people were asked about: what the agent did before it learned. Recent is the newest
    video of the agent, and where there is none the newest clip of a later step.
    """
    clips = Clip.objects.filter(experiment=experiment, broken=False).select_related("mp4", "webm")
    first = clips.order_by("step", "created_at", "id").first()
    videos = AgentVideo.objects.filter(experiment=experiment).select_related("blob")
    video = videos.order_by("-step").first()
    if first is None:
        early = videos.order_by("step").first()
        is_news = early is not None and video is not None and early.step < video.step
        return _video(early if is_news else None, user), _video(video, user)
    if video is not None and video.step > first.step:
        return clip_urls(first, user), _video(video, user)
    newest = clips.filter(step__gt=first.step).order_by("-step", "-created_at", "id").first()
    return clip_urls(first, user), clip_urls(newest, user) if newest else None


def _video(video: AgentVideo | None, user: str) -> Media | None:
    return {"mp4": blob_url(video.blob, user), "webm": None} if video else None
