"""Starts the feedback server beside a trainer, or joins the one that serves the data folder already."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from rl_teacher.errors import ServerFault
from rl_teacher.files import user_path, writing

START_S = 60.0
STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Reach:
    """From where a server can be reached."""

    host: str = "127.0.0.1"
    """It listens on this address; 0.0.0.0 for the whole network."""
    public_url: str = ""
    """Of a tunnel or proxy in front, if there is one."""

    @property
    def is_shared(self) -> bool:
        """Whether others reach it."""
        return self != Reach()

    def flags(self) -> list[str]:
        """Of `rl-teacher serve`."""
        shown = ["--public-url", self.public_url] if self.public_url else []
        return ["--host", self.host, *shown, "--guests"] if self.is_shared else []


@dataclass(slots=True)
class EmbeddedServer:
    """A server on this machine; as a context manager it is stopped at the end if it was started here."""

    url: str
    token: str
    process: "subprocess.Popen[str] | None" = None
    """None: somebody else started it."""
    keep: bool = False
    """Whether it goes on after us."""
    lines: list[str] = field(default_factory=list)
    """What it said at its start: address and one-time login."""
    reach: Reach = Reach()
    """As it was asked for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Stop it, unless it is to go on."""
        if not self.keep:
            self.stop()

    def stop(self) -> None:
        """Stop it if we started it: politely, then firmly."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def default_data_dir() -> Path:
    """Of the server of this machine: ~/rl-teacher/feedback, unless RL_TEACHER_FEEDBACK_DIR names another folder."""
    return Path(os.environ.get("RL_TEACHER_FEEDBACK_DIR") or Path.home() / "rl-teacher" / "feedback")


def start_or_attach(
    data_dir: Path,
    *,
    port: int = 8000,
    keep: bool = False,
    reach: Reach = Reach(),
    log: Callable[[str], object] = print,
    timeout_s: float = START_S,
) -> EmbeddedServer:
    """A server for `data_dir`, ready to be used.

    Args:
        data_dir: the folder of all its data.
        port: taken if it is free, else any free one, unless a tunnel leads to it.
        keep: whether it goes on when the trainer stops.
        reach: from where a server that is started here can be reached.
        log: gets the lines that the server prints for people, the one-time login among them.

    Raises:
        ServerFault: it did not come up in time; says what it printed.
    """
    data_dir = Path(os.path.realpath(user_path(str(data_dir))))
    with writing(data_dir, "--human.data-dir"):
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    deadline = time.monotonic() + timeout_s
    if is_locked(data_dir):
        return _attach(data_dir, keep, deadline)
    keeps_port = bool(reach.public_url)  # a tunnel leads to this one
    server = _start(data_dir, port if keeps_port or _is_free(reach.host, port) else 0, keep, reach, log)
    try:
        _wait(server, data_dir, deadline)
    except BaseException:
        server.stop()
        raise
    if server.process is not None and server.process.poll() is not None:
        return _attach(data_dir, keep, deadline)
    return server


def is_locked(data_dir: Path) -> bool:
    """Whether a living process serves the folder."""
    path = data_dir / "server.lock"
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _attach(data_dir: Path, keep: bool, deadline: float) -> EmbeddedServer:
    while time.monotonic() < deadline:
        found = _server_json(data_dir)
        if found is not None and is_healthy(found):
            return EmbeddedServer(found, _stored_token(data_dir), None, keep)
        time.sleep(0.1)
    raise ServerFault(
        f"data folder {data_dir}: another process holds it but no server answers. Stop that process, then start again."
    )


def _start(data_dir: Path, port: int, keep: bool, reach: Reach, log: Callable[[str], object]) -> EmbeddedServer:
    import rl_teacher

    token = _stored_token(data_dir)
    token = token or "rlt_" + secrets.token_urlsafe(32)
    command = [sys.executable, "-m", "rl_teacher.server", "serve", "--data-dir", str(data_dir), "--port", str(port)]
    command += reach.flags()
    with writing(data_dir, "--human.data-dir"), (data_dir / "server.log").open("ab") as server_log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=server_log,
            text=True,
            start_new_session=True,
            env={**os.environ, "RL_TEACHER_TRAINER_TOKEN": token},
            cwd=Path(str(rl_teacher.__file__)).parents[1],
        )
    server = EmbeddedServer("", token, process, keep, reach=reach)
    threading.Thread(target=_pass_on, args=(process, server.lines, log), name="server-output", daemon=True).start()
    return server


def _pass_on(process: "subprocess.Popen[str]", lines: list[str], log: Callable[[str], object]) -> None:
    assert process.stdout is not None, "the server's output is piped"
    with process.stdout as output:
        for line in output:
            lines.append(line.rstrip())
            log(line.rstrip())


def _wait(server: EmbeddedServer, data_dir: Path, deadline: float) -> None:
    """Until it answers; or until it ended because another one was faster."""
    process = server.process
    assert process is not None, "only a started server is waited for"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            if process.returncode == 0 and is_locked(data_dir):
                return
            break
        url = _server_json(data_dir, process.pid)
        if url is not None and is_healthy(url):
            server.url = url
            return
        time.sleep(0.05)
    log = data_dir / "server.log"
    tail = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
    state = "is still starting" if process.poll() is None else f"ended with code {process.returncode}"
    raise ServerFault(
        f"feedback server for {data_dir}: it {state}: {' | '.join(tail) or 'it said nothing'}. See {log}."
    )


def _stored_token(data_dir: Path) -> str:
    """The token of trainers on this machine, as the server keeps it; empty if there is none yet."""
    path = data_dir / "trainer.token"
    return path.read_text(encoding="utf-8-sig").strip() if path.exists() else ""


def _server_json(data_dir: Path, pid: int | None = None) -> str | None:
    try:
        found = json.loads((data_dir / "server.json").read_text())
        return str(found["url"]) if pid is None or found["pid"] == pid else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_healthy(url: str) -> bool:
    """Whether a feedback server answers there."""
    try:
        response = httpx.get(f"{url}/healthz", timeout=2.0, trust_env=False)
        return response.status_code == 200 and response.json().get("name") == "rl_teacher"
    except (httpx.HTTPError, ValueError):
        return False


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
