"""Every address that Django serves. All need a session or a token, but for the login and health."""

from django.contrib import admin
from django.urls import include, path

from rl_teacher.feedback.api import health, viewer
from rl_teacher.feedback.api.schema import api

handler400 = "rl_teacher.feedback.problems.bad_request"
handler403 = "rl_teacher.feedback.problems.forbidden"
handler404 = "rl_teacher.feedback.problems.not_found"
handler500 = "rl_teacher.feedback.problems.server_error"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/experiments/<str:slug>/events", viewer.events, name="events"),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
    path("", include("rl_teacher.feedback.pages.urls")),
]
