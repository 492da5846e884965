"""nginx and Caddy as a test runs them: on loopback, as nobody special, with all that they write in one folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.feedback_proxy import nginx_command

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed; apt-get install nginx")
needs_caddy = pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed; apt-get install caddy")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def replaced(text: str, **changes: str) -> str:
    """`text` with this machine's names; each must be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def wait_for(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("nobody answers")


def nginx(folder: Path, text: str) -> list[str]:
    """The command that runs `text`, what stands inside of `http`."""
    return nginx_command(folder, f"access_log off; {text}")


def caddy(folder: Path, text: str) -> list[str]:
    """The command that runs `text`, what stands below the global options."""
    options = "{\n    admin off\n    auto_https disable_redirects\n}\n"  # other ports of this machine
    (folder / "Caddyfile").write_text(options + text)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def running(command: list[str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A proxy, until the end of the block; what it says is in proxy.log."""
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
