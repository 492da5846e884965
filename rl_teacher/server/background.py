"""What the server does beside answering: the event journal, backups, ending stale leases, sweeping orphans."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections

from rl_teacher.server import blobs, notify
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.database import backup
from rl_teacher.server.journal import catch_up
from rl_teacher.server.transactions.claim import expire_all
from rl_teacher.server.transactions.upload import uses_of

log = logging.getLogger("rl_teacher.server")
JOURNAL_EVERY_S = 2.0
EXPIRE_EVERY_S = 15.0
BACKUP_EVERY_S = 3600.0
SWEEP_EVERY_S = 6 * 3600.0


@contextmanager
def running(folder: DataFolder, *, with_backups: bool = True) -> Iterator[None]:
    """Run the chores in a thread each while the block lasts."""
    stop = threading.Event()
    chores: list[tuple[str, float, Callable[[], object]]] = [
        ("expire", EXPIRE_EVERY_S, expire_all),
        ("sweep", SWEEP_EVERY_S, lambda: blobs.sweep(folder.blobs, uses_of)),
    ]
    if with_backups:
        chores.append(("backup", BACKUP_EVERY_S, lambda: backup(folder, "hourly")))
    threads = [threading.Thread(target=_repeat, args=(stop, *chore), daemon=True, name=chore[0]) for chore in chores]
    threads.append(threading.Thread(target=_write_journal, args=(stop, folder), daemon=True, name="journal"))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        notify.notify("")
        for thread in threads:
            thread.join(timeout=5)


def _repeat(stop: threading.Event, name: str, every_s: float, chore: Callable[[], object]) -> None:
    while not stop.wait(every_s):
        _try(name, chore)


def _write_journal(stop: threading.Event, folder: DataFolder) -> None:
    with notify.subscribed_thread() as changed:
        while True:
            changed.clear()
            _try("journal", lambda: catch_up(folder))
            if stop.is_set():
                return
            changed.wait(30)
            if not stop.is_set():
                time.sleep(JOURNAL_EVERY_S)  # many answers share one fsync


def _try(name: str, chore: Callable[[], object]) -> None:
    try:
        chore()
    except Exception:  # a chore that fails now is tried again; answers go on meanwhile
        log.exception("chore %s failed; it is tried again", name)
    finally:
        connections.close_all()
