"""Stored bytes, and the clips made of them."""

from django.db import models
from django.utils import timezone


class Blob(models.Model):
    """Bytes that one experiment may use; the file is shared by content, the row is not."""

    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=32)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "blob"
        constraints = [models.UniqueConstraint(fields=["experiment", "sha256"], name="one_blob")]


class Clip(models.Model):
    """A segment: its video and, beside it, its arrays. Its id is its own: a stuck agent renders identical bytes."""

    id = models.UUIDField(primary_key=True)
    experiment = models.ForeignKey("feedback.Experiment", models.PROTECT)
    mp4 = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    webm = models.ForeignKey(Blob, models.PROTECT, related_name="+", null=True, blank=True)
    arrays = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    fps = models.FloatField()
    n_frames = models.PositiveIntegerField()
    hold_frames = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    step = models.PositiveBigIntegerField()
    seed = models.BigIntegerField(null=True, blank=True)
    ret = models.FloatField(null=True, blank=True)
    meta = models.JSONField(default=dict)
    broken = models.BooleanField(default=False)
    body_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "clip"
        indexes = [models.Index(fields=["experiment", "id"], name="clip_by_id")]
