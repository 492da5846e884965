"""Reads the feed of answers: ordered, without gaps, and reading it clears nothing."""

import asyncio
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from rl_teacher.server import notify
from rl_teacher.server.models import Experiment, LabelEvent

TARGETS = {"a": 1.0, "b": 0.0, "tie": 0.5, "cant_tell": None}
"""P(a better than b) that the loss sees."""
LOOK_EVERY_S = 5.0


def events_after(experiment: Experiment, after: int, limit: int) -> list[LabelEvent]:
    """The next events, oldest first."""
    rows = LabelEvent.objects.filter(experiment=experiment, seq__gt=after).order_by("seq")
    return list(rows.select_related("response__assignment__comparison", "response__labeler")[:limit])


def event_json(event: LabelEvent) -> dict[str, Any]:
    """An event as trainers see it; a withdrawn one says nothing."""
    response, assignment = event.response, event.response.assignment
    said = None if event.kind == "withdrawn" else response.preferred
    return {
        "seq": event.seq,
        "kind": event.kind,
        "response": str(response.id),
        "assignment": str(assignment.id),
        "comparison": str(assignment.comparison_id),
        "a": str(assignment.comparison.a_id),
        "b": str(assignment.comparison.b_id),
        "preferred": said,
        "target": TARGETS[said] if said is not None else None,
        "assignment_kind": assignment.kind,
        "extra": response.extra,
        "labeler": response.labeler.pseudonym,
        "rt_ms": response.rt_ms,
        "guideline_version": assignment.guideline_version,
        "at": event.at.isoformat(),
        "strength": response.strength,
    }


def feed(experiment_id: int, after: int, limit: int) -> dict[str, Any]:
    """One look: events after the cursor, and the newest seq."""
    experiment = Experiment.objects.get(pk=experiment_id)
    events = [event_json(event) for event in events_after(experiment, after, limit)]
    return {"events": events, "head": experiment.next_seq}


async def wait_for_feed(experiment: Experiment, after: int, limit: int, wait: float) -> dict[str, Any]:
    """The feed as soon as it has something after the cursor, else empty after `wait` seconds."""

    def look() -> dict[str, Any]:
        try:
            return feed(experiment.pk, after, limit)
        finally:
            connections.close_all()

    deadline = asyncio.get_running_loop().time() + wait
    with notify.subscribed(experiment.slug) as event:
        while True:
            event.clear()
            found = await sync_to_async(look)()
            left = deadline - asyncio.get_running_loop().time()
            if found["events"] or left <= 0 or notify.is_closing():
                return found
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), min(left, LOOK_EVERY_S))
