"""Files by content: written beside their place, synced, renamed, the folder synced; then a row may name them."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.files import sync_folder
from rl_teacher.server.problems import Problem

SHA256 = re.compile(r"[0-9a-f]{64}")
MIB = 1024 * 1024
LIMITS = {"video/mp4": 8 * MIB, "video/webm": 8 * MIB, "application/x-npz": 32 * MIB}
SUFFIXES = {"video/mp4": "mp4", "video/webm": "webm", "application/x-npz": "npz"}
KEEP_FREE = 1024 * MIB
ORPHAN_AGE_S = 24 * 3600
CHUNK = 65536


def blob_path(root: Path, sha256: str) -> Path:
    """Where the bytes with this hash lie; the name is ours, never the client's."""
    if not SHA256.fullmatch(sha256):
        raise Problem("not-found", f"blob {sha256[:80]!r}: expected 64 hexadecimal digits.")
    return root / sha256[:2] / sha256[2:4] / sha256


@dataclass(frozen=True, slots=True)
class Incoming:
    """An upload that is on disk but has no name yet."""

    path: Path
    size: int
    sha256: str


@contextmanager
def receive(root: Path, read: Callable[[int], bytes], limit: int) -> Iterator[Incoming]:
    """Read an upload into a temporary file, hashing; gone again unless `keep` was called on it."""
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


def keep(root: Path, incoming: Incoming) -> Path:
    """Give the upload its name; afterwards it survives a power cut."""
    target = blob_path(root, incoming.sha256)
    if target.exists() and target.stat().st_size == incoming.size:
        os.utime(target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    incoming.path.replace(target)
    for folder in (target.parent, target.parent.parent, root):
        sync_folder(folder)
    return target


def sweep(root: Path, known: Callable[[str], bool], older_than_s: float = ORPHAN_AGE_S) -> int:
    """Delete files that no row names and that nobody can still be about to name; how many."""
    limit, count = time.time() - older_than_s, 0
    candidates = [path for path in root.rglob("*") if path.is_file() and path.stat().st_mtime < limit]
    for path in candidates:
        if path.name.startswith(".incoming-") or (SHA256.fullmatch(path.name) and not known(path.name)):
            path.unlink(missing_ok=True)
            count += 1
    return count
