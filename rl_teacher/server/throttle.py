"""Slows down whoever asks too often: leaky buckets in this process."""

import ipaddress
import threading
import time

from django.conf import settings
from django.http import HttpRequest

from rl_teacher.server.problems import Problem


class Throttle:
    """Lets `burst` requests through at once and `per_second` on average, for each key."""

    def __init__(self, per_second: float, burst: int, what: str) -> None:
        self.per_second, self.burst, self.what = per_second, burst, what
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, key: str, now: float | None = None) -> None:
        """Count a request of `key`; raises the problem `slow-down` if there were too many."""
        now = time.monotonic() if now is None else now
        with self._lock:
            level, at = self._buckets.get(key, (0.0, now))
            level = max(0.0, level - (now - at) * self.per_second)
            full = level + 1 > self.burst
            self._buckets[key] = (level if full else level + 1, now)
            if len(self._buckets) > 10_000:
                self._buckets = {k: v for k, v in self._buckets.items() if now - v[1] < self.burst / self.per_second}
        if full:
            raise self.too_many()

    def take_back(self, key: str) -> None:
        """A request of `key` that was counted shall not count."""
        with self._lock:
            if found := self._buckets.get(key):
                self._buckets[key] = (max(0.0, found[0] - 1), found[1])

    def forget(self, key: str) -> None:
        """Let `key` start afresh, e.g. after a good login."""
        with self._lock:
            self._buckets.pop(key, None)

    def too_many(self) -> Problem:
        """What to say to whoever came too often."""
        return Problem("slow-down", f"{self.what}: more than {self.burst} at once. Wait a moment, then try again.")


REQUESTS = Throttle(50, 500, "requests of one person or token")
HEALTH = Throttle(2, 30, "questions for health from one address")


def address_of(request: HttpRequest) -> str:
    """Where a request comes from: an address, of IPv6 the network that one customer has.

    With --behind-proxy it is the last one in X-Forwarded-For: that one the proxy wrote, the others anybody may invent.
    """
    given = request.META.get("REMOTE_ADDR", "")
    if settings.RL_TEACHER.behind_proxy:
        given = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or given
    try:
        address = ipaddress.ip_address(given.strip("[]"))
    except ValueError:
        return request.META.get("REMOTE_ADDR", "")
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
