"""What a place for bytes must offer, the names in it, and who may delete."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from rl_teacher.server import postgres
from rl_teacher.server.problems import Problem

SHA256 = re.compile(r"[0-9a-f]{64}")
ORPHAN_AGE_S = 24 * 3600
FRESH_S = ORPHAN_AGE_S / 2
"""Bytes stored so lately are safe from being deleted until a row names them."""
EXPORTS = "exports/"
_ALONE = threading.Lock()


def blob_key(sha256: str) -> str:
    """The name of the bytes with this hash; it is ours, never the client's."""
    if not SHA256.fullmatch(sha256):
        raise Problem("not-found", f"blob {sha256[:80]!r}: expected 64 hexadecimal digits.")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def export_key(export: UUID) -> str:
    """The name of a copy of an experiment."""
    return f"{EXPORTS}{export.hex}.zip"


class Store(Protocol):
    """Bytes by name. A name always means the same bytes. Each call may raise the Problem `busy`: try again later."""

    def keep(self, key: str, file: Path, content_type: str) -> None:
        """Take the bytes of `file`, which may be moved away; afterwards they survive a power cut."""
        ...

    def fetch(self, key: str, target: Path) -> None:
        """Copy them into `target`; raises FileNotFoundError."""
        ...

    def older_than(self, seconds: float) -> Iterator[str]:
        """Hashes of blobs that nobody has stored, also not once more, for so long."""
        ...

    def delete_if_older(self, sha256: str, seconds: float) -> bool:
        """Delete a blob unless somebody has stored it meanwhile; whether it is gone. The caller holds `alone`."""
        ...

    def try_out(self) -> None:
        """Write, read and delete a few bytes; raises OSError or Problem."""
        ...

    async def respond(
        self, request: Request, key: str, content_type: str, headers: Mapping[str, str]
    ) -> Response | None:
        """The answer that has the bytes, or the range of them that was asked for; None: there are none."""
        ...

    async def address(self, key: str, seconds: int) -> str | None:
        """Where a browser can fetch them itself for so long; None: only through this server."""
        ...


@contextmanager
def alone() -> Iterator[None]:
    """While the block lasts nobody else deletes bytes or saves old ones from it, in any process."""
    with _ALONE:
        if postgres.is_used():
            with postgres.alone(postgres.SWEEP):
                yield
        else:
            yield
