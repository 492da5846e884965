"""An S3 bucket on loopback by moto, and a line to it that can fail in the ways of networks and clouds."""

import http.client
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from moto.server import ThreadedMotoServer

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


class Line:
    """Passes requests on to the store, unless told to answer 503 or to cut the connection."""

    def __init__(self, port: int) -> None:
        self.trouble = ""
        """`503`, `cut` before the answer, `torn` in its middle, or none."""
        self.only = ""
        """The method that has the trouble; empty: all."""
        self.requests: list[str] = []
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                line.requests.append(f"{self.command} {self.path.partition('?')[0]}")
                trouble = line.trouble if line.only in ("", self.command) else ""
                if trouble == "503":
                    self.send_response(503)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if trouble == "cut":
                    self.close_connection = True
                    return
                up = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                up.request(self.command, self.path, body, dict(self.headers))
                got = up.getresponse()
                data = got.read()
                self.send_response(got.status)
                for name, value in got.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                        self.send_header(name, value)
                length = got.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                if trouble == "torn":
                    data = data[: len(data) // 2]
                    self.close_connection = True
                self.wfile.write(data)
                up.close()

            def log_message(self, *args: object) -> None:
                pass

        for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def bucket(name: str = "clips") -> Iterator[Line]:
    """The line to it; credentials and address are to be put into the environment."""
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    line = Line(moto.get_host_and_port()[1])
    thread = threading.Thread(target=line.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{line.url}/{name}", method="PUT")):
            pass
        yield line
    finally:
        line.server.shutdown()
        line.server.server_close()
        thread.join()
        moto.stop()
