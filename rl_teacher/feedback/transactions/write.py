"""The one door to the database for everything that changes it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

_TURN = threading.Lock()


@contextmanager
def write() -> Iterator[None]:
    """Run the block in a transaction of its own: left without an error = committed and on disk.

    In SQLite's TRUNCATE mode writers take turns under a process-wide lock, because SQLite's own back-off is unfair.
    """
    if connection.vendor == "sqlite" and settings.RL_TEACHER.journal_mode != "WAL":
        with _TURN, transaction.atomic(durable=True):
            yield
    else:
        with transaction.atomic(durable=True):
            yield
