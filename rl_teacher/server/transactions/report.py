"""What trainers report while they work: curves, videos of the agent, signs of life."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from rl_teacher.server.models import AgentVideo, Blob, Comparison, Experiment, MetricPoint, Prediction
from rl_teacher.server.models.predictions import pack
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import lesson
from rl_teacher.server.transactions.write import write


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve."""

    name: str
    step: int
    t: float
    value: float


def add_metrics(experiment: Experiment, points: Sequence[Point]) -> int:
    """Store points; one that is there already stays as it is. How many came."""
    rows = [MetricPoint(experiment=experiment, name=p.name, step=p.step, t=p.t, value=p.value) for p in points]
    with write():
        MetricPoint.objects.bulk_create(rows, ignore_conflicts=True, batch_size=100)
        notify_on_commit(experiment.slug)
    return len(rows)


@dataclass(frozen=True, slots=True)
class PredictionReport:
    """What the reward model made of a pair at a step: P(a is preferred), and its reward for each frame."""

    comparison: uuid.UUID
    step: int
    p_left: float
    a: Sequence[float]
    b: Sequence[float]
    a_picture: str | None = None
    """A PNG in base64."""
    b_picture: str | None = None


def add_predictions(experiment: Experiment, rows: Sequence[PredictionReport]) -> int:
    """All of `rows` or none; the first `p_left` of a pair stays, its newest curves win. How many were news."""
    asked, count = {row.comparison for row in rows}, 0
    with write():
        here = set(Comparison.objects.filter(experiment=experiment, pk__in=asked).values_list("pk", flat=True))
        missing = sorted(str(pk) for pk in asked - here)
        if missing:
            raise Problem("blobs-missing", f"predictions: ask comparison {missing[0]} first.", missing=missing)
        known = Prediction.objects.in_bulk(here)
        for row in sorted(rows, key=lambda row: row.step):
            found = known.get(row.comparison)
            if found is not None and found.step >= row.step:
                continue
            found = found or Prediction(comparison_id=row.comparison, p_left=row.p_left, p_step=row.step)
            found.step, found.a, found.b = row.step, pack(row.a), pack(row.b)
            found.a_picture, found.b_picture = row.a_picture or "", row.b_picture or ""
            found.save()
            known[row.comparison] = found
            count += 1
    return count


def add_video(experiment: Experiment, step: int, sha256: str) -> bool:
    """Say what the agent looks like after `step` steps; whether that is news."""
    with write():
        blob = Blob.objects.filter(experiment=experiment, sha256=sha256).first()
        if blob is None:
            raise Problem("blobs-missing", f"video of step {step}: upload {sha256} first.", missing=[sha256])
        if not blob.content_type.startswith("video/"):
            raise Problem("invalid", f"video of step {step}: the blob is {blob.content_type}, expected a video.")
        video, created = AgentVideo.objects.get_or_create(experiment=experiment, step=step, defaults={"blob": blob})
        if video.blob_id != blob.pk:
            raise Problem("body-differs", f"video of step {step}: exists with other content.")
        notify_on_commit(experiment.slug)
    return created


def ask_for_webm(experiment: Experiment) -> None:
    """Somebody cannot play H.264; the trainer learns it with its next heartbeat."""
    with write():
        Experiment.objects.filter(pk=experiment.pk).update(needs_webm=True)


def heartbeat(
    experiment: Experiment,
    state: str,
    step: int | None,
    next_clips_s: float | None,
    training_left_s: float | None = None,
    notice: str | None = None,
) -> Experiment:
    """The trainer lives; whoever waits for clips learns when the next ones come, the owner what went wrong."""
    is_news = notice is not None and notice != experiment.notice
    changed = is_news or (experiment.state, experiment.next_clips_s) != (state, next_clips_s)
    with write():
        if is_news:
            Experiment.objects.filter(pk=experiment.pk).update(notice=notice, notice_at=timezone.now())
        Experiment.objects.filter(pk=experiment.pk).update(
            state=state,
            step=step if step is not None else experiment.step,
            next_clips_s=next_clips_s,
            training_left_s=training_left_s,
            heartbeat_at=timezone.now(),
        )
        if changed:
            notify_on_commit(experiment.slug)
            notify_on_commit(lesson.topic(experiment.slug))
    experiment.refresh_from_db()
    return experiment
