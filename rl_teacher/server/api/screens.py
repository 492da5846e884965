"""What a labeler's screen gets: sides, never `swapped`, never what is known about a pair."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from rl_teacher.server.media import clip_urls
from rl_teacher.server.models import Assignment, Clip, Experiment, Membership
from rl_teacher.server.transactions.answer import num_given
from rl_teacher.server.transactions.claim import num_open


def sides(assignment: Assignment) -> dict[str, Any]:
    """Left and right clip with what a player must know."""
    comparison, user = assignment.comparison, str(assignment.labeler.user_id)
    left, right = (comparison.b, comparison.a) if assignment.swapped else (comparison.a, comparison.b)
    return {
        "left": clip_urls(left, user),
        "right": clip_urls(right, user),
        "fps": left.fps,
        "n_frames": {"left": left.n_frames, "right": right.n_frames},
        "hold_frames": {"left": left.hold_frames, "right": right.hold_frames},
        "end_frames": {"left": _end_frames(left), "right": _end_frames(right)},
        "size": [left.width, left.height],
    }


def _end_frames(clip: Clip) -> int | None:
    """After how many frames the episode ends, as the picture itself says; None if it does not, or nobody told us."""
    end = clip.meta.get("end") if isinstance(clip.meta, dict) else None
    return end if isinstance(end, int) and not isinstance(end, bool) and 0 < end <= clip.n_frames else None


def assignment_json(assignment: Assignment, experiment: Experiment) -> dict[str, Any]:
    """A pair to judge."""
    return sides(assignment) | {
        "assignment": str(assignment.id),
        "lease_until": assignment.expires_at.isoformat(),
        "guideline_version": assignment.guideline_version,
        "min_view_ms": experiment.min_view_ms,
    }


def held_until(experiment: Experiment) -> str:
    """When leases that have just been renewed are over, at the latest: a release that says so is not outdated."""
    return (timezone.now() + timedelta(seconds=experiment.lease_s)).isoformat()


def progress_json(experiment: Experiment, labeler: Membership | None) -> dict[str, Any]:
    """How far the experiment is; both rows must be fresh."""
    return {
        "answered": experiment.answered,
        "cant_tell": experiment.cant_tell,
        "labels_wanted": experiment.goal,
        "mine": num_given(labeler) if labeler else 0,
        "open": num_open(experiment),
        "has_begun": experiment.has_begun or not experiment.first_labels,
    }
