"""What the reward model thought of a pair, kept beside what people said of it."""

import struct
from collections.abc import Sequence

from django.db import models


class Prediction(models.Model):
    """What the reward model expected of a comparison: its guess before the answer, and its reward for each frame."""

    comparison = models.OneToOneField("feedback.Comparison", models.PROTECT, primary_key=True)
    p_left = models.FloatField()
    """P(clip a is preferred), before the answer was trained on; the first one stays."""
    p_step = models.PositiveBigIntegerField()
    """When it was made, in env steps."""
    step = models.PositiveBigIntegerField()
    """When the curves were made; newer ones replace them."""
    a = models.BinaryField()
    """Predicted reward of each frame: float32, little-endian."""
    b = models.BinaryField()
    a_picture = models.TextField(blank=True, default="")
    """Where the model looks in clip a: a PNG in base64; empty where it cannot say."""
    b_picture = models.TextField(blank=True, default="")

    class Meta:
        db_table = "prediction"


def pack(curve: Sequence[float]) -> bytes:
    """A curve as it is stored."""
    return struct.pack(f"<{len(curve)}f", *curve)


def unpack(data: bytes | memoryview) -> list[float]:
    """A stored curve."""
    return list(struct.unpack(f"<{len(data) // 4}f", data))
