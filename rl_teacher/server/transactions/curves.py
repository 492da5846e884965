"""Reads the curves of an experiment: what its trainer pushed, and the labels counted here."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from rl_teacher.server.models import Experiment, LabelEvent, MetricPoint

MAX_POINTS = 50_000
LABELS = "labels"
_COUNTS = {"answered": 1, "withdrawn": -1, "revised": 0}


def metric_names(experiment: Experiment) -> list[str]:
    """All curves there are."""
    names = MetricPoint.objects.filter(experiment=experiment).values_list("name", flat=True).distinct()
    return sorted({LABELS, *names})


def series(experiment: Experiment, names: Collection[str] | None, since: int) -> dict[str, Any]:
    """Points after the cursor `since`, by curve; the labels always whole, they are few."""
    rows = MetricPoint.objects.filter(experiment=experiment, id__gt=since)
    if names:
        rows = rows.filter(name__in=list(names))
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: {"step": [], "t": [], "value": []})
    cursor = since
    for pk, name, step, t, value in rows.order_by("id").values_list("id", "name", "step", "t", "value")[:MAX_POINTS]:
        cursor = pk
        for column, number in zip(("step", "t", "value"), (step, t, value), strict=True):
            found[name][column].append(number)
    if not names or LABELS in names:
        found[LABELS] = labels_curve(experiment)
    return {"cursor": cursor, "series": dict(found)}


def labels_curve(experiment: Experiment, max_points: int = 500) -> dict[str, list[float]]:
    """Answers given so far, over time; `step` counts events."""
    count, points = 0, []
    events = LabelEvent.objects.filter(experiment=experiment).order_by("seq").values_list("seq", "kind", "at")
    for seq, kind, at in events:
        count += _COUNTS[kind]
        points.append((seq, at.timestamp(), count))
    stride = max(1, -(-len(points) // max_points))
    kept = points[stride - 1 :: stride] + (points[-1:] if points and len(points) % stride else [])
    return {"step": [p[0] for p in kept], "t": [p[1] for p in kept], "value": [float(p[2]) for p in kept]}


def shape(experiment: Experiment, points: int = 30) -> list[float]:
    """How the return went, from 0 (its lowest) to 1, thinned out; the predicted one where there is no true one."""
    rows = MetricPoint.objects.filter(experiment=experiment)
    for name in ("true_return", "predicted_return"):
        values = list(rows.filter(name=name).order_by("step").values_list("value", flat=True)[:MAX_POINTS])
        if len(values) > 1:
            size = -(-len(values) // points)
            means = [sum(part) / len(part) for part in (values[i : i + size] for i in range(0, len(values), size))]
            low, height = min(means), max(means) - min(means) or 1.0
            return [round((value - low) / height, 3) for value in means]
    return []


def sparks(experiment: Experiment, names: Collection[str], points: int = 40) -> dict[str, list[tuple[int, float]]]:
    """The newest points of some curves, for a card."""
    found = {}
    for name in names:
        rows = MetricPoint.objects.filter(experiment=experiment, name=name).order_by("-step")
        if newest := list(rows.values_list("step", "value")[:points]):
            found[name] = newest[::-1]
    return found
