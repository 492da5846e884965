"""Slows down whoever asks too often: one leaky bucket per person, token or login name, in this process."""

import threading
import time

from rl_teacher.server.problems import Problem


class Throttle:
    """Lets `burst` requests through at once and `per_second` on average, for each key."""

    def __init__(self, per_second: float, burst: int, what: str) -> None:
        self._rate, self._burst, self._what = per_second, burst, what
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, key: str, now: float | None = None) -> None:
        """Count a request of `key`; raises the problem `slow-down` if there were too many."""
        now = time.monotonic() if now is None else now
        with self._lock:
            level, at = self._buckets.get(key, (0.0, now))
            level = max(0.0, level - (now - at) * self._rate)
            full = level + 1 > self._burst
            self._buckets[key] = (level if full else level + 1, now)
            if len(self._buckets) > 10_000:
                self._buckets = {k: v for k, v in self._buckets.items() if now - v[1] < self._burst / self._rate}
        if full:
            raise Problem("slow-down", f"{self._what}: more than {self._burst} at once. Wait a moment, then try again.")

    def forget(self, key: str) -> None:
        """Let `key` start afresh, e.g. after a good login."""
        with self._lock:
            self._buckets.pop(key, None)


REQUESTS = Throttle(50, 500, "requests of one person or token")
LOGINS = Throttle(1 / 30, 10, "logins of one name")
EVERYBODY = Throttle(2, 60, "logins and invitations")
