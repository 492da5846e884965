"""A connection that the database left is noticed without a word to it."""

import socket
from dataclasses import dataclass
from types import SimpleNamespace

from rl_teacher.server.lively_postgres.base import is_left


@dataclass
class Line:
    """As psycopg's connection, of which only the socket counts."""

    end: socket.socket
    closed: bool = False

    @property
    def pgconn(self) -> SimpleNamespace:
        return SimpleNamespace(socket=self.end.fileno())


def test_it_is_left_when_the_other_side_closed_it_or_spoke_unasked_and_not_while_it_is_quiet():
    here, there = socket.socketpair()
    with here, there:
        assert not is_left(Line(here))
        assert is_left(Line(here, closed=True))
        there.send(b"FATAL: terminating connection")
        assert is_left(Line(here))
    here, there = socket.socketpair()
    with here:
        there.close()
        assert is_left(Line(here))
