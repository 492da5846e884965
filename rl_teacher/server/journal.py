"""The event journal: the feed once more as lines of JSON, a file per experiment. It is left if the database is lost."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_datetime

from rl_teacher.files import append_lines
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.models import Experiment, LabelEvent
from rl_teacher.server.transactions.feed import event_json, events_after

BATCH = 500


def journal_path(folder: DataFolder, slug: str) -> Path:
    """Where the lines of an experiment are."""
    return folder.journal / f"{slug}.jsonl"


def catch_up(folder: DataFolder) -> int:
    """Append what the files lack. How many lines came."""
    count = 0
    with _one_writer(folder):
        for experiment in Experiment.objects.filter(next_seq__gt=0).order_by("pk"):
            path = journal_path(folder, experiment.slug)
            cursor = _repair(path)
            while cursor < experiment.next_seq and (events := events_after(experiment, cursor, BATCH)):
                append_lines(path, (journal_line(event) for event in events), sort_keys=True)
                path.chmod(0o600)
                cursor, count = events[-1].seq, count + len(events)
    return count


@contextmanager
def _one_writer(folder: DataFolder) -> Iterator[None]:
    """Of several processes on one folder, also in the seconds in which two believe that the journal is theirs."""
    handle = os.open(folder.journal, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def journal_line(event: LabelEvent) -> dict[str, Any]:
    """An event with all that is needed to make its rows again."""
    response, assignment = event.response, event.response.assignment
    return event_json(event) | {
        "side": response.side,
        "swapped": response.swapped,
        "said": response.preferred,
        "supersedes": str(response.supersedes_id) if response.supersedes_id else None,
        "answered_at": response.answered_at.isoformat(),
        "shown_ms": response.shown_ms,
        "hidden_ms": response.hidden_ms,
        "loops": response.loops,
        "speed": response.speed,
        "rendition": response.rendition,
        "pressed_at": response.pressed_at.isoformat() if response.pressed_at else None,
        "body_hash": response.body_hash,
        "slot": assignment.slot,
        "tab": str(assignment.tab),
        "leased_at": assignment.leased_at.isoformat(),
        "expires_at": assignment.expires_at.isoformat(),
    }


def _repair(path: Path) -> int:
    """Cut a line that a crash left half, then say the newest seq of the file."""
    if not path.exists():
        return 0
    data = path.read_bytes() if path.stat().st_size < 1 << 16 else _tail(path)
    if data and not data.endswith(b"\n"):
        torn = len(data) - (data.rfind(b"\n") + 1)
        os.truncate(path, path.stat().st_size - torn)
        data = data[: len(data) - torn]
    lines = data.splitlines()
    return int(json.loads(lines[-1])["seq"]) if lines else 0


def _tail(path: Path, size: int = 1 << 16) -> bytes:
    with path.open("rb") as file:
        file.seek(-size, os.SEEK_END)
        data = file.read()
    return data[data.find(b"\n") + 1 :]


def whole_lines(path: Path) -> list[bytes]:
    """All lines of a journal but one that a crash left half, in order."""
    return path.read_bytes().split(b"\n")[:-1]


def moment(text: str) -> Any:
    """A time of a line."""
    return parse_datetime(text)
