"""The door to the database for everything that changes it: alone, or together with others who wait."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from rl_teacher.server.database_errors import problem_of
from rl_teacher.server.problems import Problem

MOST_TOGETHER = 32
"""Pieces of work in one transaction; more would make the first of them wait long."""
T = TypeVar("T")
_TURN = threading.Lock()
_WAITING: "deque[_Work]" = deque()


@contextmanager
def write() -> Iterator[None]:
    """Run the block in a transaction of its own: left without an error = committed and on disk.

    In SQLite's TRUNCATE mode writers take turns under a process-wide lock, because SQLite's own back-off is unfair.

    Raises:
        Problem: `disk-full` or `busy`; nothing of the block was stored, and the same call may work later.
    """
    try:
        if connection.vendor == "sqlite" and settings.RL_TEACHER.journal_mode != "WAL":
            with _TURN, transaction.atomic(durable=True):
                yield
        else:
            with transaction.atomic(durable=True):
                yield
    except DatabaseError as error:
        if (problem := problem_of(error)) is None:
            raise
        raise problem from error


def write_together(work: Callable[[], T]) -> T:
    """Run `work` in a transaction that others who wait now may share: returned = committed and on disk.

    SQLite syncs once per transaction, and that is what costs the time. Whoever gets the turn does the work of all who
    wait, each behind a savepoint, and commits once; the others find theirs done. An error of one is its own; an error
    of the database is everybody's, and then nothing of them was stored.
    """
    if connection.vendor != "sqlite":
        with write():
            return work()
    mine = _Work(work)
    _WAITING.append(mine)
    with _TURN:
        while not mine.is_done:
            _do_together([_WAITING.popleft() for _ in range(min(len(_WAITING), MOST_TOGETHER))])
    if mine.error is not None:
        raise mine.error
    return mine.result


class _Work:
    """Something to write, and how it went."""

    def __init__(self, do: Callable[[], object]) -> None:
        self.do, self.is_done = do, False
        self.result: Any = None
        self.error: Exception | None = None


def _do_together(works: list[_Work]) -> None:
    failure: Exception | None = Problem("busy", "the server stopped before this was stored. Try again.")
    try:
        with transaction.atomic(durable=True):
            for work in works:
                try:
                    with transaction.atomic():
                        work.result = work.do()
                except Exception as error:
                    if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError):
                        raise  # SQLite may have undone the whole transaction
                    work.error = error
        failure = None  # only now it is on disk
    except DatabaseError as error:
        failure = problem_of(error) or error
    finally:
        for work in works:
            work.error, work.is_done = failure or work.error, True
