"""Writes the feed: its next line, in the order of commits and without gaps."""

from datetime import datetime

from django.db import connection

from rl_teacher.server.models import Experiment, LabelEvent, Response
from rl_teacher.server.transactions.prepared import PreparedInsert, made_once
from rl_teacher.server.transactions.statements import Place, Statement

_NEXT_SEQ = (
    "UPDATE experiment SET next_seq = next_seq + 1, answered = answered + %s, cant_tell = cant_tell + %s "
    "WHERE id = %s RETURNING next_seq, answered, cant_tell"
)
_AND_EVENT = (
    f"WITH next AS ({_NEXT_SEQ}), event AS (INSERT INTO label_event (experiment_id, seq, kind, response_id, at) "
    "SELECT %s, next_seq, %s, %s, %s FROM next) SELECT next_seq, answered, cant_tell FROM next"
)
"""Both in one statement, which SQLite does not know."""
_EVENT = PreparedInsert(LabelEvent)


def tell(
    experiment: Experiment,
    response: Response,
    kind: str,
    now: datetime,
    came: str | None = None,
    gone: str | None = None,
) -> None:
    """The next line of the feed; the last thing that a transaction does.

    The row lock on the experiment makes the order of `seq` the order of commits. From here to the commit nobody else
    can answer there: hence one statement, and all else before it.
    """
    trains = response.assignment.kind == "normal" and not response.extra
    answered = (_trains(came) - _trains(gone)) if trains else 0
    cant_tell = ((came == "cant_tell") - (gone == "cant_tell")) if trains else 0
    given = [answered, cant_tell, experiment.pk]
    if connection.vendor == "postgresql":
        ((experiment.next_seq, experiment.answered, experiment.cant_tell),) = _in_one().rows_with(
            [*given, experiment.pk, kind, response.pk, now]
        )
        return
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_SEQ, given)
        experiment.next_seq, experiment.answered, experiment.cant_tell = cursor.fetchone()
    _EVENT(LabelEvent(experiment=experiment, seq=experiment.next_seq, kind=kind, response=response, at=now))


def _in_one() -> Statement:
    return made_once("feed", lambda: Statement(_AND_EVENT, [Place(number) for number in range(7)]))


def _trains(said: str | None) -> int:
    return int(said in ("a", "b", "tie"))
