"""What the database could not do just now, and the caller may try again."""

import errno
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse

from rl_teacher.server.problems import Problem, answer

_SQLITE_BUSY, _SQLITE_IOERR, _SQLITE_FULL = 5, 10, 13
_PASSING = ("08", "57P", "53", "40")
"""Classes of SQLSTATE that pass: connection lost, shutting down or starting, too many connections, deadlock."""


def problem_of(error: Exception) -> Problem | None:
    """`disk-full` or `busy`, if it is that."""
    cause, text = error.__cause__, str(error).lower()
    code, state = getattr(cause, "sqlite_errorcode", 0) & 0xFF, getattr(cause, "sqlstate", None)
    is_full = state == "53100" or getattr(cause, "errno", 0) == errno.ENOSPC
    if is_full or code == _SQLITE_FULL or "disk is full" in text:
        return Problem("disk-full", "the server's disk is full, nothing was stored. Keep it; free some space there.")
    if isinstance(error, OperationalError) and code in (_SQLITE_BUSY, _SQLITE_IOERR):
        return Problem("busy", f"the database could not take it just now ({error}). Try again.")
    is_passing = state is None or state.startswith(_PASSING)  # None: there was nobody to name one
    if connection.vendor == "postgresql" and isinstance(error, OperationalError | InterfaceError) and is_passing:
        return Problem("busy", "the database is away or busy just now, nothing was stored. Try again.")
    return None


class DatabaseMiddleware:
    """Answers `busy` where PostgreSQL is away for a moment, also to whoever only reads."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Nothing before the view, nothing after it."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """An error that a view did not expect."""
        if connection.vendor != "postgresql" or not isinstance(exception, DatabaseError | InterfaceError):
            return None
        problem = problem_of(exception)
        return None if problem is None else answer(request, problem)
