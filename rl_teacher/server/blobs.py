"""Uploads: read into a file, hashed and checked, then given to the store; only then a row may name them."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.server.problems import Problem
from rl_teacher.server.storage.store import ORPHAN_AGE_S, Store, alone

MIB = 1024 * 1024
LIMITS = {"video/mp4": 8 * MIB, "video/webm": 8 * MIB, "application/x-npz": 32 * MIB}
SUFFIXES = {"video/mp4": "mp4", "video/webm": "webm", "application/x-npz": "npz"}
KEEP_FREE = 1024 * MIB
CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Incoming:
    """An upload that is on disk but has no name yet."""

    path: Path
    size: int
    sha256: str


@contextmanager
def receive(root: Path, read: Callable[[int], bytes], limit: int) -> Iterator[Incoming]:
    """Read an upload into a temporary file, hashing; gone again unless a store took it."""
    if shutil.disk_usage(root).free < KEEP_FREE:
        raise Problem(
            "disk-full", "less than 1 GiB is free on the server's disk; answers are still taken. Free some space."
        )
    handle, name = tempfile.mkstemp(dir=root, prefix=".incoming-")
    path = Path(name)
    digest, size = hashlib.sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            while chunk := read(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise Problem("too-large", f"the body has more than {limit} bytes, the most for its type.")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        yield Incoming(path, size, digest.hexdigest())
    except OSError as error:
        if error.errno == 28:
            raise Problem(
                "disk-full", "the server's disk is full; answers are still taken. Free some space."
            ) from error
        raise
    finally:
        path.unlink(missing_ok=True)


def sweep(store: Store, known: Callable[[str], bool], older_than_s: float = ORPHAN_AGE_S) -> int:
    """Delete bytes that no row names and that nobody can still be about to name; how many."""
    count = 0
    for sha256 in list(store.older_than(older_than_s)):
        if known(sha256):
            continue
        with alone():
            if not known(sha256) and store.delete_if_older(sha256, older_than_s):
                count += 1
    return count


def sweep_incoming(root: Path, older_than_s: float = ORPHAN_AGE_S) -> int:
    """Delete what is left of uploads that a crash cut off; how many."""
    limit, count = time.time() - older_than_s, 0
    for path in root.glob(".incoming-*"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            count += 1
    return count
