"""What trainers call, with a bearer token."""

import re
import uuid
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Body, Router, Status
from pydantic import Field

from rl_teacher.server.api import bodies
from rl_teacher.server.api.auth import read_dataset, trainer, write_dataset, write_metrics
from rl_teacher.server.media import blob_url
from rl_teacher.server.models import Blob, Clip, Comparison, Experiment
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import access as door
from rl_teacher.server.transactions import guests, lesson, report, upload
from rl_teacher.server.transactions.feed import wait_for_feed

router = Router(auth=write_dataset)
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COLUMNS = ("fps", "n_frames", "hold_frames", "width", "height", "step", "seed", "ret", "meta", "id", "broken")
_RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("video/mp4", "video/webm", "application/x-npz")
        },
    }
}


def _described(experiment: Experiment) -> dict[str, Any]:
    return {
        "slug": experiment.slug,
        "env_id": experiment.env_id,
        "config": experiment.config,
        "config_hash": experiment.config_hash,
        "state": experiment.shown_state,
        "paused": experiment.paused,
        "labels_wanted": experiment.labels_wanted,
        "answered": experiment.answered,
        "cant_tell": experiment.cant_tell,
        "head": experiment.next_seq,
    }


@router.put("/experiments/{slug}", response={200: bodies.ExperimentOut, 201: bodies.ExperimentOut})
def put_experiment(request: HttpRequest, slug: str, body: bodies.ExperimentIn) -> Status:
    """Make an experiment (201) or resume it (200); 409 names the configuration keys that differ."""
    if not SLUG.fullmatch(slug):
        raise Problem(
            "invalid", f"name {slug[:100]!r}: expected up to 100 letters, digits, `.`, `_`, `-`, no sign first."
        )
    trainer(request).may_use(slug)
    experiment, created = upload.ensure_experiment(slug, body.model_dump())
    return Status(201 if created else 200, _described(experiment))


@router.get("/experiments/{slug}", response=bodies.ExperimentOut, auth=read_dataset)
def get_experiment(request: HttpRequest, slug: str) -> dict[str, Any]:
    """How it stands."""
    return _described(trainer(request).experiment(slug))


@router.api_operation(["HEAD"], "/experiments/{slug}/blobs/{sha256}", response={200: None})
def head_blob(request: HttpRequest, slug: str, sha256: str) -> HttpResponse:
    """200 if the experiment has these bytes, else 404: an upload is needed."""
    return HttpResponse(status=200, headers={"Content-Length": str(_blob(request, slug, sha256).size)})


@router.put(
    "/experiments/{slug}/blobs/{sha256}", response={200: bodies.Done, 201: bodies.Done}, openapi_extra=_RAW_BODY
)
def put_blob(request: HttpRequest, slug: str, sha256: str) -> Status:
    """Upload raw bytes: an mp4 or webm of up to 8 MiB, an npz of up to 32 MiB."""
    experiment = trainer(request).experiment(slug)
    kind = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    created = upload.put_blob(settings.DATA, experiment, sha256, kind, request.read)
    return Status(201 if created else 200, {})


@router.get("/experiments/{slug}/blobs/{sha256}", auth=read_dataset, response={307: None})
def get_blob(request: HttpRequest, slug: str, sha256: str) -> HttpResponse:
    """Redirects to where the bytes are, for some hours."""
    url = blob_url(_blob(request, slug, sha256), f"t{trainer(request).token.pk}")
    return HttpResponse(status=307, headers={"Location": url, "Cache-Control": "no-store"})


def _blob(request: HttpRequest, slug: str, sha256: str) -> Blob:
    experiment = trainer(request).experiment(slug)
    found = Blob.objects.filter(experiment=experiment, sha256=sha256).first()
    if found is None:
        raise Problem("not-found", f"blob {sha256[:80]!r}: not in {slug!r}.")
    return found


@router.put("/experiments/{slug}/clips/{uuid:clip_id}", response={200: bodies.ClipOut, 201: bodies.ClipOut})
def put_clip(request: HttpRequest, slug: str, clip_id: uuid.UUID, body: bodies.ClipIn) -> Status:
    """Make a clip of uploaded blobs; 409 `blobs-missing` names those that are not here."""
    clip, created = upload.put_clip(trainer(request).experiment(slug), clip_id, body.model_dump())
    return Status(201 if created else 200, _clip(clip))


@router.get("/experiments/{slug}/clips", response=bodies.ClipPage, auth=read_dataset)
def get_clips(
    request: HttpRequest, slug: str, after: uuid.UUID | None = None, limit: Annotated[int, Field(ge=1, le=1000)] = 500
) -> dict[str, Any]:
    """All clips, by id."""
    rows = Clip.objects.filter(experiment=trainer(request).experiment(slug)).select_related("mp4", "webm", "arrays")
    if after is not None:
        rows = rows.filter(id__gt=after)
    found = list(rows.order_by("id")[:limit])
    return {"clips": [_clip(clip) for clip in found], "next": found[-1].id if len(found) == limit else None}


def _clip(clip: Clip) -> dict[str, Any]:
    hashes = {"mp4": clip.mp4.sha256, "webm": clip.webm.sha256 if clip.webm else None, "arrays": clip.arrays.sha256}
    return hashes | {name: clip.__dict__[name] for name in _COLUMNS}


@router.post("/experiments/{slug}/comparisons", response={200: bodies.Results, 201: bodies.Results})
def post_comparisons(
    request: HttpRequest, slug: str, body: Annotated[list[bodies.ComparisonIn], Body(..., min_length=1, max_length=256)]
) -> Status:
    """Ask people: all of the list or none of it; the clips must be here."""
    rows = [upload.NewComparison(**row.model_dump()) for row in body]
    results = upload.create_comparisons(trainer(request).experiment(slug), rows)
    return Status(201 if "created" in results.values() else 200, {"results": results})


@router.get("/experiments/{slug}/comparisons", response=bodies.ComparisonPage, auth=read_dataset)
def get_comparisons(
    request: HttpRequest,
    slug: str,
    state: str = "",
    after: uuid.UUID | None = None,
    limit: Annotated[int, Field(ge=1, le=1000)] = 500,
) -> dict[str, Any]:
    """All comparisons, by id, or those of one state."""
    rows = Comparison.objects.filter(experiment=trainer(request).experiment(slug))
    if state:
        rows = rows.filter(state=state.replace("\x00", ""))
    if after is not None:
        rows = rows.filter(id__gt=after)
    found = list(rows.order_by("id")[:limit])
    return {"comparisons": [_comparison(row) for row in found], "next": found[-1].id if len(found) == limit else None}


@router.patch("/experiments/{slug}/comparisons/{uuid:comparison_id}", response=bodies.ComparisonOut)
def patch_comparison(
    request: HttpRequest, slug: str, comparison_id: uuid.UUID, body: bodies.PriorityIn
) -> dict[str, Any]:
    """Make it more or less urgent."""
    return _comparison(upload.set_priority(trainer(request).experiment(slug), comparison_id, body.priority))


@router.post("/experiments/{slug}/comparisons:cancel", response=bodies.IdsOut)
def cancel_comparisons(request: HttpRequest, slug: str, body: bodies.IdsIn) -> dict[str, Any]:
    """Ask nobody else; whoever looks at one may still answer."""
    return {"ids": upload.cancel(trainer(request).experiment(slug), body.ids)}


def _comparison(row: Comparison) -> dict[str, Any]:
    return {
        "id": row.id,
        "a": row.a_id,
        "b": row.b_id,
        "priority": row.priority,
        "state": row.state,
        "wanted": row.wanted,
        "done": row.done,
        "gold_answer": row.gold_answer,
        "note": row.note,
        "created_at": row.created_at,
    }


@router.get("/experiments/{slug}/labels", response=bodies.Feed, auth=read_dataset)
async def get_labels(
    request: HttpRequest,
    slug: str,
    after: Annotated[int, Field(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Field(ge=1, le=1000)] = 500,
    wait: Annotated[float, Field(ge=0, le=30)] = 0,
) -> dict[str, Any]:
    """Answers in order, without gaps; waits up to `wait` seconds for the next. Reading clears nothing."""
    experiment = await sync_to_async(trainer(request).experiment)(slug)
    return await wait_for_feed(experiment, after, limit, wait)


@router.post("/experiments/{slug}/metrics", response=bodies.Count, auth=write_metrics)
def post_metrics(
    request: HttpRequest, slug: str, body: Annotated[list[bodies.MetricIn], Body(..., max_length=2000)]
) -> dict[str, Any]:
    """Points of curves; a point that is there already stays."""
    points = [report.Point(**row.model_dump()) for row in body]
    return {"count": report.add_metrics(trainer(request).experiment(slug), points)}


@router.post("/experiments/{slug}/predictions", response=bodies.Count, auth=write_metrics)
def post_predictions(
    request: HttpRequest, slug: str, body: Annotated[list[bodies.PredictionIn], Body(..., min_length=1, max_length=64)]
) -> dict[str, Any]:
    """What the reward model made of pairs: the first `p_left` stays, curves of a newer step replace older ones."""
    rows = [report.PredictionReport(**row.model_dump()) for row in body]
    return {"count": report.add_predictions(trainer(request).experiment(slug), rows)}


@router.post("/experiments/{slug}/videos", response={200: bodies.Done, 201: bodies.Done}, auth=write_metrics)
def post_video(request: HttpRequest, slug: str, body: bodies.VideoIn) -> Status:
    """An uploaded video of the agent after `step` steps."""
    created = report.add_video(trainer(request).experiment(slug), body.step, body.blob)
    return Status(201 if created else 200, {})


@router.post("/experiments/{slug}/invites", response=bodies.InviteOut)
def post_invite(request: HttpRequest, slug: str) -> dict[str, Any]:
    """A link for guests, to be shown to the owner in the terminal; for the trainer of the server's own machine only."""
    at = trainer(request)
    if not at.token.loopback_only:
        raise Problem("scope", "only the trainer on the server's own machine invites. Owners do under People.")
    experiment, address = at.experiment(slug), settings.RL_TEACHER.share_url
    terms = {"days": guests.DAYS, "uses": guests.USES}
    if not address:
        return terms | {"url": None}
    code = door.make_invite(experiment, "labeler", door.local_owner(), **terms, for_guests=True)
    return terms | {"url": f"{address}/join/{code}"}


@router.put("/experiments/{slug}/heartbeat", response=bodies.HeartbeatOut, auth=write_metrics)
def put_heartbeat(request: HttpRequest, slug: str, body: bodies.HeartbeatIn) -> dict[str, Any]:
    """The trainer lives."""
    experiment = report.heartbeat(trainer(request).experiment(slug), **body.model_dump())
    told = {"paused": experiment.paused, "needs_webm": experiment.needs_webm, "target_rate": None}
    return told | {"ending_seen": experiment.ending_seen_at is not None}


@router.put("/experiments/{slug}/lesson", response=bodies.Done, auth=write_metrics)
def put_lesson(request: HttpRequest, slug: str, body: bodies.LessonIn) -> dict[str, Any]:
    """How far the lesson is, and at its end how it ended."""
    lesson.tell(trainer(request).experiment(slug), body.model_dump())
    return {}
