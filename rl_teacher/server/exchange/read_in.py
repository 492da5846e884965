"""`rl-teacher import`: brings an exported experiment into this server."""

import re
import uuid
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

from django.db import IntegrityError

from rl_teacher.errors import ServerFault
from rl_teacher.server.blobs import LIMITS, receive
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.exchange.restore import restore_lines
from rl_teacher.server.exchange.rows import (
    ASSIGNMENT,
    CLIP,
    COMPARISON,
    PREDICTION,
    PREDICTION_PICTURES,
    SETTINGS,
    metric_rows,
    read_rows,
)
from rl_teacher.server.exchange.shapes import TABLES, plain, read_manifest, read_table
from rl_teacher.server.hashing import file_hash
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
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.storage.store import blob_key
from rl_teacher.server.transactions.task import first_line
from rl_teacher.server.transactions.write import write
from rl_teacher.server.upload_checks import check_upload

MANIFEST = "manifest.json"
NAME = re.compile(r"[a-z]+\.(jsonl|parquet)|(clips|arrays|videos)/[0-9a-f-]+\.(mp4|webm|npz)")
TYPES = {".mp4": "video/mp4", ".webm": "video/webm", ".npz": "application/x-npz"}
_SUFFIXES = {kind: suffix for suffix, kind in TYPES.items()}
Tables = dict[str, list[dict[str, Any]]]


def import_folder(folder: DataFolder, source: Path) -> str:
    """Check the whole folder, then bring it in, all or nothing; a line about what came.

    Raises:
        ServerFault: the folder is not what `rl-teacher export` wrote, or this server cannot take it.
    """
    if source.is_file():
        raise ServerFault(f"{source}: is a file. Unzip it, then import the folder that has {MANIFEST}.")
    manifest = read_manifest(source / MANIFEST)
    tables = _tables(source, manifest)
    slug = str(manifest["experiment"]["slug"])
    if Experiment.objects.filter(slug=slug).exists():
        raise ServerFault(f"experiment {slug!r}: this server has one of that name already; nothing was changed.")
    try:
        kinds = _store_files(folder, source, manifest)
        with write():
            experiment = _experiment(manifest)
            blobs = {
                sha: Blob.objects.create(experiment=experiment, sha256=sha, size=size, content_type=kind)
                for sha, (kind, size) in kinds.items()
            }
            _rows(tables, experiment, blobs)
            count = restore_lines(experiment, tables["labels"])
            _check_same_again(source, experiment, manifest, tables)
    except Problem as problem:
        raise ServerFault(f"{source}: {problem.detail}") from problem
    except IntegrityError as error:
        why = " ".join(str(error).split())  # PostgreSQL says it in several lines
        raise ServerFault(
            f"{source}: its rows contradict each other, or a row is on this server already ({why}); "
            "nothing was changed."
        ) from error
    return f"{slug}: {count} label events, {len(tables['comparisons'])} comparisons, {len(blobs)} files"


def _tables(source: Path, manifest: dict[str, Any]) -> Tables:
    """All tables, once every file is known to be the one that was exported, and none is there beside them."""
    files = manifest["files"]
    for name, digest in files.items():
        if not NAME.fullmatch(name):
            raise ServerFault(f"{source}: {MANIFEST} names {name[:80]!r}, which no export has.")
        if _digest(source / name) != digest:
            raise ServerFault(f"{source / name}: missing or changed since the export; copy the folder again.")
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if name not in files and name != MANIFEST and not path.is_dir():
            raise ServerFault(f"{source}: {MANIFEST} does not list {name[:80]!r}. Take it away, or export again.")
    tables = {name: read_table(source / f"{name}.jsonl", count) for name, count in manifest["counts"].items()}
    tables = {name: tables.get(name, []) for name in TABLES}
    _check_names(source, manifest, tables)
    return tables


def _digest(path: Path) -> str:
    """Of a text as we write it; a link could lead anywhere."""
    if path.is_symlink() or not path.is_file():
        return ""
    return file_hash(plain(path) if path.suffix == ".jsonl" else path.read_bytes())


def _check_names(source: Path, manifest: dict[str, Any], tables: Tables) -> None:
    """Every row names what is here, and every clip, video and array belongs to a row."""
    members = {row["pseudonym"] for row in manifest["members"]}
    clips, comparisons, assignments = (
        {row["id"] for row in tables[name]} for name in ("clips", "comparisons", "assignments")
    )
    wanted = [
        *(("comparisons", row["id"], side, row[side], clips) for row in tables["comparisons"] for side in "ab"),
        *(("assignments", row["id"], "comparison", row["comparison"], comparisons) for row in tables["assignments"]),
        *(("assignments", row["id"], "labeler", row["labeler"], members) for row in tables["assignments"]),
        *(("labels", row["seq"], "assignment", row["assignment"], assignments) for row in tables["labels"]),
        *(("labels", row["seq"], "comparison", row["comparison"], comparisons) for row in tables["labels"]),
        *(("labels", row["seq"], "labeler", row["labeler"], members) for row in tables["labels"]),
        *(("flags", row["at"], "assignment", row["assignment"], assignments) for row in tables["flags"]),
        *(("predictions", "row", "comparison", row["comparison"], comparisons) for row in tables["predictions"]),
    ]
    for table, row, column, value, known in wanted:
        if value not in known:
            raise ServerFault(f"{source / table}.jsonl: {row} names {column} {value!r}, which the export lacks.")
    lent = {row["id"]: (row["labeler"], row["swapped"]) for row in tables["assignments"]}
    for row in tables["labels"]:
        if lent[row["assignment"]] != (row["labeler"], row["swapped"]):
            raise ServerFault(f"{source / 'labels'}.jsonl, line {row['seq']}: contradicts its assignment.")
    media = {f"videos/{row['step']}{_SUFFIXES[row['content_type']]}": row["sha256"] for row in tables["videos"]}
    for row in tables["clips"]:
        media |= {f"clips/{row['id']}.mp4": row["mp4"], f"arrays/{row['id']}.npz": row["arrays"]}
        media |= {f"clips/{row['id']}.webm": row["webm"]} if row["webm"] else {}
    listed = {name: digest for name, digest in manifest["files"].items() if "/" in name}
    if odd := sorted(dict(media.items() ^ listed.items())):
        raise ServerFault(f"{source}: {odd[0][:80]!r} is not what the rows say of it; take the export as it was.")


def _check_same_again(source: Path, experiment: Experiment, manifest: dict[str, Any], tables: Tables) -> None:
    """What is in the database now would be exported as what was read, so no row says two things."""
    rows = asdict(read_rows(experiment)) | {"metrics": metric_rows(experiment)}
    for name, table in tables.items():
        for number, (here, given) in enumerate(zip_longest(rows[name], table), 1):
            if here != given:
                raise ServerFault(f"{source / name}.jsonl, line {number}: contradicts other rows; nothing was changed.")
    for name in ("experiment", "members", "guidelines"):
        given = manifest[name]
        here = {key: rows[name][key] for key in given} if isinstance(given, dict) else rows[name]
        if here != given:
            raise ServerFault(f"{source / MANIFEST}: {name} contradict other rows; nothing was changed.")


def _store_files(folder: DataFolder, source: Path, manifest: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Put the bytes in place, checked like uploads; type and size by hash."""
    found: dict[str, tuple[str, int]] = {}
    store = store_of(folder)
    for name, digest in manifest["files"].items():
        path = source / name
        kind = TYPES.get(path.suffix)
        if kind is None or digest in found:
            continue
        try:
            with path.open("rb") as file, receive(folder.blobs, file.read, LIMITS[kind]) as incoming:
                check_upload(incoming.path, kind)
                store.keep(blob_key(incoming.sha256), incoming.path, kind)
                found[incoming.sha256] = (kind, incoming.size)
        except Problem as problem:
            raise ServerFault(f"{path}: {problem.detail}") from problem
    return found


def _experiment(manifest: dict[str, Any]) -> Experiment:
    given = manifest["experiment"]
    experiment = Experiment.objects.create(
        created_at=moment(given["created_at"]),
        guideline_version=max((row["version"] for row in manifest["guidelines"]), default=0),
        **({"task": _first_task(manifest)} | {name: given[name] for name in SETTINGS if name in given}),
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


def _first_task(manifest: dict[str, Any]) -> str:
    """Of an export from before there were tasks, the first line of the newest guide, which stood above the clips."""
    newest = max(manifest["guidelines"], key=lambda row: row["version"], default={"markdown": ""})
    return first_line(newest["markdown"])


def _rows(tables: Tables, experiment: Experiment, blobs: dict[str, Blob]) -> None:
    members = {row.pseudonym: row for row in Membership.objects.filter(experiment=experiment)}
    for row in tables["clips"]:
        Clip.objects.create(
            id=uuid.UUID(row["id"]),
            experiment=experiment,
            mp4=blobs[row["mp4"]],
            arrays=blobs[row["arrays"]],
            webm=blobs[row["webm"]] if row["webm"] else None,
            created_at=moment(row["created_at"]),
            **{name: row[name] for name in CLIP},
        )
    for row in tables["comparisons"]:
        Comparison.objects.create(
            id=uuid.UUID(row["id"]),
            experiment=experiment,
            a_id=uuid.UUID(row["a"]),
            b_id=uuid.UUID(row["b"]),
            created_at=moment(row["created_at"]),
            open_slots=row["wanted"],
            **{name: row[name] for name in COMPARISON},
        )
    for row in tables["assignments"]:
        Assignment.objects.create(
            id=uuid.UUID(row["id"]),
            comparison_id=uuid.UUID(row["comparison"]),
            labeler=members[row["labeler"]],
            tab=uuid.UUID(row["tab"]),
            leased_at=moment(row["leased_at"]),
            expires_at=moment(row["expires_at"]),
            **{name: row[name] for name in ASSIGNMENT},
        )
    for row in tables["flags"]:
        Flag.objects.create(
            assignment_id=uuid.UUID(row["assignment"]),
            reason=row["reason"],
            is_media_error=row["is_media_error"],
            at=moment(row["at"]),
        )
    for row in tables["videos"]:
        AgentVideo.objects.create(experiment=experiment, step=row["step"], blob=blobs[row["sha256"]])
    for row in tables["predictions"]:
        Prediction.objects.create(
            comparison_id=uuid.UUID(row["comparison"]),
            a=pack(row["a"]),
            b=pack(row["b"]),
            **{name: row[name] for name in PREDICTION},
            **{name: row.get(name) or "" for name in PREDICTION_PICTURES},
        )
    MetricPoint.objects.bulk_create(
        [MetricPoint(experiment=experiment, **row) for row in tables["metrics"]], batch_size=100
    )
