"""nginx in front of a benchmark's server: the file of deploy/ as it stands, but for names and TLS."""

import getpass
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = Path(__file__).parents[1] / "deploy" / "nginx.conf"
CONNECTIONS = 8192
"""Of one worker. Debian's 768 are too few: each page has a request that waits, which is two connections of nginx."""


def site(inside: int, outside: int, folder: Path) -> str:
    """deploy/nginx.conf without its certificate and the server that leads to HTTPS."""
    text = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", FILE.read_text(), count=1, flags=re.DOTALL)
    text = re.sub(r"    ssl_\w+ .*\n", "", text)
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{outside} backlog=1024;",
        "server_name lab.example;": "server_name 127.0.0.1;",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{inside};",
    }
    changes |= {found: str(folder / "cache") for found in re.findall(r"proxy_cache_path (\S+)", text)}
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SystemExit(
                f"{FILE}: expected {old!r} once, found it {text.count(old)} times; mend feedback_proxy.py."
            )
        text = text.replace(old, new)
    return text


def nginx_command(folder: Path, text: str, *, start: str = "", events: str = "") -> list[str]:
    """The command that runs nginx as nobody special, with all that it writes in one folder.

    Args:
        folder: made readable for nginx's workers, who may be another user.
        text: what stands inside of `http`.
        start: what stands before.
        events: what stands inside of `events`.
    """
    folder.chmod(0o755)
    places = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    always = f"user {getpass.getuser()}; daemon off; pid {folder}/pid; error_log stderr;"
    (folder / "nginx.conf").write_text(f"{always} {start} events {{ {events} }} http {{ {places}\n{text}\n}}")
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


@contextmanager
def nginx(inside: int, folder: Path) -> Iterator[tuple[str, int]]:
    """Address and first process of one that leads to the port `inside` of this machine, while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        outside = probe.getsockname()[1]
    command = nginx_command(
        folder,
        f"sendfile on; tcp_nopush on;\n{site(inside, outside, folder)}",
        start=f"worker_processes auto; worker_rlimit_nofile {2 * CONNECTIONS};",
        events=f"worker_connections {CONNECTIONS};",
    )
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(outside, process, folder / "nginx.log")
        yield f"http://127.0.0.1:{outside}", process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nginx does not answer: {log.read_text()}")
