"""`rl-teacher import`: brings an exported experiment into this server."""

import json
import re
import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any

from rl_teacher.errors import ServerFault
from rl_teacher.server.api.trainer import SLUG
from rl_teacher.server.blobs import LIMITS, keep, receive
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.exchange.restore import restore_lines
from rl_teacher.server.exchange.rows import ASSIGNMENT, CLIP, COMPARISON, PREDICTION, SCHEMA, SETTINGS
from rl_teacher.server.journal import moment
from rl_teacher.server.models import (
    AgentVideo,
    Assignment,
    Blob,
    Clip,
    Comparison,
    Experiment,
    Flag,
    Guideline,
    Membership,
    MetricPoint,
    Prediction,
)
from rl_teacher.server.models.predictions import pack
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.write import write
from rl_teacher.server.upload_checks import check_upload

NAME = re.compile(r"[a-z]+\.(jsonl|parquet)|(clips|arrays|videos)/[0-9a-f-]+\.(mp4|webm|npz)")
TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".npz": "application/x-npz"}


def import_folder(folder: DataFolder, source: Path) -> str:
    """Check the whole folder, then bring it in, all or nothing; a line about what came."""
    manifest = _manifest(source)
    slug = str(manifest["experiment"]["slug"])
    if not SLUG.fullmatch(slug):
        raise ServerFault(f"{source}: the experiment's name {slug[:100]!r} is not one.")
    if Experiment.objects.filter(slug=slug).exists():
        raise ServerFault(f"experiment {slug!r}: this server has one of that name already; nothing was changed.")
    kinds = _store_files(folder, source, manifest)
    with write():
        experiment = _experiment(manifest)
        blobs = {
            sha: Blob.objects.create(experiment=experiment, sha256=sha, size=size, content_type=kind)
            for sha, (kind, size) in kinds.items()
        }
        _rows(source, experiment, blobs)
        count = restore_lines(experiment, _table(source, "labels"))
    return f"{slug}: {count} label events, {len(_table(source, 'comparisons'))} comparisons, {len(blobs)} files"


def _manifest(source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((source / "manifest.json").read_text())
        schema, files = manifest["schema"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServerFault(
            f"{source}: manifest.json cannot be read ({error}); expected a folder made by `rl-teacher export`."
        ) from error
    if schema != SCHEMA:
        raise ServerFault(f"{source}: schema {schema!r}, expected {SCHEMA}. Update rl-teacher.")
    for name, digest in files.items():
        if not NAME.fullmatch(name):
            raise ServerFault(f"{source}: manifest.json names {name[:80]!r}, which no export has.")
        path = source / name
        if path.is_symlink() or not path.is_file() or sha256(path.read_bytes()).hexdigest() != digest:
            raise ServerFault(f"{path}: missing or changed since the export; copy the folder again.")
    return dict(manifest)


def _store_files(folder: DataFolder, source: Path, manifest: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Put the bytes in place, checked like uploads; type and size by hash."""
    found: dict[str, tuple[str, int]] = {}
    for name, digest in manifest["files"].items():
        path = source / name
        kind = TYPES.get(path.suffix)
        if kind is None or digest in found:
            continue
        try:
            with path.open("rb") as file, receive(folder.blobs, file.read, LIMITS[kind]) as incoming:
                check_upload(incoming.path, kind)
                keep(folder.blobs, incoming)
                found[incoming.sha256] = (kind, incoming.size)
        except Problem as problem:
            raise ServerFault(f"{path}: {problem.detail}") from problem
    return found


def _table(source: Path, name: str) -> list[dict[str, Any]]:
    path = source / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _experiment(manifest: dict[str, Any]) -> Experiment:
    given = manifest["experiment"]
    experiment = Experiment.objects.create(
        created_at=moment(given["created_at"]),
        guideline_version=max((row["version"] for row in manifest["guidelines"]), default=0),
        **{name: given[name] for name in SETTINGS if name in given},
    )
    for row in manifest["members"]:
        Membership.objects.create(
            experiment=experiment,
            user=None,
            role=row["role"],
            pseudonym=row["pseudonym"],
            joined_at=moment(row["joined_at"]),
        )
    for row in manifest["guidelines"]:
        Guideline.objects.create(
            experiment=experiment, version=row["version"], markdown=row["markdown"], at=moment(row["at"])
        )
    return experiment


def _rows(source: Path, experiment: Experiment, blobs: dict[str, Blob]) -> None:
    members = {row.pseudonym: row for row in Membership.objects.filter(experiment=experiment)}
    for row in _table(source, "clips"):
        Clip.objects.create(
            id=uuid.UUID(row["id"]),
            experiment=experiment,
            mp4=blobs[row["mp4"]],
            arrays=blobs[row["arrays"]],
            webm=blobs[row["webm"]] if row["webm"] else None,
            created_at=moment(row["created_at"]),
            **{name: row[name] for name in CLIP},
        )
    for row in _table(source, "comparisons"):
        Comparison.objects.create(
            id=uuid.UUID(row["id"]),
            experiment=experiment,
            a_id=uuid.UUID(row["a"]),
            b_id=uuid.UUID(row["b"]),
            created_at=moment(row["created_at"]),
            open_slots=row["wanted"],
            **{name: row[name] for name in COMPARISON},
        )
    for row in _table(source, "assignments"):
        Assignment.objects.create(
            id=uuid.UUID(row["id"]),
            comparison_id=uuid.UUID(row["comparison"]),
            labeler=members[row["labeler"]],
            tab=uuid.UUID(row["tab"]),
            leased_at=moment(row["leased_at"]),
            expires_at=moment(row["expires_at"]),
            **{name: row[name] for name in ASSIGNMENT},
        )
    for row in _table(source, "flags"):
        Flag.objects.create(
            assignment_id=uuid.UUID(row["assignment"]),
            reason=row["reason"],
            is_media_error=row["is_media_error"],
            at=moment(row["at"]),
        )
    for row in _table(source, "videos"):
        AgentVideo.objects.create(experiment=experiment, step=row["step"], blob=blobs[row["sha256"]])
    for row in _table(source, "predictions"):
        Prediction.objects.create(
            comparison_id=uuid.UUID(row["comparison"]),
            a=pack(row["a"]),
            b=pack(row["b"]),
            **{name: row[name] for name in PREDICTION},
        )
    MetricPoint.objects.bulk_create(
        [MetricPoint(experiment=experiment, **row) for row in _table(source, "metrics")], batch_size=100
    )
