"""Content hashes by which a repeated write is recognised."""

import hashlib
import json
from typing import Any


def canonical(body: Any) -> bytes:
    """JSON with one spelling."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), default=str, allow_nan=False).encode()


def body_hash(body: Any) -> str:
    """sha256 of the canonical JSON."""
    return hashlib.sha256(canonical(body)).hexdigest()


def file_hash(data: bytes) -> str:
    """sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
