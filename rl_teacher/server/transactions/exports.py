"""Keeps track of copies of experiments that are made in the background."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from rl_teacher.server import postgres
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.models import Experiment, Export, User
from rl_teacher.server.problems import Problem
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.storage.store import export_key
from rl_teacher.server.transactions.access import audit
from rl_teacher.server.transactions.write import write

ALIVE_EVERY_S = 20.0
GONE = timedelta(seconds=120)
"""Without a sign of life for so long, the process that made a copy is no more."""


def start(folder: DataFolder, experiment: Experiment, by: User) -> Export:
    """Begin a copy; a thread finishes it."""
    with write():
        if Export.objects.filter(experiment=experiment, state="running").exists():
            raise Problem("conflict", f"a copy of {experiment.slug!r} is being made already; wait for it.")
        row = Export.objects.create(experiment=experiment, by=by, alive_at=timezone.now())
        audit(by, "export", experiment)
    threading.Thread(target=_make, args=(folder, row), name=f"export-{row.id}", daemon=True).start()
    return row


def _make(folder: DataFolder, row: Export) -> None:
    from rl_teacher.server.exchange.write_out import export_zip

    try:
        with _signs_of_life(row), tempfile.TemporaryDirectory(dir=folder.exports) as name:
            made = Path(name) / "all.zip"
            export_zip(folder, row.experiment, made)
            size = made.stat().st_size
            store_of(folder).keep(export_key(row.id), made, "application/zip")
        finish(row, size)
    except Exception as error:  # a thread has nobody to raise to: the page shows what went wrong
        finish(row, None, f"{type(error).__name__}: {error}")
    finally:
        connections.close_all()


def finish(row: Export, size: int | None, error: str = "") -> None:
    """Say how a copy ended."""
    with write():
        Export.objects.filter(pk=row.pk).update(
            state="done" if size is not None else "failed", size=size, error=error[:500]
        )


def fail_interrupted() -> None:
    """Copies that a former process did not finish never will be; with PostgreSQL another may be making them now."""
    with write():
        rows = Export.objects.filter(state="running")
        if postgres.is_used():
            long_ago = timezone.now() - GONE
            rows = rows.filter(Q(alive_at__lt=long_ago) | Q(alive_at=None, at__lt=long_ago))
        rows.update(state="failed", error="the server was stopped meanwhile; start it again")


@contextmanager
def _signs_of_life(row: Export) -> Iterator[None]:
    """Say now and then that the copy is being made."""
    stop = threading.Event()

    def say() -> None:
        while not stop.wait(ALIVE_EVERY_S):
            with write():
                Export.objects.filter(pk=row.pk).update(alive_at=timezone.now())
            connections.close_all()

    thread = threading.Thread(target=say, name=f"alive-{row.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
