"""Threads for requests: each request has one for itself, and the next one takes it over with its database connection.

Django makes a new thread for every request and a new connection in it, and goes there and back four times. That took
longer than to store an answer.
"""

from asyncio import iscoroutinefunction
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import Http404, HttpResponseBase
from django.urls import resolve, set_script_prefix
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_IDLE = 16
"""Threads that are kept for later requests."""


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
    """Django with plain views run in one visit to their thread; coroutine views as Django itself does."""

    def __init__(self) -> None:
        self._coroutines = get_asgi_application()
        self._plain = _PlainHandler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await (
            self._coroutines if _is_coroutine(scope["path"].removeprefix(scope.get("root_path", ""))) else self._plain
        )(scope, receive, send)


class _PlainHandler(ASGIHandler):
    """Django's handler with the middleware of its synchronous one."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. It is answered to the end, also when nobody waits for the answer any more."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        try:
            request, response = self.create_request(scope, body)
            if request is not None:
                response = await sync_to_async(self._respond)(scope, request)
        finally:
            body.close()
        await self.send_response(response, send)
        if not response.closed:
            await sync_to_async(response.close)()

    def _respond(self, scope: Scope, request: ASGIRequest) -> HttpResponseBase:
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
