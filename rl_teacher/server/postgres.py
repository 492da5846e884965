"""PostgreSQL beside Django: connections of our own, and locks that one process of all holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    import psycopg

START, LEADER, SWEEP = 5_708_001, 5_708_002, 5_708_003
"""Advisory locks by their number, in this database: who brings it up to date, who does chores, who deletes bytes."""
# A machine that loses power says no goodbye: the database notices after a minute, not after two hours.
_LIVELY = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
CONNECT_S = 10


def is_used() -> bool:
    """Whether the server's database is PostgreSQL, which several processes may share."""
    return bool(connection.vendor == "postgresql")


def connect(purpose: str) -> "psycopg.Connection[Any]":
    """A connection of one's own, beside the pool; each statement is a transaction. A lock or LISTEN ends with it.

    Args:
        purpose: for whoever looks at the database's list of connections.
    """
    import psycopg

    given = settings.DATABASES["default"]
    parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    with connection.wrap_database_errors:
        return psycopg.connect(
            autocommit=True,
            connect_timeout=CONNECT_S,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            options=_LIVELY,
            application_name=f"rl-teacher {purpose}",
            **{name: given[key] for name, key in parts.items() if given[key]},
        )


@contextmanager
def alone(lock: int, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Run the block while no other process of this database runs one with the same lock.

    Args:
        lock: its number.
        on_wait: called before waiting for another that has it.
    """
    with connect("lock") as own:
        if not own.execute("SELECT pg_try_advisory_lock(%s)", [lock]).fetchall()[0][0]:
            on_wait()
            own.execute("SELECT pg_advisory_lock(%s)", [lock])
        yield
