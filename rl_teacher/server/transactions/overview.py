"""Reads how an experiment stands: its queue, its trainer, its people."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from rl_teacher.server.models import Assignment, Comparison, Experiment, Membership
from rl_teacher.server.permissions import Access

TRAINER_SEEN_S = 60


def queue_counts(experiment: Experiment) -> dict[str, int]:
    """Comparisons by state, gold ones apart, and how many are on a screen now.

    `done` are those that somebody answered, whether the answer or the question was taken back later or not.
    """
    rows = Comparison.objects.filter(experiment=experiment)
    states = rows.filter(gold_answer=None).values_list("state").annotate(Count("pk"))
    counts = {"open": 0, "done": 0, "cancelled": 0, "broken": 0} | dict(states)
    said = Assignment.objects.filter(comparison=OuterRef("pk"), kind="normal", responses__isnull=False)
    answered = rows.filter(Exists(said), gold_answer=None)
    counts["done"] = answered.count()
    counts["cancelled"] -= answered.filter(state="cancelled").count()
    counts["gold"] = rows.filter(gold_answer__isnull=False).count()
    counts["leased"] = Assignment.objects.filter(comparison__experiment=experiment, state="leased").count()
    return counts


def labelers_now(experiment: Experiment) -> list[Membership]:
    """Who has a pair on the screen."""
    live = Assignment.objects.filter(
        comparison__experiment=experiment, state="leased", expires_at__gt=timezone.now() - timedelta(seconds=5)
    )
    return list(Membership.objects.filter(pk__in=live.values("labeler")).order_by("pseudonym"))


def heartbeat_age_s(experiment: Experiment) -> float | None:
    """Seconds since the trainer was last heard of."""
    at = experiment.heartbeat_at
    return None if at is None else max(0.0, (timezone.now() - at).total_seconds())


def is_trainer_gone(experiment: Experiment) -> bool:
    """Whether it was here and has not been heard of for a while, without having said that it is done."""
    age = heartbeat_age_s(experiment)
    return age is not None and age >= TRAINER_SEEN_S and experiment.state != Experiment.State.DONE


def next_clips_s(experiment: Experiment) -> float | None:
    """When the trainer expects the next clips, from now."""
    return _from_now(experiment, experiment.next_clips_s)


def training_left_s(experiment: Experiment) -> float | None:
    """When the trainer expects to be done, from now."""
    return _from_now(experiment, experiment.training_left_s)


def _from_now(experiment: Experiment, told_s: float | None) -> float | None:
    return None if told_s is None else max(0.0, told_s - (heartbeat_age_s(experiment) or 0.0))


def awaited(experiment: Experiment, labeler: Membership | None) -> dict[str, Any]:
    """What somebody waits for who has nothing to answer."""
    held = Assignment.objects.filter(comparison__experiment=experiment, state="leased")
    others = held if labeler is None else held.exclude(labeler=labeler)
    return {
        "was_asked": Comparison.objects.filter(experiment=experiment).exists(),
        "held_by_others": not experiment.has_begun and others.exists(),
        "next_clips_s": next_clips_s(experiment),
        "training_left_s": training_left_s(experiment),
        "trainer_gone": is_trainer_gone(experiment),
    }


def describe(at: Access) -> dict[str, Any]:
    """An experiment as its pages show it; labelers do not learn how far the agent is."""
    experiment = at.experiment
    columns = (
        "slug",
        "env_id",
        "task",
        "has_agent",
        "has_pixels",
        "relevances",
        "paused",
        "labels_wanted",
        "answered",
        "cant_tell",
        "overlap",
        "double_rate",
        "gold_rate",
        "repeat_rate",
        "lease_s",
        "min_view_ms",
        "next_clips_s",
        "heartbeat_at",
        "created_at",
    )
    age = heartbeat_age_s(experiment)
    open_pairs = Comparison.objects.filter(experiment=experiment, state="open", open_slots__gt=0).count()
    return {name: experiment.__dict__[name] for name in columns} | {
        "goal": experiment.goal,
        "state": experiment.shown_state,
        "step": experiment.step if at.can_view else None,
        "open_pairs": open_pairs,
        "heartbeat_age_s": age,
        "trainer_seen": age is not None and age < TRAINER_SEEN_S,
        "people_now": len(labelers_now(experiment)),
        "role": at.role,
        "notice": experiment.notice if at.can_manage else "",
        "notice_at": experiment.notice_at,
        "can_label": at.can_label,
        "can_manage": at.can_manage,
        "can_view": at.can_view,
    }
