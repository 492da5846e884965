"""Makes answers again from lines of an event journal or an export; what is there already stays as it is."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import F

from rl_teacher.errors import ServerFault
from rl_teacher.server.journal import moment
from rl_teacher.server.models import (
    Assignment,
    Clip,
    Comparison,
    Experiment,
    LabelEvent,
    Membership,
    Response,
    Withdrawal,
)
from rl_teacher.server.transactions.upload import NewComparison, store_comparison

_COPIED = (
    "side",
    "swapped",
    "rt_ms",
    "shown_ms",
    "hidden_ms",
    "loops",
    "speed",
    "rendition",
    "strength",
    "extra",
    "body_hash",
)


def restore_lines(experiment: Experiment, lines: Sequence[dict[str, Any]]) -> int:
    """Append the events that the database lacks, within a transaction that runs already; how many.

    Raises:
        ServerFault: a line contradicts the database, or names a comparison that is not there.
    """
    members = {row.pseudonym: row for row in Membership.objects.filter(experiment=experiment)}
    known = set(Comparison.objects.filter(experiment=experiment).values_list("pk", flat=True))
    head = Experiment.objects.values_list("next_seq", flat=True).get(pk=experiment.pk)
    count = 0
    for line in lines:
        if line["seq"] <= head:
            _check_same(experiment, line)
            continue
        if line["seq"] != head + 1:
            raise ServerFault(f"feed of {experiment.slug!r}: line {line['seq']} follows {head}, expected {head + 1}.")
        if uuid.UUID(line["comparison"]) not in known:
            _restore_comparison(experiment, line)
            known.add(uuid.UUID(line["comparison"]))
        if line["labeler"] not in members:
            members[line["labeler"]] = Membership.objects.create(
                experiment=experiment, user=None, role="viewer", pseudonym=line["labeler"]
            )
        _restore(experiment, line, members[line["labeler"]])
        head, count = head + 1, count + 1
    Experiment.objects.filter(pk=experiment.pk).update(next_seq=head)
    recount(experiment)
    return count


def _restore_comparison(experiment: Experiment, line: dict[str, Any]) -> None:
    """People made some comparisons themselves, which no trainer sends again: an answer tells which clips they had."""
    sides = {uuid.UUID(line[side]) for side in ("a", "b")}
    if Clip.objects.filter(experiment=experiment, pk__in=sides).count() < 2:
        raise ServerFault(
            f"feed of {experiment.slug!r}, line {line['seq']}: comparison {line['comparison']} is not here."
        )
    row = NewComparison(uuid.UUID(line["comparison"]), uuid.UUID(line["a"]), uuid.UUID(line["b"]))
    store_comparison(experiment, row, 1)


def _check_same(experiment: Experiment, line: dict[str, Any]) -> None:
    here = LabelEvent.objects.get(experiment=experiment, seq=line["seq"])
    if str(here.response_id) != line["response"] or here.kind != line["kind"]:
        raise ServerFault(
            f"feed of {experiment.slug!r}, seq {line['seq']}: here it is response {here.response_id}, the line says "
            f"{line['response']}. This is another experiment; restore into an empty data folder."
        )


def _restore(experiment: Experiment, line: dict[str, Any], labeler: Membership) -> None:
    if line["kind"] == "withdrawn":
        response = Response.objects.select_related("assignment").filter(pk=line["response"]).first()
        if response is None:
            raise ServerFault(f"feed of {experiment.slug!r}, line {line['seq']}: takes back what was never answered.")
        Withdrawal.objects.create(response=response, by=response.labeler, at=moment(line["at"]))
        Assignment.objects.filter(pk=response.assignment_id, state="answered").update(state="released")
    else:
        assignment, _ = Assignment.objects.get_or_create(
            pk=uuid.UUID(line["assignment"]),
            defaults={
                "comparison_id": uuid.UUID(line["comparison"]),
                "labeler": labeler,
                "tab": uuid.UUID(line["tab"]),
                "slot": line["slot"],
                "kind": line["assignment_kind"],
                "swapped": line["swapped"],
                "state": "expired" if line["extra"] else "answered",
                "leased_at": moment(line["leased_at"]),
                "expires_at": moment(line["expires_at"]),
                "guideline_version": line["guideline_version"],
            },
        )
        response = Response(
            id=uuid.UUID(line["response"]),
            assignment=assignment,
            labeler=labeler,
            preferred=line["said"],
            pressed_at=moment(line["pressed_at"]) if line["pressed_at"] else None,
            answered_at=moment(line["answered_at"]),
            supersedes_id=uuid.UUID(line["supersedes"]) if line["supersedes"] else None,
            **{name: line[name] for name in _COPIED},
        )
        response.save(force_insert=True)
    LabelEvent.objects.create(
        experiment=experiment, seq=line["seq"], kind=line["kind"], response=response, at=moment(line["at"])
    )


def recount(experiment: Experiment) -> None:
    """Make every counter say again what the rows say."""
    standing = Response.objects.filter(
        assignment__comparison__experiment=experiment, superseded_by=None, withdrawal=None
    )
    training = standing.filter(assignment__kind="normal", extra=False)
    unsure = training.filter(preferred="cant_tell").count()
    Experiment.objects.filter(pk=experiment.pk).update(answered=training.count() - unsure, cant_tell=unsure)
    for member in Membership.objects.filter(experiment=experiment):
        Membership.objects.filter(pk=member.pk).update(answers=standing.filter(labeler=member).count())
    for row in Comparison.objects.filter(experiment=experiment).prefetch_related("assignments"):
        normal = [a.state for a in row.assignments.all() if a.kind == "normal" and a.state in Assignment.LIVE]
        done = normal.count("answered")
        state = row.state
        if state in ("open", "done") and not row.is_gold:
            state = "done" if done >= row.wanted else "open"
        Comparison.objects.filter(pk=row.pk).update(done=done, state=state, open_slots=F("wanted") - len(normal))
