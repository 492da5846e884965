"""What opens the door: API tokens, one-time login links, invitations; and the log of who did what."""

from django.db import models
from django.utils import timezone

from rl_teacher.server.models.people import Role


class ApiToken(models.Model):
    """A bearer token of a trainer, kept as a hash; without an experiment it is this machine's own."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    sha256 = models.CharField(max_length=64, unique=True)
    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT, null=True, blank=True)
    loopback_only = models.BooleanField(default=False)
    scopes = models.JSONField(default=list)
    made_by = models.ForeignKey("feedback.User", models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_valid(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class LoginLink(models.Model):
    """A login that works once, for a few minutes."""

    sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey("feedback.User", models.PROTECT)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "login_link"


class Invite(models.Model):
    """A code that makes whoever opens it a member; `for_guests`: without an account, to answer and no more."""

    sha256 = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT)
    role = models.CharField(max_length=16, choices=Role.choices)
    made_by = models.ForeignKey("feedback.User", models.PROTECT)
    expires_at = models.DateTimeField()
    uses_left = models.PositiveIntegerField()
    for_guests = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "invite"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(for_guests=False) | models.Q(role="labeler"), name="guests_only_label"
            ),
        ]

    @property
    def is_valid(self) -> bool:
        """Neither revoked, nor used up, nor expired."""
        return self.revoked_at is None and self.uses_left > 0 and self.expires_at > timezone.now()

    def revoke(self) -> None:
        """Nobody comes in by it any more."""
        self.revoked_at = timezone.now()
        self.save()


class Tries(models.Model):
    """How often somebody unknown tried to come in, where several processes count together: a leaky bucket."""

    key = models.CharField(max_length=64, primary_key=True)
    level = models.FloatField(default=0.0)
    at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "tries"


class AuditLog(models.Model):
    """Who changed what, other than answers."""

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey("feedback.User", models.PROTECT, null=True, blank=True)
    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT, null=True, blank=True)
    action = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "audit_log"
        indexes = [models.Index(fields=["experiment", "at"], name="audit_by_time")]

    def __str__(self) -> str:
        return self.action
