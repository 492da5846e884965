"""One process that answers requests, until it is stopped."""

import gc
import signal
import socket
import sys
from typing import TYPE_CHECKING, NoReturn

from rl_teacher.server.settings import ServerConfig

if TYPE_CHECKING:
    import uvicorn


def run(config: ServerConfig, listener: socket.socket) -> None:
    """Answer what comes to `listener`, and do the chores beside; Django is set up. Ctrl-C ends it as usual."""
    import uvicorn
    from django.urls import resolve

    from rl_teacher.server.asgi import make_app
    from rl_teacher.server.background import running
    from rl_teacher.server.connections import ImpatientProtocol

    app = make_app(config, lambda: running(config.folder, with_backups=not config.database_url))
    options = uvicorn.Config(
        app,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        log_level="warning",
        server_header=False,
        lifespan="on",
        http=ImpatientProtocol,
        ws="none",
        date_header=True,
    )
    signal.signal(signal.SIGTERM, leave)  # uvicorn stops gracefully, then raises the signal once more
    resolve("/healthz")  # else the first request imports what all addresses need
    sys.setswitchinterval(0.0005)  # Python's 5 ms, once for each thread that waits, are longer than an answer takes
    gc.freeze()  # a full collection over all of Django holds up every answer for 60 ms
    gc.set_threshold(20_000, 20, 50)  # an answer makes thousands of objects that need no collector to go
    _server(options).run(sockets=[listener])


def leave(signum: int, frame: object) -> NoReturn:
    """End as if all were said."""
    raise SystemExit(0)


def _server(options: "uvicorn.Config") -> "uvicorn.Server":
    """A server that ends open long-polls before it waits for them to end."""
    import uvicorn

    from rl_teacher.server import notify

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            notify.close()
            await super().shutdown(sockets)

    return Server(options)
