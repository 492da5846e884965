"""Connections from the pool that the database has not left meanwhile.

Django would send a statement over each before it is used. A restarted database has closed them, and the kernel knows
that: a connection on which something can be read while nobody asked is of no use. That costs a microsecond.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


def is_left(connection: Any) -> bool:
    """Whether the other side closed it, or said something unasked, as a database does that shuts down."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's."""

    def get_new_connection(self, conn_params: Any) -> Any:
        """One from the pool; those that the database left are given back closed, and the pool makes others."""
        found = super().get_new_connection(conn_params)
        while self.pool and is_left(found):
            found.close()
            found._pool.putconn(found)  # as Django's own `_close` does it
            found = super().get_new_connection(conn_params)
        return found
