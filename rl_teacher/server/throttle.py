"""Slows down whoever asks or guesses too often: leaky buckets in this process, and one rule for every door.

A door is where somebody who is not known yet shows a secret: the password, the one-time link, an invitation. Every
attempt counts until it turns out good, so that guesses sent at the same moment count as well.
"""

import ipaddress
import threading
import time
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from rl_teacher.server.problems import Problem

KNOWN_S = 365 * 24 * 3600
"""How long a browser is remembered by which somebody came in."""
_SALT = "rl_teacher.server.throttle"


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

    def take_back(self, key: str) -> None:
        """A request of `key` that was counted shall not count."""
        with self._lock:
            if found := self._buckets.get(key):
                self._buckets[key] = (max(0.0, found[0] - 1), found[1])

    def forget(self, key: str) -> None:
        """Let `key` start afresh, e.g. after a good login."""
        with self._lock:
            self._buckets.pop(key, None)


REQUESTS = Throttle(50, 500, "requests of one person or token")
NAMES = Throttle(1 / 30, 10, "wrong passwords for one name")
ADDRESSES = Throttle(1 / 5, 60, "wrong passwords, links and invitations from one address")
HEALTH = Throttle(2, 30, "questions for health from one address")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to come in; it counts as wrong until `succeeded` is called."""

    address: str
    name: str = ""

    @classmethod
    def begin(cls, request: HttpRequest, username: str = "") -> Self:
        """Count it.

        Wrong passwords for a name count for the address they come from, so that nobody locks out whoever sits at
        another one; a browser by which that person came in before counts for itself, also behind the same address.

        Raises:
            Problem: `slow-down`, there were too many wrong ones.
        """
        address, name = address_of(request), username.lower()
        if name and (browser := _known_browser(request, name)):
            NAMES.check(f"{browser} {name}")
            return cls("", f"{browser} {name}")
        key = f"{address} {name}" if name else ""
        ADDRESSES.check(address)
        if key:
            NAMES.check(key)
        return cls(address, key)

    def succeeded(self) -> None:
        """It was the rightful person."""
        if self.address:
            ADDRESSES.take_back(self.address)
        if self.name:
            NAMES.forget(self.name)


def remember_browser(response: HttpResponseBase, username: str) -> None:
    """Know this browser again when `username` mistypes the password: it opens nothing."""
    response.set_cookie(
        _cookie(),
        signing.dumps([username.lower(), time.time_ns()], salt=_SALT),
        max_age=KNOWN_S,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known_browser(request: HttpRequest, name: str) -> str:
    try:
        owner, number = signing.loads(request.COOKIES.get(_cookie(), ""), salt=_SALT, max_age=KNOWN_S)
    except (signing.BadSignature, TypeError, ValueError):
        return ""
    return f"browser {number}" if owner == name else ""


def _cookie() -> str:
    return f"rl_teacher_known_{settings.RL_TEACHER.port}"


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
