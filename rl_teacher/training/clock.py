"""Clock: how long a run has trained, earlier processes included."""

import time


class Clock:
    """Runs from the moment it is made."""

    def __init__(self) -> None:
        self._started_at, self._before = time.monotonic(), 0.0

    def seconds(self) -> float:
        """Seconds so far, those before a resume included [s]."""
        return self._before + time.monotonic() - self._started_at

    def restart(self) -> None:
        """Count from now on: what came before was no training."""
        self._started_at, self._before = time.monotonic(), 0.0

    def restore(self, seconds: float) -> None:
        """Go on counting from what a checkpoint says [s]."""
        self._before = seconds
