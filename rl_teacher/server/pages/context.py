"""What every template gets."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from rl_teacher.server.models import Experiment, Membership
from rl_teacher.server.version import VERSION


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """`me`, `server`, `nav`, and `base`: what every address of ours begins with."""
    base = settings.RL_TEACHER.base_path
    user = getattr(request, "user", None)  # absent when a middleware before the login refused the request
    if user is None or not user.is_authenticated:
        me = {"id": None, "name": "", "is_admin": False, "is_guest": False, "is_anonymous": True}
        return {"me": me, "server": _server(), "nav": [], "base": base}
    if user.is_superuser:
        nav = [
            {"slug": slug, "role": "admin"}
            for slug in Experiment.objects.order_by("slug").values_list("slug", flat=True)
        ]
    else:
        rows = Membership.objects.filter(user=user).order_by("experiment__slug").values_list("experiment__slug", "role")
        nav = [{"slug": slug, "role": role} for slug, role in rows]
    me = {
        "id": user.pk,
        "name": user.username,
        "is_admin": user.is_superuser,
        "is_guest": user.is_guest,
        "is_anonymous": False,
    }
    return {"me": me, "server": _server(), "nav": nav, "base": base}


def _server() -> dict[str, Any]:
    return {"version": VERSION, "embedded": not settings.RL_TEACHER.behind_proxy}
