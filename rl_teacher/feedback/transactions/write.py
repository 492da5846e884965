"""The one door to the database for everything that changes it."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from rl_teacher.feedback.problems import Problem

_TURN = threading.Lock()
_SQLITE_BUSY, _SQLITE_IOERR, _SQLITE_FULL = 5, 10, 13


@contextmanager
def write() -> Iterator[None]:
    """Run the block in a transaction of its own: left without an error = committed and on disk.

    In SQLite's TRUNCATE mode writers take turns under a process-wide lock, because SQLite's own back-off is unfair.

    Raises:
        Problem: `disk-full` or `busy`; nothing of the block was stored, and the same call may work later.
    """
    try:
        with _transaction():
            yield
    except DatabaseError as error:
        if (problem := _later(error)) is None:
            raise
        raise problem from error


def _later(error: DatabaseError) -> Problem | None:
    """What the caller may try again, if it is that."""
    cause, text = error.__cause__, str(error).lower()
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    is_full = getattr(cause, "sqlstate", "") == "53100" or getattr(cause, "errno", 0) == errno.ENOSPC
    if is_full or code == _SQLITE_FULL or "disk is full" in text:
        return Problem(
            "disk-full", "the server's disk is full, nothing was stored. Keep it, and free some space there."
        )
    if isinstance(error, OperationalError) and code in (_SQLITE_BUSY, _SQLITE_IOERR):
        return Problem("busy", f"the database could not take it just now ({error}). Try again.")
    return None


@contextmanager
def _transaction() -> Iterator[None]:
    if connection.vendor == "sqlite" and settings.RL_TEACHER.journal_mode != "WAL":
        with _TURN, transaction.atomic(durable=True):
            yield
    else:
        with transaction.atomic(durable=True):
            yield
