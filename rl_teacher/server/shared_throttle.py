"""Counts of wrong attempts in the database, so that several processes do not allow several times as many."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.crypto import salted_hmac

from rl_teacher.server import postgres
from rl_teacher.server.models import Tries
from rl_teacher.server.throttle import Throttle
from rl_teacher.server.transactions.write import write

KEEP = timedelta(days=1)
clock = timezone.now


class SharedThrottle(Throttle):
    """A throttle of all processes on one PostgreSQL; with SQLite there is one process, which counts for itself."""

    def check(self, key: str, now: float | None = None) -> None:
        """Count a request of `key`; raises the problem `slow-down` if there were too many."""
        if not postgres.is_used():
            super().check(key, now)
            return
        with write():
            row = self._row(key)
            allowed = row.level + 1 <= self.burst
            row.level += 1 if allowed else 0
            row.save()
        if not allowed:
            raise self.too_many()

    def take_back(self, key: str) -> None:
        """A request of `key` that was counted shall not count."""
        if not postgres.is_used():
            super().take_back(key)
            return
        with write():
            row = self._row(key)
            row.level = max(0.0, row.level - 1)
            row.save()

    def forget(self, key: str) -> None:
        """Let `key` start afresh, e.g. after a good login."""
        if not postgres.is_used():
            super().forget(key)
            return
        with write():
            Tries.objects.filter(pk=self._name(key)).delete()

    def _name(self, key: str) -> str:
        """What is stored of a name or an address: nobody reads from it who tried."""
        return salted_hmac("rl_teacher.server.tries", f"{self.what}|{key}", algorithm="sha256").hexdigest()

    def _row(self, key: str) -> Tries:
        """As it is now, locked until the transaction ends."""
        now, name = clock(), self._name(key)
        Tries.objects.bulk_create([Tries(key=name, at=now)], ignore_conflicts=True)
        found: Any = Tries.objects.select_for_update().get(pk=name)
        passed_s = max(0.0, (now - found.at).total_seconds())  # clocks of two machines differ a little
        found.level = max(0.0, found.level - passed_s * self.per_second)
        found.at = max(now, found.at)
        return found


def forget_old() -> int:
    """Delete counts of which nothing is left after a day; how many."""
    with write():
        return int(Tries.objects.filter(at__lt=timezone.now() - KEEP).delete()[0])
