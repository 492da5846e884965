"""Requests of which a part never comes: they are answered, closed, and hold no place."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from rl_teacher.server.connections import ImpatientProtocol
from rl_teacher.server.guards import Guards

WHOLE = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Soon(ImpatientProtocol):
    head_s = 0.5


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body of a POST; answers a GET after longer than a head may take."""
    if scope["method"] == "GET":
        await asyncio.sleep(3 * Soon.head_s)
    more = scope["method"] == "POST"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def serving() -> Iterator[int]:
    """A server in a thread; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        guarded = Guards(app, ["localhost"], "", idle_s=1.5)
        options = uvicorn.Config(
            guarded, http=Soon, ws="none", lifespan="off", log_level="error", timeout_keep_alive=60
        )
        server = uvicorn.Server(options)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as found:
        yield found


def until_closed(port: int, *pieces: bytes) -> bytes:
    """What the server says until it closes the connection, which it must do by itself."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        for piece in pieces:
            line.sendall(piece)
        said = b""
        while data := line.recv(65536):
            said += data
        return said


POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


HALF = {
    b"": b"",
    b"G": b"408",
    b"GET / HTTP/1.1\r\n": b"408",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: aaaa": b"408",
    b"\r\n\r\n": b"408",
    POST + b"Content-Length: 10\r\n\r\n": b"408",
    POST + b"Content-Length: 10\r\n\r\n123": b"408",
    POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n": b"408",
    POST + b"Content-Length: 40000000\r\n\r\n123": b"413",
    POST.replace(b"POST /", b"PUT /api/v1/experiments/x/blobs/y") + b"Content-Length: 9\r\n\r\n1": b"401",
}
"""What is sent, and the status of the answer before the connection is closed."""


def test_half_a_request_is_closed(port):
    with ThreadPoolExecutor(len(HALF)) as pool:
        said = dict(zip(HALF, pool.map(lambda sent: until_closed(port, sent), HALF), strict=True))
    assert {sent: b"".join(text.split(b" ")[1:2]) for sent, text in said.items()} == HALF


def test_a_second_request_may_not_stop_half_way_either(port):
    said = until_closed(port, WHOLE, b"GET / HT")
    assert said.count(b"HTTP/1.1 200 ") == said.count(b"HTTP/1.1 408 ") == 1


@pytest.mark.slow
def test_a_request_that_is_whole_may_take_its_time(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        for _ in range(2):
            line.sendall(WHOLE)
            said = b""
            while not said.endswith(b"ok"):
                said += line.recv(65536)
            assert said.startswith(b"HTTP/1.1 200 ")


def test_a_slow_but_steady_upload_arrives(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(POST + b"Content-Length: 4\r\n\r\n")
        for _ in range(4):  # each pause is shorter than the limit, all of them together are longer
            threading.Event().wait(0.5)
            line.sendall(b"x")
        assert line.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_an_upgrade_to_what_is_not_spoken_is_an_ordinary_request(port):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(POST + b"Content-Length: 0\r\n" + upgrade)
        assert line.recv(65536).startswith(b"HTTP/1.1 200 ")
