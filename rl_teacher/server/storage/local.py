"""Bytes in the data folder: written beside their place, synced, renamed, the folder synced."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from rl_teacher.files import sync_folder
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.storage.store import EXPORTS, FRESH_S, SHA256, alone, blob_key

SMALL = 1024**2


class LocalStore:
    """Blobs in `blobs/`, copies of experiments in `exports/`."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where the bytes of this name lie."""
        if key.startswith(EXPORTS):
            return self._folder.exports / key.removeprefix(EXPORTS)
        return self._folder.blobs / key

    def keep(self, key: str, file: Path, content_type: str) -> None:
        """Give the file its name; what is there already stays, and counts as stored now."""
        target = self.path(key)
        if target.exists() and target.stat().st_size == file.stat().st_size:
            if time.time() - target.stat().st_mtime < FRESH_S:
                os.utime(target)
                return
            with alone():
                self._move(file, target)
            return
        self._move(file, target)

    def _move(self, file: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.chmod(0o600)
        os.utime(file)
        file.replace(target)
        for folder in (target.parent, target.parent.parent, target.parent.parent.parent):
            if folder.is_relative_to(self._folder.root):
                sync_folder(folder)

    def fetch(self, key: str, target: Path) -> None:
        """Copy it."""
        shutil.copyfile(self.path(key), target)

    def older_than(self, seconds: float) -> Iterator[str]:
        """By the time of the file."""
        limit = time.time() - seconds
        for path in self._folder.blobs.rglob("*"):
            if SHA256.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < limit:
                yield path.name

    def delete_if_older(self, sha256: str, seconds: float) -> bool:
        """Look once more, then delete."""
        path = self.path(blob_key(sha256))
        try:
            if path.stat().st_mtime >= time.time() - seconds:
                return False
        except FileNotFoundError:
            return False
        path.unlink(missing_ok=True)
        return True

    def try_out(self) -> None:
        """Write a kilobyte to the disk."""
        with tempfile.NamedTemporaryFile(dir=self._folder.blobs, prefix=".incoming-") as file:
            file.write(bytes(1024))
            file.flush()
            os.fsync(file.fileno())

    async def respond(
        self, request: Request, key: str, content_type: str, headers: Mapping[str, str]
    ) -> Response | None:
        """From the disk; a small one at once, for it is in the page cache and read faster than a thread is asked."""
        path = self.path(key)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return None
        if size > SMALL or "range" in request.headers:
            return FileResponse(path, media_type=content_type, headers=headers)
        return Response(path.read_bytes(), media_type=content_type, headers=headers)

    async def address(self, key: str, seconds: int) -> str | None:
        """Nowhere but here."""
        return None
