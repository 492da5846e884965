"""A full disk: uploads and answers get 507, nothing half is stored, and what is sent again is stored once."""

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import uuid
from collections import namedtuple
from contextlib import contextmanager

import pytest
from django.db import connection, connections

from rl_teacher.server.models import Blob, LabelEvent, Response, WriteCheck
from rl_teacher.server.storage.local import LocalStore
from rl_teacher.server.storage.store import blob_key
from rl_teacher.server.transactions.feed import feed
from tests.server.crowd import mp4

Usage = namedtuple("Usage", "total used free")


@contextmanager
def no_more_pages():
    """SQLite's own "database or disk is full": the file may not grow."""
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    options = connections.settings["default"]["OPTIONS"]
    before = options["init_command"]
    options["init_command"] = f"{before}; PRAGMA max_page_count={pages}"
    connections.close_all()
    try:
        yield
    finally:
        options["init_command"] = before
        connections.close_all()


def claim(browser, want):
    body = json.dumps({"want": want, "have": [], "tab": str(uuid.uuid4())})
    return browser.post("/api/v1/experiments/one/queue:claim", body, content_type="application/json")


def put(browser, response, assignment):
    body = json.dumps({"answer": {"assignment": assignment, "side": "left"}})
    return browser.put(f"/api/v1/responses/{response}", body, content_type="application/json")


def upload(world, data):
    sha = hashlib.sha256(data).hexdigest()
    return sha, world.trainer().put(f"/api/v1/experiments/one/blobs/{sha}", data, content_type="video/mp4")


@pytest.mark.usefixtures("sqlite_only")
def test_no_answer_is_lost_or_half_stored(world):
    experiment = world.experiment(labels_wanted=500)
    people = [world.browser(world.member(experiment, f"p{number}")) for number in range(12)]
    world.comparisons(experiment, 100)
    todo = [(one, uuid.uuid4(), row["assignment"]) for one in people for row in claim(one, 8).json()["assignments"]]
    assert len(todo) > 60
    with no_more_pages():
        answers = [put(*one) for one in todo]
        refused = [one for one, answer in zip(todo, answers, strict=True) if answer.status_code == 507]
        assert {answer.status_code for answer in answers} == {201, 507}
        assert {answer.json()["type"] for answer in answers if answer.status_code == 507} == {"/problems/disk-full"}
        assert Response.objects.count() == LabelEvent.objects.count() == len(todo) - len(refused)
        assert people[0].get("/api/v1/experiments/one/queue").status_code == 200
        health = people[0].get("/readyz")
        assert (health.status_code, health.json()["writes"], health.json()["database"]) == (503, False, True)
    assert people[0].get("/readyz").json()["writes"]
    for one in refused:
        assert put(*one).status_code == 201
    for one in todo:
        assert put(*one).status_code == 200
    events = feed(experiment.pk, 0, 500)["events"]
    assert [event["seq"] for event in events] == list(range(1, len(todo) + 1))
    assert {event["response"] for event in events} == {str(response) for _, response, _ in todo}
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_uploads_are_refused_before_the_last_gibibyte_and_answers_are_not(world, monkeypatch):
    experiment = world.experiment()
    world.comparison(experiment)
    browser = world.browser(world.member(experiment, "ann"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - 1, 10**9))
    _, refused = upload(world, mp4(b"x"))
    assert (refused.status_code, refused.json()["type"]) == (507, "/problems/disk-full")
    assert int(refused["Retry-After"]) > 0
    assert browser.get("/readyz").status_code == 503
    (row,) = claim(browser, 1).json()["assignments"]
    assert put(browser, uuid.uuid4(), row["assignment"]).status_code == 201


def read_only(world, monkeypatch):
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "init_command", f"{options['init_command']}; PRAGMA query_only=1")
    connections.close_all()


def locked(world, monkeypatch):
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "timeout", 0.1)
    connections.close_all()
    other = sqlite3.connect(world.folder.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(world, "other", other, raising=False)  # it holds the lock for as long as the test lasts


def no_folder(world, monkeypatch):
    world.folder.blobs.rmdir()


def no_journal(world, monkeypatch):
    world.folder.journal.rmdir()
    world.folder.journal.write_text("a file where a folder should be")


def no_database(world, monkeypatch):
    connections.close_all()
    world.folder.database.unlink()
    world.folder.database.mkdir()


@pytest.mark.usefixtures("sqlite_only")
@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        (read_only, {"writes"}),
        (locked, {"writes"}),
        (no_folder, {"files"}),
        (no_journal, {"files"}),
        (no_database, {"database", "writes"}),
    ],
)
def test_the_server_is_not_ready_while_something_cannot_be_written(world, monkeypatch, fault, wrong):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 10**12))
    browser = world.browser()
    good = browser.get("/readyz")
    assert (good.status_code, good.json()["ready"]) == (200, True)
    fault(world, monkeypatch)
    health = browser.get("/readyz")
    assert health.status_code == 503
    assert {name for name, is_good in health.json().items() if not is_good} == wrong | {"ready"}
    assert browser.get("/healthz").status_code == 200


def test_checks_leave_one_row_and_no_file_and_are_bounded(world):
    browser = world.browser()
    codes = [browser.get("/readyz").status_code for _ in range(31)]
    assert codes[-1] == 429
    assert WriteCheck.objects.count() == 1
    assert list(world.folder.blobs.iterdir()) == list(world.folder.journal.iterdir()) == []


def test_an_upload_that_fills_the_disk_leaves_nothing_behind(world, monkeypatch):
    world.experiment()
    real = os.fsync

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    sha, refused = upload(world, mp4(b"y"))
    assert (refused.status_code, refused.json()["type"]) == (507, "/problems/disk-full")
    assert [path for path in world.folder.blobs.rglob("*") if path.is_file()] == []
    assert not Blob.objects.exists()
    monkeypatch.setattr(os, "fsync", real)
    assert upload(world, mp4(b"y"))[1].status_code == 201
    assert LocalStore(world.folder).path(blob_key(sha)).read_bytes() == mp4(b"y")
