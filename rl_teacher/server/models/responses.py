"""What people said, append-only, and the gap-free feed of it."""

from django.db import models
from django.db.models import Q

AGREES = (
    Q(side="left", swapped=False, preferred="a")
    | Q(side="left", swapped=True, preferred="b")
    | Q(side="right", swapped=False, preferred="b")
    | Q(side="right", swapped=True, preferred="a")
    | Q(side="tie", preferred="tie")
    | Q(side="cant_tell", preferred="cant_tell")
)
"""The one mapping from what was on the screen to what was meant."""


class Response(models.Model):
    """One answer, as the labeler's browser sent it; a revision is another row that supersedes this one."""

    id = models.UUIDField(primary_key=True)
    assignment = models.ForeignKey("feedback.Assignment", models.PROTECT, related_name="responses")
    labeler = models.ForeignKey("feedback.Membership", models.PROTECT)
    side = models.CharField(max_length=16)
    swapped = models.BooleanField()
    preferred = models.CharField(max_length=16)
    strength = models.FloatField(null=True, blank=True)
    rt_ms = models.PositiveIntegerField(null=True, blank=True)
    shown_ms = models.PositiveIntegerField(null=True, blank=True)
    hidden_ms = models.PositiveIntegerField(null=True, blank=True)
    loops = models.FloatField(null=True, blank=True)
    speed = models.FloatField(null=True, blank=True)
    rendition = models.CharField(max_length=16, blank=True, default="")
    pressed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField()
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="superseded_by")
    extra = models.BooleanField(default=False)
    body_hash = models.CharField(max_length=64)

    class Meta:
        db_table = "response"
        constraints = [
            models.UniqueConstraint(fields=["assignment"], condition=Q(supersedes=None), name="one_first_answer"),
            models.CheckConstraint(condition=AGREES, name="preferred_agrees"),
        ]
        indexes = [models.Index(fields=["labeler", "-answered_at"], name="answers_of_labeler")]


class Withdrawal(models.Model):
    """An answer taken back by the one who gave it."""

    response = models.OneToOneField(Response, models.PROTECT)
    by = models.ForeignKey("feedback.Membership", models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        db_table = "withdrawal"


class LabelEvent(models.Model):
    """A line of an experiment's feed; `seq` counts 1, 2, 3 … in commit order."""

    class Kind(models.TextChoices):
        """What happened."""

        ANSWERED = "answered", "answered"
        REVISED = "revised", "revised"
        WITHDRAWN = "withdrawn", "withdrawn"

    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT)
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    response = models.ForeignKey(Response, models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        db_table = "label_event"
        constraints = [models.UniqueConstraint(fields=["experiment", "seq"], name="one_event_per_seq")]
