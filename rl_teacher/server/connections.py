"""Connections that do not wait for ever: the head of a request comes soon, or nobody keeps a place for it."""

import asyncio
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class ImpatientProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP, which waits only for the next request (`timeout_keep_alive`) and not within one."""

    head_s = 20.0
    """From a connection, or the first byte of a request on it, to the end of the request's head [s]."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: TimerHandle | None = None
        self._is_in_head, self._has_said_something = False, False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        self._has_said_something = True
        super().data_received(data)
        self._wait()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole; guards.py waits for its body."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """It is answered; the next one may have begun."""
        super().on_response_complete()
        if self._is_in_head:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing here speaks WebSocket; that somebody asks is no news for the log."""

    def _wait(self) -> None:
        """Have a time limit unless a request is being answered; more bytes do not prolong it."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self._has_said_something:  # browsers open connections in advance, and are not asked about them
            self.transport.write(_TOO_LATE)
        self.transport.close()
