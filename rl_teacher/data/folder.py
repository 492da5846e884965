"""A folder of comparisons: what `rl-teacher data export` writes, and `datasets.load_dataset` reads without a script."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rl_teacher.data.about import DataAbout, about_as_json, about_from_json
from rl_teacher.data.card import card
from rl_teacher.data.extras import load_pyarrow
from rl_teacher.data.rows import Rows, Source, verdicts
from rl_teacher.data.sound import require_sound
from rl_teacher.data.table_reader import answers_of, require_columns, rows_of
from rl_teacher.data.tables import (
    CLIP_NAME,
    comparisons_batch,
    comparisons_schema,
    labels_schema,
    labels_table,
    regrouped,
    rows_per_group,
)  # fmt: skip
from rl_teacher.errors import DataDamaged, DataMismatch, FolderUnwritable
from rl_teacher.files import BOM, make_folder, write_json, writing
from rl_teacher.records import ComparisonId, SegmentId

HEAD = "rl_teacher.json"
COMPARISONS = "data/comparisons/train-00000-of-00001.parquet"
LABELS = "data/labels/train-00000-of-00001.parquet"
README = "README.md"
FLAT = ("id", "left_id", "right_id", "preference", "labeler", "comparison")
"""Columns of texts, in which the same ones come again."""
EXPORT_AGAIN = "Export the data again, or copy the folder again."


def write_folder(source: Source, to: Path, *, with_true_reward: bool = False, with_clips: bool = False) -> DataAbout:
    """Write all comparisons of a source, some at a time; the same source makes the same bytes.

    Args:
        source: of the comparisons.
        to: a folder that does not exist, or is empty; it is whole, or not there.
        with_true_reward: write the true rewards too, which no learner should see.
        with_clips: write the mp4 of each segment too.

    Raises:
        DataMismatch: the source has no true rewards, no clips, or no comparisons.
        DataDamaged: a row of it is no comparison.
        FolderUnwritable: no room, no right to, or something is there already.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise FolderUnwritable(f"--to {to}: is not empty. Name a folder that does not exist.")
    about = _about(source, with_true_reward, with_clips)
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    try:
        make_folder(beside)
        _write(source, about, beside)
        with writing(to, "--to"):
            beside.replace(to)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return about


def _about(source: Source, with_true_reward: bool, with_clips: bool) -> DataAbout:
    about = source.about
    if with_true_reward and not about.has_true_reward:
        raise DataMismatch("--with-true-reward: this source has no true rewards. Leave the flag out.")
    if with_clips and source.clip is None:
        raise DataMismatch("--with-clips: this source has no clips. Leave the flag out.")
    return about.without(true_reward=not with_true_reward, clips=not with_clips)


def _write(source: Source, about: DataAbout, to: Path) -> None:
    for name in (COMPARISONS, LABELS):
        make_folder((to / name).parent)
    clips = _Clips(source, to) if about.has_clips else None
    num = _write_comparisons(source, about, to / COMPARISONS, clips)
    if not num:
        raise DataMismatch("this source holds no comparison. Ask for some first.")
    _write_parquet(to / LABELS, labels_schema(), iter([labels_table(source.answers)]))
    files = {name: file_hash(to / name) for name in (COMPARISONS, LABELS)}
    files |= {name: file_hash(to / name) for name in sorted(clips.written)} if clips else {}
    head = about_as_json(about) | {"comparisons": num, "labels": len(source.answers), "files": files}
    write_json(to / HEAD, head)
    with writing(to / README):
        (to / README).write_text(card(about, num, len(source.answers)), encoding="utf-8")


class _Clips:
    """Writes the clips of segments as they come by, each once."""

    def __init__(self, source: Source, to: Path) -> None:
        assert source.clip is not None, "asked before"
        self._clip = source.clip
        self._to = to
        self.written: set[str] = set()
        make_folder(to / "clips")

    def write(self, rows: Rows) -> frozenset[SegmentId]:
        """Those of both sides; all of them are there then."""
        sides = dict.fromkeys([*rows.left.id, *rows.right.id])
        for one in sides:
            name = _clip_name(one)
            if name not in self.written:
                with writing(self._to / name):
                    (self._to / name).write_bytes(self._clip(one))
                self.written.add(name)
        return frozenset(sides)


def _clip_name(one: SegmentId) -> str:
    """The file of a segment's clip in the folder."""
    if Path(one).name != one or "\\" in one or "\0" in one:
        raise DataDamaged(f"segment {one[:60]!r}: no file can be named so. {EXPORT_AGAIN}")
    return CLIP_NAME.format(one)


def _write_comparisons(source: Source, about: DataAbout, path: Path, clips: _Clips | None) -> int:
    said, known = verdicts(source.answers), set[str]()

    def batches() -> Iterator[Any]:
        for rows in source.read():
            require_sound(about, rows, "the source")
            if twice := known.intersection(rows.id):
                raise DataDamaged(f"the source: comparison {min(twice)} is there twice. Keep one of them.")
            known.update(rows.id)
            yield comparisons_batch(about, rows, said, clips.write(rows) if clips else frozenset())

    _write_parquet(path, comparisons_schema(about), regrouped(batches(), rows_per_group(about)))
    if unknown := next((one.comparison for one in source.answers if one.comparison not in known), None):
        raise DataDamaged(f"the source: an answer is to comparison {unknown}, which is not there. Is a file missing?")
    return len(known)


def _write_parquet(path: Path, schema: Any, tables: Iterator[Any]) -> None:
    pq = load_pyarrow("preference data as Parquet").parquet
    flat = [name for name in FLAT if name in schema.names]
    with (
        writing(path),
        pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=flat, write_page_checksum=True) as writer,
    ):
        for table in tables:
            writer.write_table(table, row_group_size=max(1, table.num_rows))


def file_hash(path: Path) -> str:
    """The sha256 of a file.

    Raises:
        DataDamaged: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataDamaged(f"{path}: cannot be read ({error.strerror}). {EXPORT_AGAIN}") from error


def read_head(folder: Path) -> dict[str, Any]:
    """What rl_teacher.json says.

    Raises:
        DataDamaged: it cannot be read, or says nonsense.
        DataRefused: it is of another schema.
    """
    path = folder / HEAD
    try:
        head = json.loads(path.read_bytes().removeprefix(BOM))
    except (OSError, ValueError, RecursionError) as error:
        raise DataDamaged(f"{path}: cannot be read ({' '.join(str(error).split())}). {EXPORT_AGAIN}") from error
    about_from_json(head, str(path))
    files = head.get("files")
    is_told = isinstance(files, dict) and all(isinstance(one, str) for one in files.values())
    wrong = [key for key in ("comparisons", "labels") if type(head.get(key)) is not int]
    if not is_told or not {COMPARISONS, LABELS} <= files.keys():
        wrong.append("files")
    if wrong:
        raise DataDamaged(f"{path}: its {wrong[0]!r} is {str(head.get(wrong[0]))[:60]!r}. {EXPORT_AGAIN}")
    return dict(head)


def read_folder(folder: Path) -> Source:
    """The comparisons of a folder that `write_folder` wrote.

    Raises:
        DataDamaged: a file is missing or cut off, or lacks a column.
        DataRefused: it is of another schema.
    """
    about = about_from_json(read_head(folder), str(folder / HEAD))
    table = _labels(folder / LABELS)
    answers = answers_of(table, str(folder / LABELS))
    clip = partial(_clip, folder) if about.has_clips else None
    source = Source(about, answers, partial(_read, folder / COMPARISONS, about), clip)
    with _opened(folder / COMPARISONS) as file:
        require_columns(file.schema_arrow, about, str(folder / COMPARISONS))
    return source


def _clip(folder: Path, one: SegmentId) -> bytes:
    path = folder / _clip_name(one)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataDamaged(f"{path}: cannot be read ({error.strerror}). {EXPORT_AGAIN}") from error


def _opened(path: Path) -> Any:
    pa = load_pyarrow("preference data as Parquet")
    try:
        return pa.parquet.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataDamaged:
    return DataDamaged(f"{path}: cannot be read ({' '.join(str(error).split())[:200].rstrip('.')}). {EXPORT_AGAIN}")


def _labels(path: Path) -> Any:
    pa = load_pyarrow("preference data as Parquet")
    with _opened(path) as file:
        require_columns(file.schema_arrow, None, str(path))
        try:
            return file.read(columns=labels_schema().names)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error


def _read(path: Path, about: DataAbout) -> Iterator[Rows]:
    """Row group by row group."""
    pa = load_pyarrow("preference data as Parquet")
    names = comparisons_schema(about).names
    with _opened(path) as file:
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group, columns=names, use_threads=False)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(path, error) from error
            yield rows_of(about, table, f"{path}, row group {group}")


def said_in(path: Path) -> dict[ComparisonId, tuple[float | None, str | None]]:
    """What the table of comparisons itself says of each: its target and its preference.

    Raises:
        DataDamaged: it cannot be read.
    """
    pa = load_pyarrow("preference data as Parquet")
    with _opened(path) as file:
        try:
            table = file.read(columns=["id", "target", "preference"])
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error
    columns = (table.column(name).to_pylist() for name in ("id", "target", "preference"))
    return {one: (target, preference) for one, target, preference in zip(*columns, strict=True)}
