"""Wake-ups between processes that share a PostgreSQL: what one says with NOTIFY, all others hear with LISTEN.

They are hints: whoever waits looks at the database itself, every few seconds also when nothing was heard. So a process
that is killed between a commit and its word costs others some seconds, and no answer.
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rl_teacher.server import notify, postgres

log = logging.getLogger("rl_teacher.server")
CHANNEL = "rl_teacher"
TOGETHER_S = 0.05
"""Between two words: a commit with a NOTIFY of its own would wait for all others that have one."""
CHECK_EVERY_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
"""Before a lost connection is tried again [s]."""


@contextmanager
def running() -> Iterator[None]:
    """Hear and be heard while the block lasts; nothing at all where the database is SQLite."""
    if not postgres.is_used():
        yield
        return
    origin, stop = secrets.token_hex(8), threading.Event()
    outbox = Outbox(origin, postgres.connect)
    threads = [
        threading.Thread(target=listen, args=(stop, origin, postgres.connect), daemon=True, name="listen"),
        threading.Thread(target=outbox.run, args=(stop,), daemon=True, name="tell"),
    ]
    for thread in threads:
        thread.start()
    try:
        with notify.passed_on(outbox.add):
            yield
    finally:
        stop.set()
        outbox.wake()
        for thread in threads:
            thread.join(timeout=5)


class Outbox:
    """What other processes shall hear, at most one word per topic and 50 ms.

    Args:
        origin: of this process, which does not listen to itself.
        connect: makes a connection to the database for a purpose.
    """

    def __init__(self, origin: str, connect: Callable[[str], Any]) -> None:
        self._origin, self._connect = origin, connect
        self._lock, self._is_needed = threading.Lock(), threading.Event()
        self._topics: set[str] = set()

    def add(self, topic: str) -> None:
        """Tell the others soon; from any thread."""
        with self._lock:
            self._topics.add(topic)
        self._is_needed.set()

    def wake(self) -> None:
        """Look whether to stop."""
        self._is_needed.set()

    def run(self, stop: threading.Event) -> None:
        """Send until stopped."""
        _again_and_again(stop, self._send_all, self._connect, "tell")

    def _send_all(self, stop: threading.Event, own: Any) -> None:
        own.execute("SET synchronous_commit = off")  # a hint need not be on disk
        while not stop.is_set():
            self._is_needed.wait()
            self._is_needed.clear()
            with self._lock:
                topics, self._topics = sorted(self._topics), set()
            if topics:
                words = [f"{self._origin} {topic}" for topic in topics]
                own.execute("SELECT pg_notify(%s, word) FROM unnest(%s::text[]) AS word", [CHANNEL, words])
            stop.wait(TOGETHER_S)


def listen(stop: threading.Event, origin: str, connect: Callable[[str], Any]) -> None:
    """Wake this process's sleepers whenever another says so, until stopped."""

    def hear(stop: threading.Event, own: Any) -> None:
        own.execute(f"LISTEN {CHANNEL}")
        notify.wake_all()  # who knows what was said before
        quiet = 0.0
        while not stop.is_set():
            heard = list(own.notifies(timeout=1.0, stop_after=1))
            for word in heard:
                _heed(word.payload, origin)
            quiet = 0.0 if heard else quiet + 1.0
            if quiet >= CHECK_EVERY_S:
                own.execute("SELECT 1")  # silence and a cut line look alike
                quiet = 0.0

    _again_and_again(stop, hear, connect, "listen")


def _heed(payload: str, origin: str) -> None:
    sender, _, topic = payload.partition(" ")
    if sender != origin:
        notify.wake(topic)


def _again_and_again(
    stop: threading.Event, work: Callable[[threading.Event, Any], None], connect: Callable[[str], Any], purpose: str
) -> None:
    """Do `work` with a connection, and with a new one when that was lost."""
    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        try:
            with connect(purpose) as own:
                wait_s = FIRST_WAIT_S
                work(stop, own)
        except Exception as error:  # the database is away, or restarts; others look for themselves meanwhile
            log.warning("%s: no line to the other processes (%s); it is tried again", purpose, error)
            stop.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
