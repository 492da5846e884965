"""Files that survive a crash: replaced whole, or grown by whole lines.

A disk that is full or cannot be written becomes one FolderUnwritable here, and nothing half-written stays.
"""

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rl_teacher.errors import FileDamaged, FolderUnwritable

WHAT_TO_DO = {
    errno.ENOSPC: "Make room on the disk; a run then goes on with --resume.",
    errno.EDQUOT: "Make room in your quota; a run then goes on with --resume.",
    errno.EFBIG: "Allow larger files (ulimit -f); a run then goes on with --resume.",
    errno.EIO: "The disk fails: look at the system's log; a run then goes on with --resume.",
    errno.EROFS: "Make the disk writable, or choose another folder.",
    errno.ENAMETOOLONG: "Use a shorter name.",
    errno.EILSEQ: "This disk takes no such characters: use letters and digits.",
    errno.EEXIST: "What stands there is no folder: move it away, or choose another.",
    errno.ENOENT: "The folder is not there: make it, or choose another.",
    errno.ENOTDIR: "A part of its path is no folder: move it away, or choose another.",
}
"""By the number of an OSError."""
BOM = b"\xef\xbb\xbf"
"""What some editors begin a file of text with."""
PROBE_BYTES = 64 * 1024
"""Written to find out whether a folder takes anything: a full disk takes names, but no bytes [byte]."""


def unwritable(path: Path, error: OSError, flag: str = "") -> FolderUnwritable:
    """The error for a file or folder that cannot be written, with what to do about it; `flag` names it, if any does."""
    reason = error.strerror or type(error).__name__
    to_do = WHAT_TO_DO.get(error.errno or 0, "Make it writable, or choose another folder.")
    return FolderUnwritable(f"{flag and flag + ' '}{path}: cannot be written ({reason}). {to_do}")


@contextlib.contextmanager
def writing(path: Path, flag: str = "") -> Iterator[None]:
    """Turns what the system says while `path`, which `flag` names, is written into FolderUnwritable."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error, flag) from error


def user_path(text: str) -> Path:
    """A path as people write it: `~` is their home.

    Raises:
        FolderUnwritable: it begins with the home of a user who does not exist.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise FolderUnwritable(f"{text}: cannot be written ({error}). Choose another folder.") from error


def make_folder(folder: Path, flag: str = "") -> None:
    """Make a folder and all above it, where they are not there yet.

    Raises:
        FolderUnwritable: it cannot be made, or something else stands there.
    """
    with writing(folder, flag):
        folder.mkdir(parents=True, exist_ok=True)


def require_writable(folder: Path, flag: str = "") -> None:
    """Make sure of a folder before anything depends on it; it stays, and is empty where it was not there.

    Raises:
        FolderUnwritable: it cannot be made, or takes no file, or no byte.
    """
    make_folder(folder, flag)
    probe = folder / f".probe-{os.getpid()}"
    try:
        with writing(folder, flag):
            probe.write_bytes(bytes(PROBE_BYTES))
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file: a reader sees the old one or the new one, also after a power cut.

    Raises:
        FolderUnwritable: no room, or no right to; the old one stands. So does what is no file: a device, a folder.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise FolderUnwritable(f"{path}: cannot be written (it is there, and no file). Choose another name.")
    beside = path.with_name(f".{path.name}.new")
    try:
        with writing(path):
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(path.parent)
    except FolderUnwritable:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make new names in this folder durable, on disks that can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks sync files only
            raise
    finally:
        os.close(handle)


def append_lines(path: Path, values: Iterable[Any], *, sort_keys: bool = False) -> None:
    """Add a line of JSON for each value; all are on the disk when this returns.

    Raises:
        FolderUnwritable: no room, or no right to; the file is as it was.
    """
    data = "".join(json.dumps(value, sort_keys=sort_keys) + "\n" for value in values).encode()
    with writing(path), path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            _write_all(file.fileno(), data)
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            raise


def _write_all(handle: int, data: bytes) -> None:
    """All of it: a disk that fills up takes a part first, and refuses the rest."""
    while data:
        data = data[os.write(handle, data) :]


def read_lines(path: Path) -> Iterator[Any]:
    """The values of a file of JSON lines; a last line that a crash tore is left out. No file: none.

    Lines may end as an editor of any system ends them, empty ones are skipped, and the last one may lack its end.

    Raises:
        FileDamaged: a line is no JSON, or nothing can be read.
    """
    if not os.path.exists(path):
        return
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileDamaged(f"{path}: cannot be read ({error.strerror}). Make it a readable file again.") from error
    *lines, last = data.removeprefix(BOM).split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _value(path, number, line)
    if is_whole(last):
        yield json.loads(last)


def is_whole(line: bytes) -> bool:
    """Whether a line without its end is an object or a text of JSON all the same: no part of one is."""
    try:
        return isinstance(json.loads(line), dict | str)
    except ValueError:
        return False


def drop_torn_line(path: Path) -> None:
    """End the last line, or cut off what is none, so that the next one starts on a line of its own."""
    if not path.exists():
        return
    data = path.read_bytes()
    if not data or data.endswith(b"\n"):
        return
    with writing(path):
        start = data.rfind(b"\n") + 1
        if is_whole(data[start:].removeprefix(BOM)):
            with path.open("ab") as file:
                file.write(b"\n")
        else:
            os.truncate(path, start)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file whole: a reader sees the old one or the new one, also after a crash."""
    write_whole(path, (json.dumps(values, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, as any editor leaves it.

    Raises:
        FileDamaged: there is no object of JSON in it.
    """
    try:
        values = json.loads(path.read_bytes().removeprefix(BOM))
    except (OSError, ValueError) as error:
        raise FileDamaged(f"{path}: cannot be read ({error}). Mend it, or restore it from a backup.") from error
    if not isinstance(values, dict):
        raise FileDamaged(f"{path}: got {type(values).__name__}, expected an object of JSON. Restore it from a backup.")
    return values


def _value(path: Path, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise FileDamaged(
            f"{path}, line {number}: got {line[:60].decode(errors='replace')!r}, expected JSON. "
            "Mend or delete the line."
        ) from error
