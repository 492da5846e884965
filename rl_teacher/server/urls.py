"""Every address that Django serves. All need a session or a token, but for the doors and health."""

from django.contrib import admin
from django.urls import include, path

from rl_teacher.server.api import health, viewer
from rl_teacher.server.api.schema import api
from rl_teacher.server.pages import entry

handler400 = "rl_teacher.server.problems.bad_request"
handler403 = "rl_teacher.server.problems.forbidden"
handler404 = "rl_teacher.server.problems.not_found"
handler500 = "rl_teacher.server.problems.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/experiments/<str:slug>/events", viewer.events, name="events"),
    path("api/", api.urls),
    path("admin/login/", entry.admin_sign_in),
    path("admin/password_change/", entry.admin_password),
    path("admin/", admin.site.urls),
    path("", include("rl_teacher.server.pages.urls")),
]
