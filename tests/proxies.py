"""nginx and Caddy as a test runs them: on loopback, as nobody special, with all that they write in one folder."""

import getpass
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
    folder.chmod(0o755)  # its workers are nobody
    places = " ".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    start = f"user {getpass.getuser()}; daemon off; pid {folder}/pid; error_log stderr; events {{}}"
    (folder / "nginx.conf").write_text(f"{start} http {{ access_log off; {places}\n{text}\n}}")
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


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
