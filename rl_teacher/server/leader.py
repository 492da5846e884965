"""One process of all that share a database does the chores: the one that holds an advisory lock of PostgreSQL."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from rl_teacher.server import postgres


class Leader(Protocol):
    """Knows whether this process does the chores."""

    def leads(self) -> bool:
        """Whether it does now."""
        ...

    def close(self) -> None:
        """Let another do them."""
        ...


class OnlyOne:
    """For SQLite, where there is no other process."""

    def leads(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing to do."""


class Elected:
    """Holds the lock for as long as its connection lives: the database gives it to another when this process dies."""

    def __init__(self, connect: Callable[[str], Any] = postgres.connect) -> None:
        self._connect = connect
        self._held: Any = None
        """The connection that has the lock; None: another process has it, or the database is away."""

    def leads(self) -> bool:
        """Ask the database, from one thread; after an error, which is raised, another process may do them."""
        if self._held is not None:
            try:
                self._held.execute("SELECT 1")
                return True
            except Exception:
                self.close()
                raise
        own = self._connect("lead")
        try:
            if own.execute("SELECT pg_try_advisory_lock(%s)", [postgres.LEADER]).fetchall()[0][0]:
                self._held = own
        finally:
            if self._held is not own:
                own.close()
        return self._held is not None

    def close(self) -> None:
        """Let another do them."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(Exception):  # a connection that is gone already is as good
                held.close()


def choose() -> Leader:
    """As the database needs it."""
    return Elected() if postgres.is_used() else OnlyOne()
