"""The header Range, as far as players use it: one range of bytes."""

import re
from collections.abc import Mapping

_ONE = re.compile(r"bytes=(\d*)-(\d*)")


class NotSatisfiable(Exception):
    """The range begins behind the end."""


def wants_range(headers: Mapping[str, str], etag: str) -> bool:
    """Whether a part is asked for: one range, of the bytes that the client knows."""
    found = _ONE.fullmatch(headers.get("range", "").strip())
    return found is not None and any(found.groups()) and headers.get("if-range", etag).strip() == etag


def is_all(headers: Mapping[str, str]) -> bool:
    """Whether the range is all of it, as players ask first."""
    return headers.get("range", "").strip() == "bytes=0-"


def range_of(header: str, size: int) -> tuple[int, int]:
    """First byte, and the one behind the last, of a header that `wants_range` has taken.

    Raises:
        NotSatisfiable: there is no such byte.
    """
    found = _ONE.fullmatch(header.strip())
    assert found is not None, f"no range: {header[:80]!r}"
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    if start >= size or start >= stop:
        raise NotSatisfiable
    return start, stop
