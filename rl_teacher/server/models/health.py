"""What /readyz writes to see whether anything can be written."""

from django.db import models


class WriteCheck(models.Model):
    """One row, replaced by each check."""

    filler = models.BinaryField()

    class Meta:
        db_table = "write_check"
