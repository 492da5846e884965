"""Who works on a run: a lock that its process holds, and that ends with the process, however it ends."""

import fcntl
from pathlib import Path
from typing import IO

from rl_teacher.errors import RunLocked
from rl_teacher.files import unwritable

LOCK = "lock"


def take_lock(folder: Path) -> IO[str]:
    """The lock of a run folder, held until it is closed.

    Raises:
        FolderUnwritable: no file can be made there, or none can be locked.
        RunLocked: another process holds it.
    """
    try:
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise RunLocked(f"{folder}: another process is working on this run. Wait for it, or stop it.") from error
    except OSError as error:  # a network disk without locks
        lock.close()
        raise unwritable(folder / LOCK, error, "--runs-dir") from error
    return lock


def is_locked(folder: Path) -> bool:
    """Whether a process is working on the run of this folder."""
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no run was ever started here, or it is another user's
        return False
    return False
