"""The end of a lesson: the server that was started for it stays until somebody has seen how it ended."""

import time
from collections.abc import Callable

from rl_teacher.errors import ServerFault
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.connection import Connection

LOOK_S = 0.5
"""Time between two questions whether somebody has seen it [s]."""
OTHERS_S = 5.0
"""How long the server stays after the first has seen it, for the other pages that are open [s]."""


def stay_until_seen(
    connection: Connection, step: int, should_stop: Callable[[], bool], log: Callable[[str], None]
) -> None:
    """Say where the ending is, and wait there, if the server would stop with us and knows who has seen what.

    Args:
        connection: of the run, which is over and has said so.
        step: environment steps of training.
        should_stop: somebody has pressed Ctrl-C.
        log: gets a line for people.
    """
    server = connection.server
    if server is None or server.process is None or server.keep:
        log(f"The page that you labeled on shows how it ended: {connection.label_link}")
        return
    has_said, seen_at = False, None
    with FeedbackClient(server.url, server.token, connection.client.experiment) as client:
        while not should_stop():
            try:
                is_seen = client.heartbeat("done", step).ending_seen
            except ServerFault as fault:
                log(f"The ending is on the server's disk, and the server has gone: {fault}")
                return
            if is_seen is None:
                return
            if is_seen and seen_at is None:
                seen_at = time.monotonic()
            if seen_at is not None and time.monotonic() - seen_at >= OTHERS_S:
                return
            if not has_said and not is_seen:
                has_said = True
                log(
                    f"The page that you labeled on shows how it ended: {connection.label_link} The server stays until "
                    "somebody has seen it; Ctrl-C stops it now. (`rl-teacher login-url` prints a link to sign in.)"
                )
            time.sleep(LOOK_S)
