"""Accounts, and what an account may do in one experiment."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class User(AbstractUser):
    """An account; `is_superuser` is the role admin."""

    is_guest = models.BooleanField(default=False)
    """Whether it is nobody's account: somebody answers by a link alone."""

    class Meta:
        db_table = "account"


class Role(models.TextChoices):
    """What a member may do, most first."""

    OWNER = "owner", "owner"
    LABELER = "labeler", "labeler"
    VIEWER = "viewer", "viewer"


class Membership(models.Model):
    """A person in an experiment, known there by a pseudonym; `user` is NULL once anonymised."""

    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT, related_name="members")
    user = models.ForeignKey("feedback.User", models.PROTECT, null=True, blank=True, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    pseudonym = models.CharField(max_length=64)
    answers = models.PositiveIntegerField(default=0)
    """Current answers of this person, checks and extras included; kept in step by the answer's transaction."""
    joined_at = models.DateTimeField(default=timezone.now)
    invite = models.ForeignKey("feedback.Invite", models.PROTECT, null=True, blank=True, related_name="members")
    """By which they came in, if by any."""

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["experiment", "user"], name="one_membership"),
            models.UniqueConstraint(fields=["experiment", "pseudonym"], name="one_pseudonym"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.pseudonym} ({self.role})"
