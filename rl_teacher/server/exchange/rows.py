"""An experiment as rows of plain values: what is in an export, spelled one way."""

from dataclasses import dataclass
from typing import Any

from rl_teacher.server.journal import journal_line
from rl_teacher.server.models import (
    AgentVideo,
    Assignment,
    Clip,
    Comparison,
    Experiment,
    Flag,
    Guideline,
    LabelEvent,
    Membership,
    MetricPoint,
    Prediction,
)
from rl_teacher.server.models.predictions import unpack

SCHEMA = 1
SETTINGS = (
    "slug",
    "env_id",
    "config",
    "config_hash",
    "state",
    "paused",
    "task",
    "task_told",
    "asks_task",
    "has_agent",
    "has_pixels",
    "labels_wanted",
    "overlap",
    "double_rate",
    "gold_rate",
    "repeat_rate",
    "lease_s",
    "min_view_ms",
    "step",
    "first_labels",
    "label_budget",
    "has_begun",
    "relevances",
    "ending",
)
CLIP = ("fps", "n_frames", "hold_frames", "width", "height", "step", "seed", "ret", "meta", "broken", "body_hash")
COMPARISON = ("priority", "state", "wanted", "gold_answer", "note", "body_hash")
PREDICTION = ("p_left", "p_step", "step")
PREDICTION_PICTURES = ("a_picture", "b_picture")
"""Left out where there are none, as exports before 0.2.0 have none."""
ASSIGNMENT = ("slot", "kind", "swapped", "state", "guideline_version")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """One moment of an experiment."""

    experiment: Row
    members: list[Row]
    guidelines: list[Row]
    clips: list[Row]
    comparisons: list[Row]
    assignments: list[Row]
    labels: list[Row]
    flags: list[Row]
    videos: list[Row]
    predictions: list[Row]


def read_rows(experiment: Experiment) -> Rows:
    """Everything but the curves, all of one moment when called inside `write()`."""
    experiment = Experiment.objects.get(pk=experiment.pk)
    settings = {name: experiment.__dict__[name] for name in SETTINGS}
    members = Membership.objects.filter(experiment=experiment).order_by("pseudonym")
    events = LabelEvent.objects.filter(experiment=experiment).order_by("seq")
    return Rows(
        experiment=settings | {"created_at": experiment.created_at.isoformat()},
        members=[{"pseudonym": m.pseudonym, "role": m.role, "joined_at": m.joined_at.isoformat()} for m in members],
        guidelines=[
            {"version": row.version, "markdown": row.markdown, "at": row.at.isoformat()}
            for row in Guideline.objects.filter(experiment=experiment).order_by("version")
        ],
        clips=_clips(experiment),
        comparisons=[
            {"id": str(row.id), "a": str(row.a_id), "b": str(row.b_id), "created_at": row.created_at.isoformat()}
            | {name: row.__dict__[name] for name in COMPARISON}
            for row in Comparison.objects.filter(experiment=experiment).order_by("id")
        ],
        assignments=_assignments(experiment),
        labels=[
            journal_line(row) for row in events.select_related("response__assignment__comparison", "response__labeler")
        ],
        flags=[
            {
                "assignment": str(row.assignment_id),
                "reason": row.reason,
                "is_media_error": row.is_media_error,
                "at": row.at.isoformat(),
            }
            for row in Flag.objects.filter(assignment__comparison__experiment=experiment).order_by("at", "pk")
        ],
        videos=[
            {"step": row.step, "sha256": row.blob.sha256, "content_type": row.blob.content_type}
            for row in AgentVideo.objects.filter(experiment=experiment).select_related("blob").order_by("step")
        ],
        predictions=[
            {"comparison": str(row.comparison_id), "a": unpack(row.a), "b": unpack(row.b)}
            | {name: row.__dict__[name] for name in PREDICTION}
            | {name: row.__dict__[name] for name in PREDICTION_PICTURES if row.__dict__[name]}
            for row in Prediction.objects.filter(comparison__experiment=experiment).order_by("comparison")
        ],
    )


def _clips(experiment: Experiment) -> list[Row]:
    rows = Clip.objects.filter(experiment=experiment).select_related("mp4", "webm", "arrays").order_by("id")
    return [
        {
            "id": str(row.id),
            "mp4": row.mp4.sha256,
            "webm": row.webm.sha256 if row.webm else None,
            "arrays": row.arrays.sha256,
            "created_at": row.created_at.isoformat(),
        }
        | {name: row.__dict__[name] for name in CLIP}
        for row in rows
    ]


def _assignments(experiment: Experiment) -> list[Row]:
    """Those that were answered or flagged; leases that ended without a trace stay out."""
    told = Assignment.objects.filter(comparison__experiment=experiment)
    rows = (told.filter(responses__isnull=False) | told.filter(flag__isnull=False)).distinct()
    return [
        {
            "id": str(row.id),
            "comparison": str(row.comparison_id),
            "labeler": row.labeler.pseudonym,
            "tab": str(row.tab),
            "leased_at": row.leased_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
        }
        | {name: row.__dict__[name] for name in ASSIGNMENT}
        for row in rows.select_related("labeler").order_by("id")
    ]


def metric_rows(experiment: Experiment) -> list[Row]:
    """The curves."""
    rows = MetricPoint.objects.filter(experiment=experiment).order_by("name", "step")
    return [
        dict(zip(("name", "step", "t", "value"), row, strict=True))
        for row in rows.values_list("name", "step", "t", "value")
    ]
