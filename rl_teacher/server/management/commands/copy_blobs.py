"""`rl-teacher manage copy_blobs`: brings the clips of a data folder into the object store that shall have them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rl_teacher.server.models import Blob
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.storage.local import LocalStore
from rl_teacher.server.storage.store import blob_key


class Command(BaseCommand):
    """Before a server that had its clips in the data folder starts with --blobs."""

    help = "Copy all clips and arrays of the data folder into the object store named by RL_TEACHER_BLOBS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run; again after it was stopped, it sends only what is missing."""
        if not settings.RL_TEACHER.blobs:
            raise CommandError("RL_TEACHER_BLOBS names no object store, expected s3://bucket/prefix, gs://… or az://….")
        folder, store, missing, count = LocalStore(settings.DATA), store_of(settings.DATA), [], 0
        for sha256, kind in Blob.objects.order_by("sha256").values_list("sha256", "content_type").distinct():
            path = folder.path(blob_key(sha256))
            if path.is_file():
                store.keep(blob_key(sha256), path, kind)
                count += 1
            else:
                missing.append(sha256)
        self.stdout.write(f"{count} files are in {settings.RL_TEACHER.blobs} now")
        if missing:
            raise CommandError(f"{len(missing)} files are not in {settings.DATA.blobs}, such as {missing[0]}.")
