"""Comparisons, and who has which of them on the screen. The indexes here are what keeps two people apart."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Comparison(models.Model):
    """Two different clips put to people; `open_slots` = `wanted` minus the live normal assignments."""

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", "open"
        DONE = "done", "done"
        CANCELLED = "cancelled", "cancelled"
        BROKEN = "broken", "broken"

    id = models.UUIDField(primary_key=True)
    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT)
    a = models.ForeignKey("feedback.Clip", models.PROTECT, related_name="+")
    b = models.ForeignKey("feedback.Clip", models.PROTECT, related_name="+")
    priority = models.FloatField(default=0)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    wanted = models.PositiveSmallIntegerField(default=1)
    done = models.PositiveSmallIntegerField(default=0)
    open_slots = models.SmallIntegerField(default=1)
    gold_answer = models.CharField(max_length=16, null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    body_hash = models.CharField(max_length=64)

    class Meta:
        db_table = "comparison"
        constraints = [
            models.CheckConstraint(condition=~Q(a=F("b")), name="two_different_clips"),
            models.CheckConstraint(
                condition=Q(open_slots__gte=0) & Q(open_slots__lte=F("wanted")), name="slots_add_up"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "done", "cancelled", "broken"]), name="known_comparison_state"
            ),
        ]
        indexes = [
            models.Index(
                F("experiment"),
                F("priority").desc(),
                F("created_at").desc(),
                name="claimable",
                condition=Q(state="open", open_slots__gt=0),
            ),
            models.Index(fields=["experiment", "created_at", "id"], name="comparison_by_time"),
            models.Index(
                fields=["experiment", "-priority", "created_at"],
                name="gold",
                condition=Q(state="open", gold_answer__isnull=False),
            ),
        ]

    @property
    def is_gold(self) -> bool:
        """Its answer is known; it measures people and trains nothing."""
        return self.gold_answer is not None


class Assignment(models.Model):
    """A comparison lent to one person. `swapped` (clip b on the left) never leaves the server."""

    class State(models.TextChoices):
        """Where it stands; `leased` and `answered` are live."""

        LEASED = "leased", "leased"
        ANSWERED = "answered", "answered"
        RELEASED = "released", "released"
        EXPIRED = "expired", "expired"
        FAILED = "failed", "failed"

    class Kind(models.TextChoices):
        """Only `normal` ones train."""

        NORMAL = "normal", "normal"
        GOLD = "gold", "gold"
        REPEAT = "repeat", "repeat"

    LIVE = ("leased", "answered")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    comparison = models.ForeignKey(Comparison, models.PROTECT, related_name="assignments")
    labeler = models.ForeignKey("feedback.Membership", models.PROTECT)
    tab = models.UUIDField()
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.NORMAL)
    swapped = models.BooleanField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.LEASED)
    leased_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    guideline_version = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "assignment"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "slot"],
                condition=Q(state__in=["leased", "answered"], kind="normal"),
                name="one_live_per_slot",
            ),
            models.UniqueConstraint(
                fields=["comparison", "labeler"],
                condition=Q(state__in=["leased", "answered"]) & ~Q(kind="repeat"),
                name="labeler_once",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="leased"), name="live_leases"),
            models.Index(fields=["labeler", "state", "tab"], name="leases_of_labeler"),
            models.Index(fields=["comparison", "labeler"], name="seen_by_labeler"),
            models.Index(fields=["labeler", "-leased_at"], name="newest_of_labeler"),
        ]


class Flag(models.Model):
    """Somebody says that something is wrong with a pair."""

    assignment = models.ForeignKey(Assignment, models.PROTECT)
    reason = models.CharField(max_length=500)
    is_media_error = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "flag"
