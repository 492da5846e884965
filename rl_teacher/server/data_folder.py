"""The folder that holds all of a server's data: paths, secrets, the lock, and who serves it right now."""

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.errors import FolderUnwritable, ServerFault

NETWORK_FILESYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "lustre",
    "beegfs",
    "gpfs",
    "ceph",
    "9p",
    "afs",
    "fuse.sshfs",
}


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths inside `root`."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "db.sqlite3"

    @property
    def server_json(self) -> Path:
        """Url, pid and version of the server that runs now."""
        return self.root / "server.json"

    @property
    def trainer_token(self) -> Path:
        """The token of trainers on this machine."""
        return self.root / "trainer.token"

    @property
    def blobs(self) -> Path:
        """Clips and arrays by content."""
        return self.root / "blobs"

    @property
    def journal(self) -> Path:
        """The event journal: the feed again, as lines of JSON."""
        return self.root / "mirror"  # its name in the first version; folders of then go on working

    @property
    def backups(self) -> Path:
        """Copies of the database."""
        return self.root / "backups"

    @property
    def exports(self) -> Path:
        """Copies of experiments."""
        return self.root / "exports"

    def make(self) -> "DataFolder":
        """Create what is missing, readable by its owner only."""
        try:
            for folder in (self.root, self.blobs, self.journal, self.backups, self.exports):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.root.chmod(0o700)
        except OSError as error:
            raise FolderUnwritable(
                f"data folder {self.root}: cannot be made or written ({error.strerror}). Name another with --data-dir."
            ) from error
        return self

    def secret_key(self) -> str:
        """Django's key, made at the first start."""
        return self._secret(self.root / "secret_key")

    def own_token(self, given: str | None) -> str:
        """The trainer token of this machine: the one given, else the stored one, else a new one."""
        if given:
            write_private(self.trainer_token, given)
            return given
        return self._secret(self.trainer_token, prefix="rlt_")

    def stored_token(self) -> str:
        """The trainer token of the last start; empty: there was none."""
        try:
            return self.trainer_token.read_text(encoding="utf-8-sig").strip()
        except FileNotFoundError:
            return ""

    def _secret(self, path: Path, prefix: str = "") -> str:
        if path.exists() and (text := path.read_text(encoding="utf-8-sig").strip()):
            return text
        text = prefix + secrets.token_urlsafe(48)
        write_private(path, text)
        return text


def write_private(path: Path, text: str) -> None:
    """Replace `path` in one step; nobody else may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class ServerLock:
    """Held by the one process that serves a data folder; the kernel lets go when the process dies."""

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.root / "server.lock"
        self._file: int | None = None

    def acquire(self) -> bool:
        """Whether the lock is now ours."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def running_server(folder: DataFolder) -> dict[str, str | int] | None:
    """What server.json says, if there is one."""
    try:
        found = json.loads(folder.server_json.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "url" in found else None


def refuse_network_disk(root: Path, mounts: str | None = None) -> None:
    """Raise ServerFault if `root` lies on a network file system, where SQLite's locks do not hold."""
    if mounts is None:
        path = Path("/proc/mounts")
        mounts = path.read_text() if path.exists() else ""
    root = root.resolve()
    best, kind = Path("/"), ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if root.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, fields[2]
    if kind in NETWORK_FILESYSTEMS:
        raise ServerFault(
            f"data folder {root}: {best} is a network disk ({kind}), where SQLite can lose labels; "
            "expected a local one. "
            "Use --data-dir with a local folder, or --allow-network-disk if only this machine uses it."
        )
