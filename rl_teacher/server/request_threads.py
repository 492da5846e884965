"""Threads for requests: a few that all requests visit, and one of its own for each request that waits for news.

Django makes a new thread for every request and a new connection in it, and goes there and back four times. That took
longer than to store an answer. Python runs one thread at a time, so more than a few of them only wait for each other.
"""

import asyncio
from asyncio import iscoroutinefunction
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext
from django.core import signals
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import Http404, HttpResponseBase
from django.urls import resolve, set_script_prefix
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_IDLE = 16
"""Threads of waiting requests that are kept for later ones."""
MOST_VISITS = 4
"""Requests that are answered at the same moment; the others wait for their turn, and need no thread for that.

With 16, 300 labelers waited 1.1 s for an answer (p99), with 4 0.4 s: transactions stayed open while threads took turns.
"""
T = TypeVar("T")


class Visits:
    """The threads that all requests of an app visit; each may have a connection to the database."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MOST_VISITS, thread_name_prefix="visit")

    async def __call__(self, work: Callable[..., T], *args: Any) -> T:
        """Do `work` in one of them."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, work, *args)


class RequestThreads:
    """Runs each request of an app in a thread that no other request uses meanwhile."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self._app(scope, receive, send)
        finally:
            if len(self._idle) < MOST_IDLE:
                self._idle.append(thread)  # the last one first: its connection knows most of the database
            else:
                thread.shutdown(wait=False)


class DjangoApp:
    """Django with plain views run in one visit to a thread; coroutine views as Django itself does, each in its own."""

    def __init__(self, visit: Visits) -> None:
        self._coroutines = RequestThreads(get_asgi_application())
        self._plain = _PlainHandler(visit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await (
            self._coroutines if _is_coroutine(scope["path"].removeprefix(scope.get("root_path", ""))) else self._plain
        )(scope, receive, send)


class _PlainHandler(ASGIHandler):
    """Django's handler with the middleware of its synchronous one."""

    def __init__(self, visit: Visits) -> None:
        BaseHandler.__init__(self)
        self._visit = visit
        self.load_middleware()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. It is answered to the end, also when nobody waits for the answer any more."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            request, response = self.create_request(scope, body)
            if request is not None:
                response = await self._visit(self._respond, scope, request)
        finally:
            body.close()
        await self.send_response(response, send)
        if not response.closed:
            await self._visit(response.close)

    def _respond(self, scope: Scope, request: ASGIRequest) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))  # in this thread, as Django keeps it apart for each
        signals.request_started.send(sender=self.__class__, scope=scope)
        response: HttpResponseBase = self.get_response(request)
        response._handler_class = self.__class__
        if not response.streaming:
            response.close()  # its bytes stay
        return response


def _is_coroutine(path: str) -> bool:
    try:
        return iscoroutinefunction(resolve(path).func)
    except Http404:
        return False
