"""What trainers report while they work: curves, videos of the agent, signs of life."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from rl_teacher.feedback import bell
from rl_teacher.feedback.models import AgentVideo, Blob, Experiment, MetricPoint
from rl_teacher.feedback.problems import Problem
from rl_teacher.feedback.transactions.write import write


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
        bell.ring_on_commit(experiment.slug)
    return len(rows)


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
        bell.ring_on_commit(experiment.slug)
    return created


def heartbeat(experiment: Experiment, state: str, step: int | None, next_clips_s: float | None) -> Experiment:
    """The trainer lives; whoever waits for clips learns when the next ones come."""
    changed = (experiment.state, experiment.next_clips_s) != (state, next_clips_s)
    with write():
        Experiment.objects.filter(pk=experiment.pk).update(
            state=state,
            step=step if step is not None else experiment.step,
            next_clips_s=next_clips_s,
            heartbeat_at=timezone.now(),
        )
        if changed:
            bell.ring_on_commit(experiment.slug)
    experiment.refresh_from_db()
    return experiment
