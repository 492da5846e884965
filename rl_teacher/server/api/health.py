"""Is the server there (/healthz), and can it write (/readyz)?"""

import shutil

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from rl_teacher.server.blobs import KEEP_FREE
from rl_teacher.server.version import VERSION


def healthz(request: HttpRequest) -> JsonResponse:
    """Answers whenever the process lives."""
    return JsonResponse(
        {"status": "ok", "name": "rl_teacher", "version": VERSION}, headers={"Cache-Control": "no-store"}
    )


def readyz(request: HttpRequest) -> JsonResponse:
    """200 if the database answers and the disk has room, else 503 and what is wrong."""
    checks = {"database": True, "disk": shutil.disk_usage(settings.DATA.root).free >= KEEP_FREE}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # whatever the driver raises, the answer is the same
        checks["database"] = False
    good = all(checks.values())
    return JsonResponse({"ready": good, **checks}, status=200 if good else 503, headers={"Cache-Control": "no-store"})
