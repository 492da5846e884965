"""The Django app of this package."""

from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    """Names the app; there are no signals and nothing happens on start."""

    name = "rl_teacher.server"
    label = "feedback"
    default_auto_field = "django.db.models.BigAutoField"
