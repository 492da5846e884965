"""Threads for requests: each request has one for itself, and the next one takes it over with its database connection.

Django makes a new thread for every request and a new connection in it, which took as long as an answer itself.
"""

from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_IDLE = 16
"""Threads that are kept for later requests."""


class Lanes:
    """Runs each request of a Django app in a thread that no other request uses meanwhile."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        lane = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="lane")
        try:
            async with ThreadSensitiveContext(executor=lane):
                await self._app(scope, receive, send)
        finally:
            if len(self._idle) < MOST_IDLE:
                self._idle.append(lane)  # the last one first: its connection knows most of the database
            else:
                lane.shutdown(wait=False)
