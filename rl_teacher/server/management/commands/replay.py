"""`rl-teacher manage replay`: brings back answers that the event journal has and the database lost."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from rl_teacher.server.exchange.restore import restore_lines
from rl_teacher.server.exchange.shapes import read_journal
from rl_teacher.server.journal import journal_path
from rl_teacher.server.models import Experiment
from rl_teacher.server.transactions.write import write


class Command(BaseCommand):
    """After a database was restored from an older backup."""

    help = "Bring back answers that the event journal has and the database lost, e.g. after restoring a backup."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        for experiment in Experiment.objects.order_by("slug"):
            path = journal_path(settings.DATA, experiment.slug)
            if not path.exists():
                continue
            with write():
                count = restore_lines(experiment, read_journal(path))
            self.stdout.write(f"{experiment.slug}: {count} events brought back")
