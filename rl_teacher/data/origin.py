"""Where comparisons come from: a name, and a hash by which the same labels are known again."""

import hashlib
import json
from collections.abc import Iterable

from rl_teacher.data.rows import Answer


def origin_of(kind: str, name: str, answers: Iterable[Answer]) -> dict[str, str]:
    """`kind`, `name`, and the sha256 of all answers."""
    made = hashlib.sha256()
    for one in answers:
        said = [one.comparison, one.labeler, one.preference, one.answered_at, one.rt_ms, one.strength]
        made.update(json.dumps(said).encode())
    return {"kind": kind, "name": name, "sha256": made.hexdigest()}
