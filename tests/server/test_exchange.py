"""Export, import, event journal and replay: the same feed and the same bytes."""

import json
import uuid
import zipfile
from pathlib import Path

import pytest

from rl_teacher.errors import ServerFault
from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.shapes import read_journal
from rl_teacher.server.exchange.write_out import export_folder, export_zip
from rl_teacher.server.journal import catch_up, journal_path
from rl_teacher.server.models import AgentVideo, Comparison, Experiment, Export, Membership, MetricPoint
from rl_teacher.server.transactions import manage
from rl_teacher.server.transactions.answer import Answer, submit, withdraw
from rl_teacher.server.transactions.claim import ClaimRequest, claim, expire_all, flag, media_error
from rl_teacher.server.transactions.feed import feed


def live_a_little(world):
    """An experiment with every kind of row."""
    from datetime import timedelta

    from django.utils import timezone

    experiment = world.experiment(labels_wanted=10, config={"seed": 1})
    manage.add_guideline(experiment, "Judge *speed*.", world.user("root", admin=True))
    people = [world.member(experiment, name) for name in ("ann", "bob")]
    world.comparisons(experiment, 8, wanted=2)
    world.comparison(experiment, wanted=0, gold_answer="a", note="gold")

    def lend(member, tab=1):
        return claim(Experiment.objects.get(), member, ClaimRequest(1, [], uuid.UUID(int=tab)))[0]

    def say(row, side, **more):
        return submit(row.labeler.user_id, uuid.uuid4(), Answer(row.id, side, **more)).response

    first = say(lend(people[0]), "left", rt_ms=700, loops=1.5, pressed_at=timezone.now())
    second = say(first.assignment, "tie", supersedes=first.id)
    withdraw(people[0].user_id, second.id)
    say(lend(people[0]), "cant_tell")
    say(lend(people[1]), "right")
    late = lend(people[1], tab=2)
    expire_all(timezone.now() + timedelta(hours=1))
    Comparison.objects.filter(pk=late.comparison_id).update(state="broken")
    assert say(late, "left").extra
    media_error(lend(people[0]), "decode")
    flag(lend(people[0]), "=black()")
    MetricPoint.objects.create(experiment=experiment, name="true_return", step=1, t=1.5, value=0.1)
    blob = world.blob(experiment, b"\0\0\0\x08ftyp" * 2 + b"\0\0\0\x08moov", "video/mp4")
    AgentVideo.objects.create(experiment=experiment, step=7, blob=blob)
    return experiment


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_import_gives_the_same_feed_and_exports_the_same_bytes(worlds, tmp_path):
    with worlds() as world:
        experiment = live_a_little(world)
        export_folder(world.folder, "one", tmp_path / "first")
        before = feed(experiment.pk, 0, 100)
        counters = Experiment.objects.values("answered", "cant_tell", "next_seq").get()
    with worlds() as world:
        assert "6 label events" in import_folder(world.folder, tmp_path / "first")
        imported = Experiment.objects.get()
        assert feed(imported.pk, 0, 100) == before
        assert Experiment.objects.values("answered", "cant_tell", "next_seq").get() == counters
        assert Membership.objects.filter(user__isnull=False).count() == 0
        export_folder(world.folder, "one", tmp_path / "second")
        with pytest.raises(ServerFault, match="one of that name already"):
            import_folder(world.folder, tmp_path / "first")
    first, second = files(tmp_path / "first"), files(tmp_path / "second")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert {"labels.jsonl", "comparisons.jsonl", "manifest.json"} < first.keys()


def test_the_export_has_everything_once(world, tmp_path):
    live_a_little(world)
    export_folder(world.folder, "one", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["counts"] | {"assignments": 0} == {
        "clips": 18,
        "comparisons": 9,
        "assignments": 0,
        "labels": 6,
        "flags": 2,
        "videos": 1,
        "predictions": 0,
        "metrics": 1,
    }
    names = files(tmp_path / "out").keys()
    assert sum(name.startswith("clips/") for name in names) == sum(name.startswith("arrays/") for name in names) == 18
    text = (tmp_path / "out" / "labels.jsonl").read_text() + (tmp_path / "out" / "manifest.json").read_text()
    assert '"p-ann"' in text
    assert '"ann"' not in text


def test_parquet_says_the_same_as_jsonl(world, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    live_a_little(world)
    export_folder(world.folder, "one", tmp_path / "out")
    rows = parquet.read_table(tmp_path / "out" / "labels.parquet").to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "out" / "labels.jsonl").read_text().splitlines()]
    assert rows == lines


def test_export_says_which_experiments_there_are(world, tmp_path):
    world.experiment("here")
    with pytest.raises(ServerFault, match=r"'nowhere'.*\['here'\]"):
        export_folder(world.folder, "nowhere", tmp_path / "out")


def test_the_zip_holds_the_folder(world, tmp_path):
    experiment = live_a_little(world)
    export_zip(world.folder, experiment, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert "one/labels.jsonl" in archive.namelist()


def test_an_export_from_the_page_is_made_and_fetched(world):
    import time

    experiment = live_a_little(world)
    owner = world.member(experiment, "olga", "owner")
    browser = world.browser(owner)
    assert browser.post("/e/one/export").status_code == 303
    deadline = time.monotonic() + 10
    while Export.objects.get().state == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    (row,) = browser.get("/api/v1/experiments/one/exports").json()["exports"]
    assert row["state"] == "done", row
    assert (world.folder.exports / row["url"].split("/")[2].split("?")[0]).stat().st_size == row["size"]


def test_the_event_journal_has_each_event_once_and_repairs_a_torn_line(world):
    experiment = live_a_little(world)
    assert catch_up(world.folder) == 6
    assert catch_up(world.folder) == 0
    path = journal_path(world.folder, "one")
    path.write_bytes(path.read_bytes()[:-20])
    assert len(read_journal(path)) == 5
    assert catch_up(world.folder) == 1
    keys = feed(experiment.pk, 0, 1)["events"][0].keys()
    written = [{key: line[key] for key in keys} for line in read_journal(path)]
    assert written == feed(experiment.pk, 0, 100)["events"]


def test_replay_brings_back_what_a_backup_lacks(worlds, tmp_path, sqlite_only):
    import io
    import shutil

    from django.core.management import call_command

    with worlds() as world:
        experiment = world.experiment()
        member = world.member(experiment, "ann")
        world.comparisons(experiment, 5)
        from django.db import connections

        connections.close_all()
        shutil.copy(world.folder.database, tmp_path / "backup.sqlite3")
        ids = []
        for side in ("left", "right", "tie"):
            (row,) = claim(Experiment.objects.get(), member, ClaimRequest(1, [], uuid.uuid4()))
            ids.append(submit(member.user_id, uuid.uuid4(), Answer(row.id, side)).response)
        withdraw(member.user_id, ids[0].id)
        before = feed(experiment.pk, 0, 100)
        counted = list(Comparison.objects.order_by("id").values_list("id", "state", "done", "open_slots"))
        catch_up(world.folder)
        connections.close_all()
        shutil.copy(tmp_path / "backup.sqlite3", world.folder.database)
        assert feed(experiment.pk, 0, 100)["events"] == []
        out = io.StringIO()
        call_command("replay", stdout=out)
        assert "one: 4 events brought back" in out.getvalue()
        assert feed(experiment.pk, 0, 100) == before
        assert list(Comparison.objects.order_by("id").values_list("id", "state", "done", "open_slots")) == counted
        call_command("replay", stdout=out)
        assert "one: 0 events" in out.getvalue()


def test_a_database_of_a_newer_version_is_refused(world):
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from rl_teacher.server.database import prepare

    prepare(settings.RL_TEACHER)
    MigrationRecorder(connection).record_applied("feedback", "9999_telepathy")
    with pytest.raises(ServerFault, match=r"newer rl-teacher.*9999_telepathy"):
        prepare(settings.RL_TEACHER)


def test_backups_can_be_opened_and_old_ones_go(world, sqlite_only):
    from rl_teacher.server.database import backup, is_whole

    live_a_little(world)
    made = [backup(world.folder, "test", keep=2) for _ in range(3)]
    assert [path.exists() for path in made] == [False, True, True]
    assert is_whole(Path(made[-1]))
