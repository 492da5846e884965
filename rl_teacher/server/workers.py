"""`rl-teacher serve --workers N`: N processes answer on one listener, and this one starts another where one ends."""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import time
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import NoReturn

from rl_teacher.errors import ServerFault
from rl_teacher.server import process
from rl_teacher.server.settings import ServerConfig, configure

log = logging.getLogger("rl_teacher.server")
STOP_S = 10.0
SOON_S = 5.0
"""A process that ends so soon after its start was never of use."""
MOST_SOON = 5
"""So many of them one after the other, and something is wrong that another try does not mend."""
_CALLS_ON_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG


def supervise(count: int, config: ServerConfig, listener: socket.socket) -> NoReturn:
    """Keep `count` processes going until a signal comes.

    Raises:
        ServerFault: they end right after their start, again and again.
    """
    signal.signal(signal.SIGTERM, process.leave)
    started: dict[SpawnProcess, float] = {}
    soon = 0
    try:
        while True:
            while len(started) < count:
                started[_start(config, listener)] = time.monotonic()
            wait([one.sentinel for one in started])
            for one in [one for one in started if not one.is_alive()]:
                soon = soon + 1 if time.monotonic() - started.pop(one) < SOON_S else 0
                log.warning("process %s ended (%s); another takes its place", one.pid, one.exitcode)
            if soon >= MOST_SOON:
                raise ServerFault(f"--workers {count}: the processes end right after their start; they say why above.")
            time.sleep(0.2 * soon)
    finally:
        _stop(list(started))


def _start(config: ServerConfig, listener: socket.socket) -> SpawnProcess:
    # A new interpreter: a fork of one with threads (of connections, of the object store) is not whole.
    one = multiprocessing.get_context("spawn").Process(target=_work, args=(config, listener, os.getpid()))
    one.start()
    return one


def _work(config: ServerConfig, listener: socket.socket, parent: int) -> None:
    """The life of one of them."""
    _end_with(parent)
    configure(config)
    with suppress(KeyboardInterrupt):  # the terminal says it to all of them, and the first one answers
        process.run(config, listener)


def _end_with(parent: int) -> None:
    """Be told to stop when the first process ends, however it does: nobody would start another here."""
    ctypes.CDLL(None).prctl(_CALLS_ON_DEATH_OF_PARENT, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)


def _stop(processes: list[SpawnProcess]) -> None:
    for one in processes:
        one.terminate()
    deadline = time.monotonic() + STOP_S
    for one in processes:
        one.join(max(0.0, deadline - time.monotonic()))
        if one.is_alive():
            one.kill()
            one.join()
