"""One contract for both stores of clips: the folder and the bucket."""

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from rl_teacher.server import blobs
from rl_teacher.server.storage import ranges
from rl_teacher.server.storage.local import LocalStore
from rl_teacher.server.storage.objects import open_store
from rl_teacher.server.storage.store import blob_key
from tests.server.clips_in_bucket import DATA, URL, sha


@pytest.fixture(params=["local", "s3"])
def store(request, world):
    if request.param == "local":
        return LocalStore(world.folder)
    request.getfixturevalue("line")
    return open_store(URL)


def test_what_a_store_keeps_it_gives_back(store, file, tmp_path):
    key = blob_key(sha(DATA))
    for _ in range(2):  # the same again is the same
        store.keep(key, file(DATA), "video/mp4")
    store.fetch(key, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == DATA
    with pytest.raises(FileNotFoundError):
        store.fetch(blob_key(sha(b"none")), tmp_path / "nothing")
    store.try_out()


def test_only_old_bytes_are_listed_and_deleted(store, file):
    store.keep(blob_key(sha(DATA)), file(DATA), "video/mp4")
    assert list(store.older_than(60)) == []
    assert not store.delete_if_older(sha(DATA), 60)
    assert list(store.older_than(-60)) == [sha(DATA)]
    assert store.delete_if_older(sha(DATA), -60)
    assert not store.delete_if_older(sha(DATA), -60)
    assert list(store.older_than(-60)) == []


def test_the_sweep_leaves_what_a_row_names_and_what_is_no_blob(store, file):
    for data in (b"named", b"orphan"):
        store.keep(blob_key(sha(data)), file(data), "application/x-npz")
    store.keep("exports/0123456789abcdef0123456789abcdef.zip", file(b"zip"), "application/zip")
    assert blobs.sweep(store, lambda name: name == sha(b"named"), older_than_s=-60) == 1
    assert list(store.older_than(-60)) == [sha(b"named")]


def test_a_row_that_comes_while_the_sweep_runs_saves_its_bytes(store, file):
    """It looks once more before it deletes."""
    store.keep(blob_key(sha(DATA)), file(DATA), "video/mp4")
    looks = iter([False, True])
    assert blobs.sweep(store, lambda name: next(looks), older_than_s=-60) == 0
    assert list(store.older_than(-60)) == [sha(DATA)]


@pytest.fixture
def client(store, file):
    """Asks for a stored clip as a browser does."""
    store.keep(blob_key(sha(DATA)), file(DATA), "video/mp4")
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{sha(DATA)}"'}

    async def clip(request):
        return await store.respond(request, blob_key(sha(DATA)), "video/mp4", headers)

    with TestClient(Starlette(routes=[Route("/", clip, methods=["GET"])])) as found:
        yield found


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, len(DATA)),
        ("bytes=10-19", 10, 20),
        ("bytes=5-", 5, len(DATA)),
        ("bytes=-7", len(DATA) - 7, len(DATA)),
        ("bytes=100-999999", 100, len(DATA)),
    ],
)
def test_ranges_are_answered_alike(client, header, start, stop):
    got = client.get("/", headers={"Range": header})
    assert (got.status_code, got.content) == (206, DATA[start:stop])
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert got.headers["content-type"] == "video/mp4"


def test_whole_clips_heads_and_impossible_ranges_are_answered_alike(client):
    whole = client.get("/")
    assert (whole.status_code, whole.content) == (200, DATA)
    assert whole.headers["content-length"] == str(len(DATA))
    head = client.head("/")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(DATA)))
    assert client.get("/", headers={"Range": f"bytes={len(DATA)}-"}).status_code == 416
    same = {"Range": "bytes=0-3", "If-Range": f'"{sha(DATA)}"'}
    assert client.get("/", headers=same).content == DATA[:4]
    assert client.get("/", headers=same | {"If-Range": '"another"'}).content == DATA


def test_ranges_by_hand():
    assert ranges.range_of("bytes=2-4", 10) == (2, 5)
    assert ranges.range_of("bytes=-99", 10) == (0, 10)
    assert ranges.range_of("bytes=9-", 10) == (9, 10)
    for header in ("bytes=10-", "bytes=5-2", "bytes=-0"):
        with pytest.raises(ranges.NotSatisfiable):
            ranges.range_of(header, 10)
    for odd in ("bytes=-", "bytes=0-1,5-6", "items=0-1", ""):
        assert not ranges.wants_range({"range": odd}, '"x"')
