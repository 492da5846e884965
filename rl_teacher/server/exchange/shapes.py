"""What each file of an export looks like, so that every damage is one line that says where."""

import json
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from rl_teacher.errors import ServerFault
from rl_teacher.files import BOM
from rl_teacher.server.api.bodies import (
    Big,
    Body,
    ClipIn,
    Curve,
    EndingIn,
    Finite,
    JsonObject,
    Line,
    MetricIn,
    Name,
    Png,
    Rate,
    Sha256,
    Signed,
    Small,
    no_nul,
    this_century,
)
from rl_teacher.server.api.trainer import SLUG
from rl_teacher.server.exchange.rows import SCHEMA
from rl_teacher.server.journal import whole_lines

_MOMENT = TypeAdapter(datetime)


def _moment(text: str) -> str:
    at = _MOMENT.validate_python(text)
    if at.tzinfo is None:
        raise ValueError("expected a time with its zone")
    this_century(at)
    return text


At = Annotated[str, Field(max_length=64), AfterValidator(_moment)]
Text = Annotated[str, AfterValidator(no_nul)]
Few = Annotated[int, Field(ge=0, le=32_767)]
Hash = Annotated[str, Field(max_length=64), AfterValidator(no_nul)]
Slug = Annotated[str, Field(pattern=rf"^{SLUG.pattern}$")]
Pseudonym = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(no_nul)]
Said = Literal["a", "b", "tie", "cant_tell"]
Kind = Literal["normal", "gold", "repeat"]


class ExperimentRow(Body):
    """Settings that an older version did not have take their defaults."""

    slug: Slug
    env_id: Annotated[Text, Field(max_length=200)]
    config: JsonObject
    config_hash: Annotated[Text, Field(max_length=128)]
    created_at: At
    state: Literal["training", "waiting", "paused", "done"] = "training"
    paused: bool = False
    task: Annotated[Text, Field(max_length=140)] = ""
    task_told: Annotated[Text, Field(max_length=140)] = ""
    asks_task: bool = False
    has_agent: bool = True
    has_pixels: bool = False
    labels_wanted: Small = 0
    overlap: Annotated[int, Field(ge=1, le=32_767)] = 1
    double_rate: Rate = 0
    gold_rate: Rate = 0
    repeat_rate: Rate = 0
    lease_s: Small = 120
    min_view_ms: Small = 300
    step: Big | None = None
    first_labels: Small = 0
    label_budget: Small = 0
    has_begun: bool = False
    relevances: Line = ""
    ending: EndingIn | None = None


class MemberRow(Body):
    """A person under a pseudonym."""

    pseudonym: Pseudonym
    role: Literal["owner", "labeler", "viewer"]
    joined_at: At


class GuidelineRow(Body):
    """A version of the text."""

    version: Small
    markdown: Text
    at: At


class Manifest(Body):
    """manifest.json."""

    version: int = Field(alias="schema")
    experiment: ExperimentRow
    members: list[MemberRow]
    guidelines: list[GuidelineRow]
    counts: dict[str, int]
    files: dict[str, Sha256]


class ClipRow(ClipIn):
    """A line of clips.jsonl."""

    id: uuid.UUID
    created_at: At
    broken: bool
    body_hash: Hash


class ComparisonRow(Body):
    """A line of comparisons.jsonl."""

    id: uuid.UUID
    a: uuid.UUID
    b: uuid.UUID
    created_at: At
    priority: Finite
    state: Literal["open", "done", "cancelled", "broken"]
    wanted: Few
    gold_answer: Literal["a", "b", "tie"] | None
    note: Line
    body_hash: Hash


class AssignmentRow(Body):
    """A line of assignments.jsonl."""

    id: uuid.UUID
    comparison: uuid.UUID
    labeler: Pseudonym
    tab: uuid.UUID
    leased_at: At
    expires_at: At
    slot: Few | None
    kind: Kind
    swapped: bool
    state: Literal["leased", "answered", "released", "expired", "failed"]
    guideline_version: Small


class LabelRow(Body):
    """A line of labels.jsonl, and of the event journal."""

    seq: Annotated[int, Field(ge=1, le=2**62)]
    kind: Literal["answered", "revised", "withdrawn"]
    response: uuid.UUID
    assignment: uuid.UUID
    comparison: uuid.UUID
    a: uuid.UUID
    b: uuid.UUID
    preferred: Said | None
    target: Finite | None
    assignment_kind: Kind
    extra: bool
    labeler: Pseudonym
    rt_ms: Small | None
    guideline_version: Small
    at: At
    side: Literal["left", "right", "tie", "cant_tell"]
    swapped: bool
    said: Said
    supersedes: uuid.UUID | None
    answered_at: At
    shown_ms: Small | None
    hidden_ms: Small | None
    loops: Finite | None
    speed: Finite | None
    rendition: Annotated[Text, Field(max_length=16)]
    strength: Finite | None
    pressed_at: At | None
    body_hash: Hash
    slot: Few | None
    tab: uuid.UUID
    leased_at: At
    expires_at: At


class FlagRow(Body):
    """A line of flags.jsonl."""

    assignment: uuid.UUID
    reason: Line
    is_media_error: bool
    at: At


class VideoRow(Body):
    """A line of videos.jsonl."""

    step: Signed
    sha256: Sha256
    content_type: Literal["video/mp4", "video/webm"]


class PredictionRow(Body):
    """A line of predictions.jsonl."""

    comparison: uuid.UUID
    a: Curve
    b: Curve
    p_left: Rate
    p_step: Big
    step: Big
    a_picture: Png | None = None
    b_picture: Png | None = None


class MetricRow(MetricIn):
    """A line of metrics.jsonl."""

    name: Name
    step: Signed


TABLES: dict[str, type[Body]] = {
    "clips": ClipRow,
    "comparisons": ComparisonRow,
    "assignments": AssignmentRow,
    "labels": LabelRow,
    "flags": FlagRow,
    "videos": VideoRow,
    "predictions": PredictionRow,
    "metrics": MetricRow,
}
LATER = {"predictions"}
"""Tables that the first version did not write."""


def read_manifest(path: Path) -> dict[str, Any]:
    """manifest.json, with all that its own lines can say wrong."""
    data = plain(path)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ServerFault(f"{path}: is no JSON ({_short(error)}). Copy the folder again.") from error
    if not isinstance(found, dict) or "schema" not in found:
        raise ServerFault(f"{path}: has no `schema`; expected a folder made by `rl-teacher export`.")
    if found["schema"] != SCHEMA:
        raise ServerFault(f"{path}: schema {str(found['schema'])[:40]!r}, expected {SCHEMA}. Update rl-teacher.")
    _parse(path, lambda: Manifest.model_validate_json(data, strict=True))
    for name, count in found["counts"].items():
        if name not in TABLES:
            raise ServerFault(f"{path}: counts {name[:40]!r}, expected some of {list(TABLES)}.")
        if f"{name}.jsonl" not in found["files"]:
            raise ServerFault(f"{path}: counts {count} {name} but lists no {name}.jsonl; take the export as it was.")
    tables = {f"{name}.jsonl" for name in found["counts"]} | {"comparisons.parquet", "labels.parquet"}
    if odd := sorted(name for name in found["files"] if "/" not in name and name not in tables):
        raise ServerFault(_short(f"{path}: lists {odd[0][:80]!r}, which is no table that it counts."))
    if missing := sorted(TABLES.keys() - found["counts"].keys() - LATER):
        raise ServerFault(f"{path}: does not count {', '.join(missing)}; take the export as it was.")
    return found


def read_table(path: Path, count: int) -> list[dict[str, Any]]:
    """The rows of a table, each of them as it should be, and as many as the manifest counts."""
    shape = TABLES[path.stem]
    lines = plain(path).split(b"\n")
    if lines.pop() != b"" or len(lines) != count:
        raise ServerFault(f"{path}: has {len(lines)} whole lines, manifest.json counts {count}.")
    return _rows(path, shape, lines)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """All whole lines of an event journal, in order."""
    return _rows(path, LabelRow, whole_lines(path))


def _rows(path: Path, shape: type[Body], lines: Sequence[bytes]) -> list[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        _parse(path, partial(shape.model_validate_json, line, strict=True), number)
    return [json.loads(line) for line in lines]


def plain(path: Path) -> bytes:
    """The bytes of a text file as we write it: without what an editor or a copy on Windows adds."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ServerFault(
            f"{path}: cannot be read ({error.strerror}); expected a folder made by `rl-teacher export`."
        ) from error
    return data.removeprefix(BOM).replace(b"\r\n", b"\n")


def _parse(path: Path, parse: Callable[[], object], line: int = 0) -> None:
    try:
        parse()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        place = f"{path}, line {line}" if line else str(path)
        raise ServerFault(_short(f"{place}: {where or 'the row'}: {first['msg']}.")) from error


def _short(text: object) -> str:
    """On one line, and printable."""
    return re.sub(r"\s+", " ", str(text)).encode(errors="backslashreplace").decode()[:400]
