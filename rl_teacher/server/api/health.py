"""Is the server there (/healthz), and would it store an answer and a clip now (/readyz)?"""

import os
import shutil
import tempfile

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from rl_teacher.server.blobs import KEEP_FREE
from rl_teacher.server.models import WriteCheck
from rl_teacher.server.problems import Problem
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.throttle import HEALTH, address_of
from rl_teacher.server.transactions.write import write
from rl_teacher.server.version import VERSION

FILLER_BYTES = 32 * 1024
"""More than the pages that an answer adds to the database."""


def healthz(request: HttpRequest) -> JsonResponse:
    """Answers whenever the process lives."""
    return JsonResponse(
        {"status": "ok", "name": "rl_teacher", "version": VERSION}, headers={"Cache-Control": "no-store"}
    )


def readyz(request: HttpRequest) -> JsonResponse:
    """200 if an answer and a clip would be stored now, else 503 and what is wrong; both are tried."""
    HEALTH.check(address_of(request))
    checks = {"database": _can_read(), "writes": _can_write(), "files": _can_keep_files(), "disk": _has_room()}
    good = all(checks.values())
    return JsonResponse({"ready": good, **checks}, status=200 if good else 503, headers={"Cache-Control": "no-store"})


def _can_read() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _can_write() -> bool:
    """A row is committed like an answer; the one of the last time goes with it."""
    try:
        with write():
            row = WriteCheck.objects.create(filler=bytes(FILLER_BYTES))
            WriteCheck.objects.exclude(pk=row.pk).delete()
    except (DatabaseError, Problem):
        return False
    return True


def _can_keep_files() -> bool:
    """Where clips and the event journal go."""
    try:
        store_of(settings.DATA).try_out()
        with tempfile.NamedTemporaryFile(dir=settings.DATA.journal, prefix=".incoming-") as file:
            file.write(bytes(1024))
            file.flush()
            os.fsync(file.fileno())
    except (OSError, Problem):
        return False
    return True


def _has_room() -> bool:
    try:
        return bool(shutil.disk_usage(settings.DATA.root).free >= KEEP_FREE)
    except OSError:
        return False
