"""Looks into uploads: is this the video it says, are these arrays harmless."""

import ast
import math
import struct
import zipfile
from pathlib import Path
from typing import IO

from rl_teacher.server.problems import Problem

REQUIRED_ARRAYS = {"obs", "actions"}
KNOWN_ARRAYS = REQUIRED_ARRAYS | {"next_obs", "state", "true_reward"}
MAX_INFLATED = 256 * 1024 * 1024
MAX_HEADER = 4096
_ITEM_SIZES = {
    f"{kind}{size}": size
    for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.items()
    for size in sizes
} | {"b1": 1}


def check_upload(path: Path, content_type: str) -> None:
    """Raise a Problem unless the file is what `content_type` says."""
    if content_type == "application/x-npz":
        check_arrays(path)
    else:
        check_video(path, content_type)


def check_video(path: Path, content_type: str) -> None:
    """A file that starts like the video it claims to be and is whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if content_type == "video/mp4":
            if len(head) < 12 or head[4:8] != b"ftyp":
                raise Problem("bad-media", f"video/mp4: starts with {head[:12]!r}, expected an `ftyp` box.")
            _check_boxes(file, size)
        elif not head.startswith(b"\x1a\x45\xdf\xa3") or b"webm" not in head:
            raise Problem("bad-media", f"video/webm: starts with {head[:12]!r}, expected EBML with DocType webm.")


def _check_boxes(file: IO[bytes], size: int) -> None:
    """The top-level boxes of an mp4 follow each other to the very end: nothing was cut off."""
    names, offset = set(), 0
    while offset < size:
        file.seek(offset)
        header = file.read(16)
        if len(header) < 8:
            raise Problem("bad-media", f"video/mp4: cut off at byte {offset} of {size}.")
        length, name = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        elif length == 0:
            length = size - offset
        if length < 8 or offset + length > size:
            raise Problem(
                "bad-media", f"video/mp4: box {name!r} at byte {offset} says {length} bytes, the file has {size}."
            )
        names.add(name)
        offset += length
    if b"moov" not in names and b"moof" not in names:
        raise Problem("bad-media", "video/mp4: there is no `moov` box, so no player can open it.")


def check_arrays(path: Path) -> None:
    """An npz with the known members, plain numbers only, of bounded size; nothing is inflated before that is known."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        struct.error,
    ) as error:
        raise Problem("bad-arrays", f"application/x-npz: not a readable zip file ({error}).") from error


def _check_members(archive: zipfile.ZipFile) -> None:
    infos = archive.infolist()
    names = [info.filename.removesuffix(".npy") for info in infos]
    if (
        len(set(names)) != len(names)
        or not REQUIRED_ARRAYS <= set(names) <= KNOWN_ARRAYS
        or any(not info.filename.endswith(".npy") for info in infos)
    ):
        raise Problem(
            "bad-arrays",
            f"members {sorted(names)[:10]!r}: expected {sorted(REQUIRED_ARRAYS)} and at most {sorted(KNOWN_ARRAYS)}.",
        )
    total = sum(info.file_size for info in infos)
    if total > MAX_INFLATED:
        raise Problem("bad-arrays", f"the arrays say {total} bytes, expected at most {MAX_INFLATED}.")
    lengths = {}
    for info, name in zip(infos, names, strict=True):
        with archive.open(info) as file:
            shape, item, start = _header(file, name)
        declared = item * math.prod(shape) + start
        if declared != info.file_size:
            raise Problem(
                "bad-arrays", f"{name}: shape {shape} needs {declared} bytes, the member has {info.file_size}."
            )
        lengths[name] = shape[0] if shape else 0
    if lengths["obs"] != lengths["actions"] or lengths["obs"] < 1:
        raise Problem(
            "bad-arrays", f"obs has {lengths['obs']} steps, actions {lengths['actions']}; expected as many, at least 1."
        )
    bad = archive.testzip()
    if bad is not None:
        raise Problem("bad-arrays", f"{bad}: its checksum is wrong, so the upload is damaged.")


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], int, int]:
    """Shape, bytes per item and offset of the data, from a .npy header, without numpy and without pickle."""
    magic = file.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\x01", b"\x02", b"\x03"):
        raise Problem("bad-arrays", f"{name}: starts with {magic!r}, expected a .npy file.")
    wide = magic[6] > 1
    raw = file.read(4 if wide else 2)
    length = int.from_bytes(raw, "little")
    if length > MAX_HEADER:
        raise Problem("bad-arrays", f"{name}: its header has {length} bytes, expected at most {MAX_HEADER}.")
    text = file.read(length).decode("latin1")
    try:
        found = ast.literal_eval(text.strip())
        descr, shape = found["descr"], found["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise Problem("bad-arrays", f"{name}: its header cannot be read.") from error
    if not isinstance(descr, str) or descr[:1] not in "<>|=" or descr[1:] not in _ITEM_SIZES:
        raise Problem(
            "bad-arrays",
            f"{name}: dtype {str(descr)[:60]!r}, expected plain numbers or booleans (no objects, no structures).",
        )
    if not isinstance(shape, tuple) or len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise Problem("bad-arrays", f"{name}: shape {str(shape)[:60]!r} is not one.")
    return shape, _ITEM_SIZES[descr[1:]], 8 + len(raw) + length
