"""`rl-teacher export`: an experiment as a folder, the same bytes for the same content."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings

from rl_teacher.errors import ServerFault
from rl_teacher.server.blobs import SUFFIXES
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.exchange.rows import SCHEMA, Row, Rows, metric_rows, read_rows
from rl_teacher.server.models import Experiment
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.storage.store import blob_key
from rl_teacher.server.transactions.write import write

TABLES = ("clips", "comparisons", "assignments", "labels", "flags", "videos", "predictions")


def export_folder(folder: DataFolder, slug: str, to: Path) -> str:
    """Write the experiment `slug` into the empty folder `to`; a line about what came out.

    The name of its run will do: one that no address can hold is spelled in another way here.
    """
    experiment = Experiment.objects.filter(slug=slug).first() or _of_run(slug)
    if experiment is None:
        known = list(Experiment.objects.order_by("slug").values_list("slug", flat=True))
        raise ServerFault(f"experiment {slug!r}: there is none of this name, expected one of {known}.")
    if to.exists() and any(to.iterdir()):
        raise ServerFault(f"--to {to}: the folder is not empty. Name one that does not exist.")
    to.mkdir(parents=True, exist_ok=True)
    rows = _write_all(folder, experiment, to)
    return f"{to}: {len(rows.comparisons)} comparisons, {len(rows.labels)} label events, {len(rows.clips)} clips"


def _of_run(name: str) -> Experiment | None:
    """The experiment whose trainer calls its run so."""
    wanted = "-".join(name.lower().split())
    return next((one for one in Experiment.objects.order_by("pk") if one.config.get("name") == wanted), None)


def export_zip(folder: DataFolder, experiment: Experiment, target: Path) -> None:
    """The same as one file."""
    with tempfile.TemporaryDirectory(dir=folder.exports) as name:
        source = Path(name)
        _write_all(folder, experiment, source)
        part = target.with_suffix(".part")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    info = zipfile.ZipInfo(f"{experiment.slug}/{path.relative_to(source)}", (1980, 1, 1, 0, 0, 0))
                    with path.open("rb") as file, archive.open(info, "w", force_zip64=True) as inside:
                        shutil.copyfileobj(file, inside)
        part.chmod(0o600)
        part.replace(target)


def _write_all(folder: DataFolder, experiment: Experiment, to: Path) -> Rows:
    with write():  # all rows of one moment
        rows = read_rows(experiment)
    tables: dict[str, list[Row]] = {name: asdict(rows)[name] for name in TABLES}
    tables["metrics"] = metric_rows(experiment)
    for name, table in tables.items():
        _jsonl(to / f"{name}.jsonl", table)
    for name in ("comparisons", "labels"):
        _parquet(to / f"{name}.parquet", tables[name])
    for clip in rows.clips:
        _copy(folder, clip["mp4"], to / "clips" / f"{clip['id']}.mp4")
        if clip["webm"]:
            _copy(folder, clip["webm"], to / "clips" / f"{clip['id']}.webm")
        _copy(folder, clip["arrays"], to / "arrays" / f"{clip['id']}.npz")
    for video in rows.videos:
        _copy(folder, video["sha256"], to / "videos" / f"{video['step']}.{SUFFIXES[video['content_type']]}")
    manifest = {
        "schema": SCHEMA,
        "experiment": rows.experiment,
        "members": rows.members,
        "guidelines": rows.guidelines,
        "counts": {name: len(table) for name, table in tables.items()},
        "files": _hashes(to),
    }
    (to / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return rows


def _jsonl(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row, sort_keys=True) + "\n" for row in rows)


def _copy(folder: DataFolder, sha: str, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    try:
        store_of(folder).fetch(blob_key(sha), target)
    except FileNotFoundError as error:
        raise ServerFault(
            f"blob {sha}: a row names it but {settings.RL_TEACHER.blobs or folder.blobs} lacks it; "
            "restore it from a backup."
        ) from error


def _hashes(to: Path) -> dict[str, str]:
    return {
        str(path.relative_to(to)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(to.rglob("*"))
        if path.is_file()
    }


def _parquet(path: Path, rows: list[Row]) -> None:
    """The same rows for pandas and friends, if the extra `parquet` is installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        return
    if rows:
        pq.write_table(pa.Table.from_pylist([_flat(row) for row in rows]), path, compression="zstd")


def _flat(row: Row) -> dict[str, Any]:
    return {
        key: json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
        for key, value in row.items()
    }
