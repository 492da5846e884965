"""A world for tests: a data folder of its own per test, with people, clips and comparisons made by short calls."""

import dataclasses
import hashlib
import io
import os
import shutil
import struct
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.settings import ServerConfig, configure

POSTGRES = os.environ.get("RL_TEACHER_TEST_POSTGRES", "")
settings_hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow on purpose
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
BASE = Path(tempfile.mkdtemp(prefix="rl-teacher-tests-", dir=MEMORY))
configure(ServerConfig(DataFolder(BASE / "template").make(), database_url=POSTGRES))
settings.PASSWORD_HASHERS = settings_hashers


def mp4(content: bytes = b"x") -> bytes:
    """The smallest thing that looks like an mp4."""
    boxes = [(b"ftyp", b"isom\x00\x00\x02\x00isomiso2"), (b"moov", b""), (b"mdat", content)]
    return b"".join(struct.pack(">I4s", 8 + len(body), name) + body for name, body in boxes)


def npz(steps: int = 5, **arrays: Any) -> bytes:
    """Arrays of a segment."""
    file = io.BytesIO()
    members = {"obs": np.zeros((steps, 3), np.float32), "actions": np.ones((steps, 2), np.float32)} | arrays
    np.savez(file, **{k: v for k, v in members.items() if v is not None})
    return file.getvalue()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class World:
    """Short words for what tests need."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self._clips = 0

    def user(self, name: str, *, admin: bool = False, password: str = "") -> Any:
        from rl_teacher.server.models import User

        user = User(username=name, is_superuser=admin, is_staff=admin)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.save()
        return user

    def experiment(self, slug: str = "one", **fields: Any) -> Any:
        from rl_teacher.server.models import Experiment

        fields = {
            "env_id": "ShortHopper-v1",
            "config_hash": "h",
            "gold_rate": 0,
            "repeat_rate": 0,
            "double_rate": 0,
        } | fields
        return Experiment.objects.create(slug=slug, **fields)

    def member(self, experiment: Any, name: str, role: str = "labeler") -> Any:
        from rl_teacher.server.models import Membership, User

        user = User.objects.filter(username=name).first() or self.user(name)
        return Membership.objects.create(experiment=experiment, user=user, role=role, pseudonym=f"p-{name}")

    def blob(self, experiment: Any, data: bytes, kind: str) -> Any:
        from rl_teacher.server.models import Blob

        path = self.folder.blobs / sha(data)[:2] / sha(data)[2:4] / sha(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        fields = {"size": len(data), "content_type": kind}
        return Blob.objects.get_or_create(experiment=experiment, sha256=sha(data), defaults=fields)[0]

    def clip(self, experiment: Any, **fields: Any) -> Any:
        from rl_teacher.server.models import Clip

        self._clips += 1
        video = self.blob(experiment, mp4(str(self._clips).encode()), "video/mp4")
        arrays = self.blob(experiment, npz(), "application/x-npz")
        fields = {
            "fps": 20,
            "n_frames": 30,
            "width": 64,
            "height": 64,
            "step": 1000 + self._clips,
            "body_hash": "h",
        } | fields
        return Clip.objects.create(id=uuid.uuid4(), experiment=experiment, mp4=video, arrays=arrays, **fields)

    def comparison(self, experiment: Any, *, wanted: int = 1, **fields: Any) -> Any:
        from rl_teacher.server.models import Comparison

        clips = {"a": self.clip(experiment), "b": self.clip(experiment)}
        fields = {"id": uuid.uuid4(), "created_at": datetime.now(UTC), "body_hash": "h"} | clips | fields
        return Comparison.objects.create(experiment=experiment, wanted=wanted, open_slots=wanted, **fields)

    def comparisons(self, experiment: Any, count: int, **fields: Any) -> list[Any]:
        return [self.comparison(experiment, **fields) for _ in range(count)]

    def token(self, **fields: Any) -> str:
        from rl_teacher.server.transactions.access import make_token

        return make_token("test", **fields)[1]

    def browser(self, user: Any = None, *, csrf: bool = False) -> Any:
        """Django's test client, signed in as `user`."""
        from django.test import Client

        client = Client(enforce_csrf_checks=csrf, SERVER_NAME="localhost")
        if user is not None:
            client.force_login(getattr(user, "user", user))
        return client

    def trainer(self, token: str | None = None) -> Any:
        from django.test import Client

        return Client(headers={"authorization": f"Bearer {token or self.token()}"}, SERVER_NAME="localhost")


@pytest.fixture(scope="session")
def _template() -> Iterator[Path]:
    from django.core.management import call_command
    from django.db import connections
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()  # so that responses tell their templates' context
    call_command("migrate", verbosity=0, interactive=False)
    connections.close_all()
    yield BASE / "template"
    teardown_test_environment()
    shutil.rmtree(BASE, ignore_errors=True)


def use_folder(folder: DataFolder, journal_mode: str = "TRUNCATE") -> None:
    """Point Django at another data folder."""
    from django.db import connections

    connections.close_all()
    config = ServerConfig(folder, journal_mode=journal_mode, database_url=POSTGRES)
    settings.DATA, settings.RL_TEACHER = folder, config
    if not POSTGRES:
        database = connections.settings["default"]
        database["NAME"] = str(folder.database)
        # Tests need no power-cut safety; kill -9 is tested with the real settings in a process of its own.
        database["OPTIONS"]["init_command"] = f"PRAGMA journal_mode={journal_mode}; PRAGMA synchronous=OFF"


@contextmanager
def fresh_world(template: Path, journal_mode: str = "TRUNCATE") -> Iterator[World]:
    """An empty server, as often as one likes within a test."""
    from django.db import connection, connections

    from rl_teacher.server import doors, throttle
    from rl_teacher.server.transactions import claim

    for bucket in (throttle.REQUESTS, doors.NAMES, doors.ADDRESSES, throttle.HEALTH):
        bucket._buckets.clear()
    claim._OPEN.clear()
    folder = DataFolder(Path(tempfile.mkdtemp(dir=BASE))).make()
    if POSTGRES:
        use_folder(folder)
        tables = ", ".join(connection.introspection.django_table_names(only_existing=True))
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    else:
        shutil.copy(template / "db.sqlite3", folder.database)
        use_folder(folder, journal_mode)
    yield World(folder)
    connections.close_all()
    shutil.rmtree(folder.root, ignore_errors=True)


@pytest.fixture
def world(_template: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """An empty server."""
    with fresh_world(_template, getattr(request, "param", "TRUNCATE")) as found:
        yield found


@pytest.fixture
def worlds(_template: Path) -> Any:
    """Makes empty servers: `with worlds() as world:`."""
    return lambda journal_mode="TRUNCATE": fresh_world(_template, journal_mode)


@pytest.fixture
def sqlite_only() -> None:
    """For what copies the database file."""
    if POSTGRES:
        pytest.skip("about SQLite's file")


@pytest.fixture
def make_mp4() -> Any:
    return mp4


@pytest.fixture
def make_npz() -> Any:
    return npz


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    from tests.server.bucket import bucket  # here, as few need it

    with bucket() as line:
        yield line


@pytest.fixture
def line(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket, empty, without trouble; calls give up soon."""
    import obstore

    from rl_teacher.server.storage import choose, objects
    from tests.server.bucket import CREDENTIALS
    from tests.server.clips_in_bucket import URL

    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": s3.url}.items():
        monkeypatch.setenv(name, value)
    retry = {"max_retries": 1, "retry_timeout": timedelta(seconds=2), "backoff": objects._RETRY["backoff"]}
    monkeypatch.setattr(objects, "_RETRY", retry)
    choose._opened.cache_clear()
    s3.trouble, s3.only = "", ""
    store = objects.open_store(URL)._store
    for page in obstore.list(store):
        obstore.delete(store, [found["path"] for found in page])
    s3.requests.clear()
    yield s3
    s3.trouble = ""
    choose._opened.cache_clear()


@pytest.fixture
def cloud(world: World, line: Any) -> World:
    """A server with its clips in the bucket."""
    from tests.server.clips_in_bucket import URL

    settings.RL_TEACHER = dataclasses.replace(settings.RL_TEACHER, blobs=URL)
    return world


@pytest.fixture
def file(world: World) -> Any:
    """Makes a file that a store may take."""

    def make(data: bytes) -> Path:
        path = world.folder.blobs / ".incoming-test"
        path.write_bytes(data)
        return path

    return make
