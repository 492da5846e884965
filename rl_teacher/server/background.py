"""What the server does beside answering: the event journal, backups, ending stale leases, sweeping orphans."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections

from rl_teacher.server import blobs, leader, notify, postgres, wakeups
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.database import backup
from rl_teacher.server.journal import catch_up
from rl_teacher.server.shared_throttle import forget_old
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.transactions.access import keep_own_token
from rl_teacher.server.transactions.claim import expire_all
from rl_teacher.server.transactions.exports import fail_interrupted
from rl_teacher.server.transactions.upload import uses_of

log = logging.getLogger("rl_teacher.server")
JOURNAL_EVERY_S = 2.0
EXPIRE_EVERY_S = 15.0
BACKUP_EVERY_S = 3600.0
SWEEP_EVERY_S = 6 * 3600.0
TIDY_EVERY_S = 60.0
TOKEN_EVERY_S = 24 * 3600.0
LEAD_EVERY_S = 5.0
"""Between two looks at whether this process is the one that does the chores."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do now and then."""

    name: str
    every_s: float
    do: Callable[[], object]
    everywhere: bool = False
    """Whether each process does it for itself."""


@contextmanager
def running(folder: DataFolder, *, with_backups: bool = True) -> Iterator[None]:
    """Run the chores in a thread each while the block lasts; of several processes on one database one does them."""
    stop, leading = threading.Event(), threading.Event()
    elected = leader.choose()
    threads = [
        _thread(chore.name, _repeat, stop, leading, chore) for chore in _chores(folder, with_backups=with_backups)
    ]
    threads.append(_thread("journal", _write_journal, stop, leading, folder))
    if postgres.is_used():
        threads.append(_thread("lead", _lead, stop, leading, elected))
    else:
        leading.set()
    with wakeups.running():
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            notify.wake("")
            for thread in threads:
                thread.join(timeout=5)


def _thread(name: str, target: Callable[..., None], *args: object) -> threading.Thread:
    return threading.Thread(target=target, args=args, daemon=True, name=name)


def _chores(folder: DataFolder, *, with_backups: bool) -> list[Chore]:
    found = [
        Chore("expire", EXPIRE_EVERY_S, expire_all),
        Chore("sweep", SWEEP_EVERY_S, lambda: blobs.sweep(store_of(folder), uses_of)),
        Chore("incoming", SWEEP_EVERY_S, lambda: blobs.sweep_incoming(folder.blobs), everywhere=True),
    ]
    if with_backups:
        found.append(Chore("backup", BACKUP_EVERY_S, lambda: backup(folder, "hourly")))
    if postgres.is_used():
        found.append(Chore("forget", TIDY_EVERY_S, forget_old))
        found.append(Chore("exports", TIDY_EVERY_S, fail_interrupted))
        found.append(Chore("token", TOKEN_EVERY_S, lambda: keep_own_token(folder.stored_token()), everywhere=True))
    return found


def _lead(stop: threading.Event, leading: threading.Event, elected: leader.Leader) -> None:
    """Do the chores here for as long as no other process does."""

    def look() -> None:
        if elected.leads():
            leading.set()
        else:
            leading.clear()

    while True:
        if not _try("lead", look):
            leading.clear()
        if stop.wait(LEAD_EVERY_S):
            break
    leading.clear()
    elected.close()


def _repeat(stop: threading.Event, leading: threading.Event, chore: Chore) -> None:
    while not stop.wait(chore.every_s):
        if chore.everywhere or leading.is_set():
            _try(chore.name, chore.do)


def _write_journal(stop: threading.Event, leading: threading.Event, folder: DataFolder) -> None:
    with notify.subscribed_thread() as changed:
        while True:
            changed.clear()
            if leading.is_set():
                _try("journal", lambda: catch_up(folder))
            if stop.is_set():
                return
            changed.wait(30)
            if not stop.is_set():
                time.sleep(JOURNAL_EVERY_S)  # many answers share one fsync


def _try(name: str, chore: Callable[[], object]) -> bool:
    try:
        chore()
    except Exception:  # a chore that fails now is tried again; answers go on meanwhile
        log.exception("chore %s failed; it is tried again", name)
        return False
    finally:
        connections.close_all()
    return True
