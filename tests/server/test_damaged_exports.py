"""Exports that were cut, edited or made up: one line that says where, and nothing of them comes in."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from rl_teacher.errors import ServerFault
from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.write_out import export_folder
from rl_teacher.server.models import Clip, Experiment, Response
from tests.server.test_exchange import live_a_little

STRANGER = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def original(_template, tmp_path_factory):
    """An export with every kind of row."""
    from tests.server.conftest import fresh_world

    to = tmp_path_factory.mktemp("original") / "out"
    with fresh_world(_template) as world:
        live_a_little(world)
        export_folder(world.folder, "one", to)
    return to


class Bundle:
    """A copy of it, to be damaged by somebody who knows the format."""

    def __init__(self, path: Path) -> None:
        self.path, self.manifest_file = path, path / "manifest.json"

    def manifest(self, change: Callable[[dict[str, Any]], object]) -> None:
        found = json.loads(self.manifest_file.read_text())
        change(found)
        self.manifest_file.write_text(json.dumps(found))

    def write(self, name: str, data: bytes) -> None:
        (self.path / name).write_bytes(data)
        self.manifest(lambda found: found["files"].update({name: sha256(data).hexdigest()}))

    def edit(self, name: str, old: bytes, new: bytes) -> None:
        data = (self.path / name).read_bytes()
        assert old in data
        self.write(name, data.replace(old, new, 1))

    def unlist(self, name: str) -> None:
        self.manifest(lambda found: found["files"].pop(name))

    def rows(self, table: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
        name = f"{table}.jsonl"
        rows = [json.loads(line) for line in (self.path / name).read_text().splitlines()]
        change(rows)
        self.write(name, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode())
        self.manifest(lambda found: found["counts"].update({table: len(rows)}))

    @property
    def clip(self) -> str:
        return min(f"clips/{path.name}" for path in (self.path / "clips").iterdir())


def first(column: str, value: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda rows: rows[0].update({column: value})


def take_back_first(rows: list[dict[str, Any]]) -> None:
    rows.insert(0, rows.pop(2))
    for seq, row in enumerate(rows, 1):
        row["seq"] = seq


FILES: dict[str, Callable[[Bundle], object]] = {
    "a clip changed": lambda b: (b.path / b.clip).write_bytes(b"other"),
    "a clip missing": lambda b: (b.path / b.clip).unlink(),
    "a clip cut off, hash mended": lambda b: b.write(b.clip, (b.path / b.clip).read_bytes()[:30]),
    "a clip that is none": lambda b: b.write(b.clip, b"PK rubbish"),
    "a link": lambda b: [(b.path / name).unlink() or (b.path / name).symlink_to("/etc/passwd") for name in [b.clip]],
    "a file beside": lambda b: (b.path / "notes.txt").write_text("hello"),
    "a clip beside": lambda b: (b.path / "clips" / "11.mp4").write_bytes(b"x"),
    "a clip beside, listed": lambda b: b.write("clips/11.mp4", (b.path / b.clip).read_bytes()),
    "a clip not listed": lambda b: b.unlist(b.clip),
    "a folder where a table was": lambda b: ((b.path / "flags.jsonl").unlink(), (b.path / "flags.jsonl").mkdir()),
}
MANIFESTS: dict[str, Callable[[Bundle], object]] = {
    "none": lambda b: b.manifest_file.unlink(),
    "empty": lambda b: b.manifest_file.write_text(""),
    "cut off": lambda b: b.manifest_file.write_text(b.manifest_file.read_text()[:-40]),
    "Latin-1": lambda b: b.manifest_file.write_bytes(b'{"schema": "\xfc"}'),
    "endless": lambda b: b.manifest_file.write_text("[" * 100_000),
    "a list": lambda b: b.manifest_file.write_text("[]"),
    "only keys": lambda b: b.manifest_file.write_text('{"schema":1,"files":{},"experiment":{}}'),
    "another schema": lambda b: b.manifest(lambda m: m.update(schema=99)),
    "a schema of lines": lambda b: b.manifest(lambda m: m.update(schema={"a": ["\n" * 9]})),
    "no experiment": lambda b: b.manifest(lambda m: m.pop("experiment")),
    "no slug": lambda b: b.manifest(lambda m: m["experiment"].pop("slug")),
    "a slug that leaves": lambda b: b.manifest(lambda m: m["experiment"].update(slug="../evil")),
    "an overlap of nothing": lambda b: b.manifest(lambda m: m["experiment"].update(overlap=None)),
    "a rate that is none": lambda b: b.manifest(lambda m: m["experiment"].update(gold_rate=float("nan"))),
    "an unknown setting": lambda b: b.manifest(lambda m: m["experiment"].update(magic=1)),
    "a member without a role": lambda b: b.manifest(lambda m: m["members"][0].pop("role")),
    "members that are none": lambda b: b.manifest(lambda m: m.update(members="all")),
    "a member twice": lambda b: b.manifest(lambda m: m["members"].append(m["members"][0])),
    "no day": lambda b: b.manifest(lambda m: m["guidelines"][0].update(at="yesterday")),
    "a path upwards": lambda b: b.manifest(lambda m: m["files"].update({"../evil.mp4": "0" * 64})),
    "a name of two lines": lambda b: b.manifest(lambda m: m["files"].update({"a\nb\ud800": "0" * 64})),
    "a hash of nothing": lambda b: b.manifest(lambda m: m["files"].update({b.clip: None})),
    "files as a list": lambda b: b.manifest(lambda m: m.update(files=list(m["files"]))),
}
TABLES: dict[str, Callable[[Bundle], object]] = {
    "an answer altered, its line deleted": lambda b: (
        b.edit("labels.jsonl", b'"left"', b'"right"'), b.unlist("labels.jsonl"),
    ),
    "an answer of words": lambda b: b.rows("labels", first("rt_ms", "soon")),
    "a side altered": lambda b: b.rows("labels", first("side", "tie")),
    "a target altered": lambda b: b.rows("labels", first("target", 0.25)),
    "an answer altered everywhere but beside": lambda b: b.rows(
        "labels", lambda rows: rows[0].update(side="tie", said="tie", preferred="tie")
    ),
    "a table neither listed nor there": lambda b: ((b.path / "labels.jsonl").unlink(), b.unlist("labels.jsonl")),
    "a table that nobody counts": lambda b: (
        (b.path / "labels.jsonl").unlink(), b.unlist("labels.jsonl"), b.manifest(lambda m: m["counts"].pop("labels")),
    ),
    "a table of a name": lambda b: (b.write("magic.jsonl", b""), b.manifest(lambda m: m["counts"].update(magic=0))),
    "a table beside": lambda b: b.write("magic.jsonl", b"{}"),
    "cut off": lambda b: b.write("labels.jsonl", (b.path / "labels.jsonl").read_bytes()[:-30]),
    "fewer rows than counted": lambda b: b.write(
        "labels.jsonl", (b.path / "labels.jsonl").read_bytes().split(b"\n", 1)[1]
    ),
    "no JSON": lambda b: b.edit("clips.jsonl", b"{", b"x"),
    "no UTF-8": lambda b: b.edit("comparisons.jsonl", b'"gold"', b'"g\xffld"'),
    "half a surrogate": lambda b: b.edit("comparisons.jsonl", b'"gold"', b'"\\ud800"'),
    "a gap in the feed": lambda b: b.rows("labels", lambda rows: rows.pop(0)),
    "an event twice": lambda b: b.rows("labels", lambda rows: rows.append(rows[-1] | {"seq": rows[-1]["seq"] + 1})),
    "taken back before it was given": lambda b: b.rows("labels", take_back_first),
    "a clip twice": lambda b: b.rows("clips", lambda rows: rows.append(rows[0])),
    "a clip of other bytes": lambda b: b.rows("clips", first("mp4", "0" * 64)),
    "arrays as a video": lambda b: b.rows("clips", lambda rows: rows[0].update(mp4=rows[0]["arrays"])),
    "a clip of no size": lambda b: b.rows("clips", first("width", 0)),
    "a step beyond all numbers": lambda b: b.rows("clips", first("step", 10**30)),
    "a return of nan": lambda b: b.rows("clips", first("ret", float("nan"))),
    "an id that is none": lambda b: b.rows("clips", first("id", "1")),
    "a clip against itself": lambda b: b.rows("comparisons", lambda rows: rows[0].update(b=rows[0]["a"])),
    "a comparison of strangers": lambda b: b.rows("comparisons", first("a", STRANGER)),
    "a comparison wanted too often": lambda b: b.rows("comparisons", first("wanted", 10**9)),
    "a comparison wanted once": lambda b: b.rows("comparisons", lambda rows: [row.update(wanted=0) for row in rows]),
    "a state that is none": lambda b: b.rows("comparisons", first("state", "odd")),
    "an assignment of a stranger": lambda b: b.rows("assignments", first("labeler", "p-eve")),
    "an assignment twice": lambda b: b.rows("assignments", lambda rows: rows.append(rows[0])),
    "an assignment of another": lambda b: b.rows(
        "assignments", lambda rows: [row.update(labeler="p-bob") for row in rows]
    ),
    "an assignment turned round": lambda b: b.rows(
        "assignments", lambda rows: [row.update(swapped=not row["swapped"]) for row in rows]
    ),
    "a flag on nothing": lambda b: b.rows("flags", first("assignment", STRANGER)),
    "a curve of words": lambda b: b.rows("metrics", first("value", "high")),
    "a point twice": lambda b: b.rows("metrics", lambda rows: rows.append(rows[0])),
    "a video of arrays": lambda b: b.rows("videos", first("content_type", "application/x-npz")),
    "a video that is elsewhere": lambda b: b.rows("videos", first("step", 8)),
}  # fmt: skip
DAMAGES = {
    f"{kind}: {name}": damage
    for kind, found in {"file": FILES, "manifest": MANIFESTS, "table": TABLES}.items()
    for name, damage in found.items()
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_export_is_one_line_and_nothing_comes_in(world, original, tmp_path, damage):
    shutil.copytree(original, tmp_path / "out", symlinks=True)
    DAMAGES[damage](Bundle(tmp_path / "out"))
    with pytest.raises(ServerFault) as caught:
        import_folder(world.folder, tmp_path / "out")
    text = str(caught.value)
    assert str(tmp_path) in text or "feed of 'one'" in text, text
    assert "\n" not in text
    assert text.isprintable()
    assert (Experiment.objects.count(), Clip.objects.count(), Response.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("edit", ["BOM", "CRLF", "both"])
def test_what_editors_and_copies_add_to_text_changes_nothing(world, original, tmp_path, edit):
    shutil.copytree(original, tmp_path / "out")
    for path in (tmp_path / "out").glob("*.json*"):
        data = path.read_bytes()
        if edit != "BOM":
            data = data.replace(b"\n", b"\r\n")
        if edit != "CRLF":
            data = b"\xef\xbb\xbf" + data
        path.write_bytes(data)
    assert "6 label events" in import_folder(world.folder, tmp_path / "out")
    export_folder(world.folder, "one", tmp_path / "again")
    assert (tmp_path / "again" / "manifest.json").read_bytes() == (original / "manifest.json").read_bytes()


def test_an_export_from_before_predictions_comes_in(world, original, tmp_path):
    shutil.copytree(original, tmp_path / "out")
    bundle = Bundle(tmp_path / "out")
    (bundle.path / "predictions.jsonl").unlink()
    bundle.unlist("predictions.jsonl")
    bundle.manifest(lambda found: found["counts"].pop("predictions"))
    bundle.manifest(lambda found: found["experiment"].pop("double_rate"))
    assert "6 label events" in import_folder(world.folder, bundle.path)


def test_a_zip_is_no_folder_and_no_experiment_takes_the_clips_of_another(world, original, tmp_path):
    (tmp_path / "one.zip").write_bytes(b"PK")
    with pytest.raises(ServerFault, match="Unzip it"):
        import_folder(world.folder, tmp_path / "one.zip")
    import_folder(world.folder, original)
    shutil.copytree(original, tmp_path / "out")
    Bundle(tmp_path / "out").manifest(lambda found: found["experiment"].update(slug="two"))
    with pytest.raises(ServerFault, match="on this server already"):
        import_folder(world.folder, tmp_path / "out")
    assert Experiment.objects.get().slug == "one"


@pytest.mark.parametrize("line", [b"rubbish", b"{}", b'{"seq": 1}', b"\xff\xfe", b"[" * 5000, b"null"])
def test_a_damaged_event_journal_is_one_line(world, line):
    from django.core.management import call_command

    from rl_teacher.server.journal import catch_up, journal_path

    live_a_little(world)
    catch_up(world.folder)
    path = journal_path(world.folder, "one")
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.raises(ServerFault, match=rf"{path}, line 1: [^\n]+$"):
        call_command("replay")
