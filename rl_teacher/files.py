"""Files that survive a crash: replaced whole, or grown by whole lines."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file: a reader sees the old one or the new one, also after a power cut."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make new names in this folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def append_lines(path: Path, values: Iterable[Any], *, sort_keys: bool = False) -> None:
    """Add a line of JSON for each value; all are on the disk when this returns."""
    with path.open("ab") as file:
        file.write("".join(json.dumps(value, sort_keys=sort_keys) + "\n" for value in values).encode())
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> Iterator[Any]:
    """The values of a file of JSON lines; a last line that a crash tore is left out. No file: none."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)


def drop_torn_line(path: Path) -> None:
    """Cut off a last line without its end, so that the next one starts on a line of its own."""
    if path.exists():
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            os.truncate(path, data.rfind(b"\n") + 1)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file whole: a reader sees the old one or the new one, also after a crash."""
    write_whole(path, (json.dumps(values, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file."""
    values: dict[str, Any] = json.loads(path.read_text())
    return values
