"""Django's admin, to look at everything and to change almost nothing."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from rl_teacher.server import models


class ReadOnly(admin.ModelAdmin):
    """Look, do not touch."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes."""
        return False


class Accounts(UserAdmin):
    """Accounts are made and switched off here; they are never deleted, their answers name them."""

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes."""
        return False


admin.site.register(models.User, Accounts)
for model in (
    models.Experiment,
    models.Membership,
    models.Guideline,
    models.Clip,
    models.Blob,
    models.Comparison,
    models.Assignment,
    models.Response,
    models.LabelEvent,
    models.Withdrawal,
    models.Flag,
    models.AuditLog,
    models.Export,
):
    admin.site.register(model, ReadOnly)
