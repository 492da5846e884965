"""A bucket for tests of the server: its address, what lies in it, and its clips by short calls."""

import hashlib
from datetime import datetime, timedelta

import obstore

from rl_teacher.server.storage import objects
from rl_teacher.server.storage.objects import open_store
from tests.server.crowd import mp4

URL = "s3://clips/of/a lab"
DATA = mp4(bytes(range(256)) * 40)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def put(world, data=DATA, kind="video/mp4"):
    path = f"/api/v1/experiments/one/blobs/{sha(data)}"
    return world.trainer().put(path, data, content_type=kind)


def objects_of(url=URL):
    return sorted(found["path"] for page in obstore.list(open_store(url)._store) for found in page)


def make_older(monkeypatch, seconds):
    """All ages are so much more."""

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=seconds)

    monkeypatch.setattr(objects, "datetime", Later)
