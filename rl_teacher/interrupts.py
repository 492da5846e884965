"""Ctrl-C while nothing is there yet that must be put away: the process ends at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

EXIT_CODE = 130
"""128 + SIGINT, as shells have it."""


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Inside the block Ctrl-C ends the process with 130: nothing below can catch it, as an exception could be.

    JAX imports its parts inside `except Exception` and `except:`, and a KeyboardInterrupt that comes then is lost, or
    crashes its C++ code. Only where nothing has been started yet.
    """
    if not takes_signals():
        yield
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def takes_signals() -> bool:
    """Whether this thread may say what signals do: only the main one may."""
    return threading.current_thread() is threading.main_thread()


def _leave(signum: int, frame: FrameType | None) -> None:
    with suppress(OSError, ValueError, RuntimeError):  # closed, full, or in the middle of a line
        sys.stdout.flush()
    _end_children()
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), b"Interrupted.\n")
    os._exit(EXIT_CODE)


def _end_children() -> None:
    """End the processes that were started here, where Linux tells them; those with a session of their own may stay.

    MuJoCo's import of GLFW has one, which would complain that nobody listens any more.
    """
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                if os.getsid(child) != child:
                    os.kill(child, signal.SIGKILL)
