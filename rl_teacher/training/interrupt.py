"""Interrupt: the first Ctrl-C stops a run where it can go on later, a second one stops it at once."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from rl_teacher.interrupts import takes_signals


class Interrupt:
    """Takes over Ctrl-C inside a `with` block; outside of one it does nothing.

    Args:
        log: hears that the run is about to stop.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self.is_asked = False
        """Whether somebody has pressed Ctrl-C."""
        self.reply = "Stopping as soon as all is kept. Press Ctrl-C again to stop at once."
        """What Ctrl-C is answered with."""
        self._log = log
        self._handler_before: Any = None

    def __enter__(self) -> Self:
        if takes_signals():
            self._handler_before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if takes_signals():
            signal.signal(signal.SIGINT, self._handler_before)

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        self._log(self.reply)
