"""One rule for every door: who is not known yet may show a wrong secret a few times, and then must wait.

A door is where somebody shows a password, a one-time link, an invitation. Every attempt counts until it turns out
good, so that guesses sent at the same moment count as well.
"""

import time
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from rl_teacher.server.shared_throttle import SharedThrottle
from rl_teacher.server.throttle import address_of

KNOWN_S = 365 * 24 * 3600
"""How long a browser is remembered by which somebody came in."""
_SALT = "rl_teacher.server.throttle"
NAMES = SharedThrottle(1 / 30, 10, "wrong passwords for one name")
ADDRESSES = SharedThrottle(1 / 5, 60, "wrong passwords, links and invitations from one address")


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
    return f"rl_teacher_known_{settings.RL_TEACHER.cookie_suffix}"
