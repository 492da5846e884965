"""A browser's HTTP at the price of a load generator: keep-alive connections, cookies and forms, nothing else.

httpx took 1.5 ms of the processor for each request, more than the server that it was to measure.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import httptools

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Reply:
    """What the server answered, whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Its body."""
        return self.body.decode()


class NoReply(ConnectionError):
    """The connection ended before the answer was whole."""


class Refused(Exception):
    """The server answered with an error."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.is_open = True
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[Reply] | None = None
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody listens."""
        self._transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes, timeout_s: float) -> Reply:
        """The whole answer to a request.

        Raises:
            NoReply: there came none, or half of one.
        """
        if not self.is_open or self._transport is None:
            raise NoReply("the connection was closed while nobody asked")
        self._waiting = asyncio.get_running_loop().create_future()
        self._headers, self._body = [], []
        self._transport.write(request)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._waiting
        except TimeoutError as error:
            self.close()
            raise NoReply(f"no answer in {timeout_s:g} s") from error
        finally:
            self._waiting = None

    def close(self) -> None:
        """It is not needed any more."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has gone."""
        self.is_open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoReply("the connection was closed before the answer was whole"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the parser."""
        self._headers.append((name.decode().lower(), value.decode()))

    def on_body(self, body: bytes) -> None:
        """Of the parser."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Of the parser."""
        if not self._parser.should_keep_alive():
            self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Reply(self._parser.get_status_code(), self._headers, b"".join(self._body)))


@dataclass
class Browser:
    """Somebody's browser at one server: a cookie of their own, and connections of their own.

    Args:
        url: scheme http, host and port.
    """

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""
    _idle: list[Connection] = field(default_factory=list)

    async def get(self, path: str, **more: Any) -> Reply:
        """A page, or what a page asks for."""
        return await self.ask("GET", path, **more)

    async def post_form(self, path: str, **fields: str) -> Reply:
        """A form, as it is sent by a button."""
        kind = "application/x-www-form-urlencoded"
        return await self.ask("POST", path, urlencode(fields).encode(), kind)

    async def call(self, method: str, path: str, body: Any = None, timeout_s: float = TIMEOUT_S) -> Reply:
        """The API, as the labeling page calls it."""
        sent = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        return await self.ask(method, path, sent, "application/json", timeout_s)

    async def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "", timeout_s: float = TIMEOUT_S
    ) -> Reply:
        """One request, on a connection that is free, else on a new one.

        Raises:
            ConnectionError: there was no whole answer.
        """
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                break
        else:
            parts = urlsplit(self.url)
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, parts.hostname, parts.port)
        reply = await connection.ask(self._head(method, path, body, kind) + body, timeout_s)
        if connection.is_open:
            self._idle.append(connection)
        for name, value in reply.headers:
            if name == "set-cookie":
                self._keep(value)
        return reply

    def _head(self, method: str, path: str, body: bytes, kind: str) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.url.removeprefix('http://')}",
            f"User-Agent: {AGENT}",
            f"Accept: {'application/json' if kind == 'application/json' else '*/*'}",
            "Accept-Language: en-US,en;q=0.9",
            "Accept-Encoding: gzip, deflate, br",
            f"Referer: {self.url}/e/load/label",
        ]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if kind == "application/json":
            lines.append(f"X-CSRFToken: {self.csrf_token}")
        if method != "GET":
            lines += [f"Origin: {self.url}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _keep(self, cookie: str) -> None:
        name, _, value = cookie.partition(";")[0].partition("=")
        self.cookies[name] = value

    def close(self) -> None:
        """All of its connections that nobody waits for."""
        for connection in self._idle:
            connection.close()
