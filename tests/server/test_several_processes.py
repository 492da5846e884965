"""What several processes need of each other, as far as it can be tested without PostgreSQL."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import namedtuple
from contextlib import closing

import pytest
from django.db import OperationalError, connections
from starlette.applications import Starlette
from starlette.testclient import TestClient

from rl_teacher.errors import ConfigError, ServerFault
from rl_teacher.server import database_errors, notify, wakeups
from rl_teacher.server.data_folder import DataFolder, ServerLock
from rl_teacher.server.leader import Elected
from rl_teacher.server.media import ClipsFirst, blob_url
from rl_teacher.server.models import Tries
from rl_teacher.server.request_threads import Visits
from rl_teacher.server.serve import parser, serve
from rl_teacher.server.settings import ServerConfig, given_secret_key, has_local_owner, make_settings

DATABASE = "postgres://teacher:secret@127.0.0.1:1/teacher"
Word = namedtuple("Word", "payload")


class Wire:
    """Stands for a connection to PostgreSQL: notes what it is told, and hears what it is given."""

    def __init__(self, hears=(), fails_after=None):
        self.told, self.hears, self.is_closed, self.fails_after = [], list(hears), False, fails_after

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self.is_closed = True

    def execute(self, text, values=()):
        self.told.append((text, list(values)))
        if self.fails_after is not None and len(self.told) > self.fails_after:
            raise OSError("the line is cut")
        return self

    def notifies(self, timeout, stop_after):
        if not self.hears:
            time.sleep(0.01)
        while self.hears:
            word = self.hears.pop(0)
            if word is None:
                raise OSError("the line is cut")
            yield Word(word)


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return False


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


def run(target, *args):
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread


# --- wake-ups


def test_many_words_at_once_are_one_word_per_topic(stop):
    wire = Wire()
    outbox = wakeups.Outbox("me", lambda purpose: wire)
    for _ in range(100):
        outbox.add("b")
        outbox.add("a")
    thread = run(outbox.run, stop)
    assert until(lambda: len(wire.told) == 2)
    assert wire.told[1][1] == [wakeups.CHANNEL, ["me a", "me b"]]
    outbox.add("a")
    assert until(lambda: len(wire.told) == 3)
    assert wire.told[2][1] == [wakeups.CHANNEL, ["me a"]]
    stop.set()
    outbox.wake()
    thread.join(5)
    assert not thread.is_alive()
    assert wire.is_closed


def test_words_of_others_wake_sleepers_and_own_words_do_not(stop):
    with notify.subscribed_thread() as woken:
        wire = Wire()
        run(wakeups.listen, stop, "me", lambda purpose: wire)
        assert woken.wait(10)  # at the beginning: nobody knows what was said before
        woken.clear()
        wire.hears.append("me slug")
        assert until(lambda: not wire.hears)
        assert not woken.wait(0.1)
        wire.hears.append("other slug")
        assert woken.wait(10)


def test_a_cut_line_is_made_anew_and_wakes_everybody(stop, monkeypatch):
    monkeypatch.setattr(wakeups, "FIRST_WAIT_S", 0.01)
    wires = [Wire(hears=[None]), Wire(fails_after=0), Wire()]
    made = []

    def connect(purpose):
        assert purpose == "listen"
        if len(made) == 1:
            made.append(None)
            raise OSError("nobody is there")
        made.append(wires.pop(0))
        return made[-1]

    with notify.subscribed_thread() as woken:
        run(wakeups.listen, stop, "me", connect)
        assert until(lambda: len(made) == 4)
        assert made[0].is_closed
        woken.clear()
        made[3].hears.append("other x")
        assert woken.wait(10)


def test_what_is_notified_here_is_passed_on_once_and_what_is_heard_is_not(stop):
    told = []
    with notify.passed_on(told.append):
        notify.notify("one")
        notify.wake("two")
        notify.wake_all()
    notify.notify("three")
    assert told == ["one"]


@pytest.mark.skipif("RL_TEACHER_TEST_POSTGRES" in os.environ, reason="of SQLite")
def test_nothing_is_told_or_heard_with_sqlite(world):
    before = threading.active_count()
    with wakeups.running():
        assert threading.active_count() == before
        assert notify._PASS_ON == []


# --- who does the chores


class Lock:
    """A database with one lock, and connections that may die."""

    def __init__(self):
        self.holder = None

    def connect(self, purpose):
        lock = self

        class Connection(Wire):
            def execute(self, text, values=()):
                if self.is_closed:
                    raise OSError("closed")
                if "try_advisory_lock" in text:
                    lock.holder = lock.holder or self
                    self.rows = [(lock.holder is self,)]
                return self

            def fetchall(self):
                return self.rows

            def close(self):
                super().close()
                lock.holder = None if lock.holder is self else lock.holder

        return Connection()


def test_one_leads_until_its_connection_ends_and_then_another_does():
    lock = Lock()
    one, two = Elected(lock.connect), Elected(lock.connect)
    assert (one.leads(), two.leads()) == (True, False)
    assert (one.leads(), two.leads()) == (True, False)
    lock.holder.close()
    with pytest.raises(OSError, match="closed"):
        one.leads()
    assert (two.leads(), one.leads()) == (True, False)
    two.close()
    assert (one.leads(), two.leads()) == (True, False)


# --- keys, cookies, doors


def config_of(tmp_path, name, **fields):
    return ServerConfig(DataFolder(tmp_path / name).make(), **fields)


def test_cookies_have_one_name_where_processes_share_the_key_and_the_port_in_it_with_sqlite(tmp_path):
    shared = {"database_url": DATABASE, "given_secret_key": "k" * 40}
    a, b = (config_of(tmp_path, "ab"[n], port=8000 + n, **shared) for n in range(2))
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SECRET_KEY")
    first, second = (make_settings(one) for one in (a, b))
    assert [first[name] for name in names] == [second[name] for name in names]
    other = make_settings(config_of(tmp_path, "c", database_url=DATABASE))
    assert first["SESSION_COOKIE_NAME"] != other["SESSION_COOKIE_NAME"]
    assert "k" * 40 not in first["SESSION_COOKIE_NAME"] + repr(a)
    alone = make_settings(config_of(tmp_path, "d", port=8123))
    assert alone["SESSION_COOKIE_NAME"] == "rl_teacher_session_8123"


def test_with_postgresql_connections_are_pooled_and_with_sqlite_nothing_changes(tmp_path):
    pooled = make_settings(config_of(tmp_path, "a", database_url=DATABASE))["DATABASES"]["default"]
    assert pooled["OPTIONS"]["pool"]["max_size"] >= 8
    assert pooled["CONN_MAX_AGE"] == 0
    alone = make_settings(config_of(tmp_path, "b"))
    assert alone["DATABASES"]["default"]["CONN_MAX_AGE"] is None
    assert not [name for name in alone["MIDDLEWARE"] if "DatabaseMiddleware" in name]


def test_the_secret_key_comes_from_a_variable_or_a_file(tmp_path, monkeypatch):
    monkeypatch.delenv("RL_TEACHER_SECRET_KEY", raising=False)
    monkeypatch.delenv("RL_TEACHER_SECRET_KEY_FILE", raising=False)
    assert given_secret_key() == ""
    file = tmp_path / "key"
    file.write_text("f" * 50 + "\n")
    monkeypatch.setenv("RL_TEACHER_SECRET_KEY_FILE", str(file))
    assert given_secret_key() == "f" * 50
    monkeypatch.setenv("RL_TEACHER_SECRET_KEY", "v" * 32)
    assert given_secret_key() == "v" * 32
    monkeypatch.setenv("RL_TEACHER_SECRET_KEY", "short")
    with pytest.raises(ConfigError, match="RL_TEACHER_SECRET_KEY: got 5 characters, expected at least 32") as found:
        given_secret_key()
    assert "short" not in str(found.value)
    monkeypatch.delenv("RL_TEACHER_SECRET_KEY")
    monkeypatch.setenv("RL_TEACHER_SECRET_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read"):
        given_secret_key()
    (tmp_path / "none").write_text("")
    with pytest.raises(ConfigError, match="got 0 characters"):
        given_secret_key()


def test_whether_there_is_a_local_owner(monkeypatch):
    for value, expected in {"": True, "0": True, "1": False}.items():
        monkeypatch.setenv("RL_TEACHER_NO_LOCAL_OWNER", value)
        assert has_local_owner() is expected


@pytest.mark.usefixtures("sqlite_only")
def test_attempts_are_counted_in_memory_with_sqlite(world):
    client = world.browser()
    for _ in range(10):
        assert client.post("/login", {"username": "x", "password": "y"}).status_code == 403
    assert client.post("/login", {"username": "x", "password": "y"}).status_code == 429
    assert not Tries.objects.exists()


# --- the command line


def test_several_workers_on_sqlite_are_refused_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"^--workers 2: .*--database-url") as found:
        serve(tmp_path, workers=2)
    assert "\n" not in str(found.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--workers", "0"], ["--workers", "65"]])
def test_flags_out_of_range_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(words)
    assert words[0] in capsys.readouterr().err


def test_migrate_only_makes_the_database_and_serves_nothing(tmp_path):
    command = [sys.executable, "-m", "rl_teacher.server", "serve", "--data-dir", str(tmp_path), "--migrate-only"]
    counts = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        counts.append(int(done.stdout.split("up to date: ")[1].split()[0]))
    assert counts[0] > 20
    assert counts[1] == 0
    assert not (tmp_path / "server.json").exists()
    lock = ServerLock(DataFolder(tmp_path))
    assert lock.acquire()
    try:
        with pytest.raises(ServerFault, match=r"^--migrate-only: a server uses .* Stop it first"):
            serve(tmp_path, migrate_only=True)
    finally:
        lock.release()


# --- a database that is away


class Passing(Exception):
    """As psycopg raises it."""

    def __init__(self, state):
        super().__init__(state)
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "slug"),
    [(None, "busy"), ("57P01", "busy"), ("08006", "busy"), ("40P01", "busy"), ("53100", "disk-full"), ("42601", None)],
)
def test_errors_of_postgresql_that_pass_are_busy(world, monkeypatch, state, slug):
    monkeypatch.setattr(database_errors.connection, "vendor", "postgresql", raising=False)
    error = OperationalError("the database says so")
    error.__cause__ = Passing(state)
    problem = database_errors.problem_of(error)
    assert (problem and problem.slug) == slug


@pytest.mark.usefixtures("sqlite_only")
def test_clips_wait_for_a_database_that_is_busy(world):
    """A browser asks again on 503; another error would break the pair."""
    experiment = world.experiment()
    member, blob = world.member(experiment, "ann"), world.clip(experiment).mp4
    options = connections.settings["default"]["OPTIONS"]
    before, options["timeout"] = options["timeout"], 0.1
    try:
        with (
            TestClient(ClipsFirst(world.folder, Starlette(), Visits())) as browser,
            closing(sqlite3.connect(world.folder.database)) as other,
        ):
            other.execute("BEGIN EXCLUSIVE")
            refused = browser.get(blob_url(blob, str(member.user_id)))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            other.rollback()
            assert browser.get(blob_url(blob, str(member.user_id))).status_code == 200
    finally:
        options["timeout"] = before


def test_a_database_that_is_away_is_one_line_at_the_start(tmp_path):
    command = [sys.executable, "-m", "rl_teacher.server", "serve", "--data-dir", str(tmp_path), "--port", "0"]
    done = subprocess.run([*command, "--database-url", DATABASE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("ServerFault: the database cannot be used")
    assert "secret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
