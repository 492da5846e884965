"""The server with its clips in an object store, and what happens when that does not answer."""

import dataclasses
import io
import time

import pytest
from django.conf import settings
from starlette.applications import Starlette
from starlette.testclient import TestClient

from rl_teacher.errors import ConfigError, ServerFault
from rl_teacher.server import blobs
from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.write_out import export_folder
from rl_teacher.server.media import ClipsFirst, blob_url, signed_url
from rl_teacher.server.models import Blob, Export
from rl_teacher.server.request_threads import Visits
from rl_teacher.server.settings import CSP, csp
from rl_teacher.server.storage import choose
from rl_teacher.server.storage.objects import open_store
from rl_teacher.server.storage.store import ORPHAN_AGE_S, blob_key
from rl_teacher.server.transactions import exports
from rl_teacher.server.transactions.upload import uses_of
from tests.server.clips_in_bucket import DATA, URL, make_older, objects_of, put, sha


def test_an_upload_goes_to_the_bucket_and_to_no_disk(cloud, line):
    cloud.experiment()
    assert put(cloud).status_code == 201
    assert objects_of() == [blob_key(sha(DATA))]
    assert [path for path in cloud.folder.blobs.rglob("*") if path.is_file()] == []
    assert put(cloud).status_code == 200
    cloud.experiment("two")
    path = f"/api/v1/experiments/two/blobs/{sha(DATA)}"
    assert cloud.trainer().put(path, DATA, content_type="video/mp4").status_code == 201
    puts = [one for one in line.requests if one.startswith("PUT")]
    assert len(puts) == 3  # the bucket says of two that it has them; none is sent a second time over what is there


@pytest.mark.parametrize("trouble", ["503", "cut"])
def test_a_store_that_fails_gives_busy_and_the_same_upload_works_later(cloud, line, trouble):
    cloud.experiment()
    line.trouble = trouble
    refused = put(cloud)
    assert (refused.status_code, refused.json()["type"], refused["Retry-After"]) == (503, "/problems/busy", "2")
    assert not Blob.objects.exists()
    line.trouble = ""
    assert put(cloud).status_code == 201
    assert objects_of() == [blob_key(sha(DATA))]


def test_an_upload_whose_answer_was_lost_is_the_same_upload(cloud, line, file):
    """The store has it, and the line broke before it could say so."""
    cloud.experiment()
    line.trouble, line.only = "torn", "PUT"
    put(cloud)
    line.trouble = ""
    assert put(cloud).status_code in (200, 201)
    assert objects_of() == [blob_key(sha(DATA))]


def test_bytes_that_the_sweep_may_be_about_to_delete_are_stored_anew(cloud, line, monkeypatch):
    cloud.experiment()
    put(cloud)
    Blob.objects.all().delete()
    make_older(monkeypatch, ORPHAN_AGE_S + 60)
    assert list(open_store(URL).older_than(ORPHAN_AGE_S)) == [sha(DATA)]
    line.requests.clear()
    assert put(cloud).status_code == 201
    # The condition fails, the age is asked for, and then the bytes go again, which makes them young.
    assert [one.split()[0] for one in line.requests] == ["PUT", "HEAD", "PUT"]
    assert blobs.sweep(open_store(URL), uses_of, older_than_s=-1e9) == 0


def media(world, redirect=False):
    settings.RL_TEACHER = dataclasses.replace(settings.RL_TEACHER, media="redirect" if redirect else "proxy")
    return TestClient(ClipsFirst(world.folder, Starlette(), Visits()), follow_redirects=False)


def address_of(world, data=DATA):
    blob = Blob.objects.get(sha256=sha(data))
    member = world.member(blob.experiment, f"viewer-{time.monotonic_ns()}")
    return blob_url(blob, str(member.user_id))


def test_clips_come_through_the_server_with_its_headers(cloud):
    cloud.experiment()
    put(cloud)
    address = address_of(cloud)
    with media(cloud) as browser:
        got = browser.get(address)
        assert (got.status_code, got.content) == (200, DATA)
        assert got.headers["content-security-policy"] == "sandbox"
        assert "immutable" in got.headers["cache-control"]
        assert browser.get(address, headers={"Range": "bytes=4-7"}).content == DATA[4:8]
        assert browser.get(address.replace("&s=", "&s=x")).status_code == 403


@pytest.mark.parametrize("trouble", ["503", "cut", "torn"])
def test_a_clip_that_the_store_does_not_give_is_busy_and_not_torn(cloud, line, trouble):
    cloud.experiment()
    put(cloud)
    address = address_of(cloud)
    with media(cloud) as browser:
        line.trouble = trouble
        refused = browser.get(address)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.headers["cache-control"] == "no-store"
        line.trouble = ""
        assert browser.get(address).content == DATA


def test_a_clip_that_is_not_there_is_404(cloud):
    cloud.experiment()
    put(cloud)
    address = address_of(cloud)
    open_store(URL).delete_if_older(sha(DATA), -60)
    with media(cloud) as browser:
        assert browser.get(address).status_code == 404
        assert browser.head(address).status_code == 404


def test_a_redirect_leads_to_the_bucket_for_members_alone(cloud, line):
    cloud.experiment()
    put(cloud)
    address = address_of(cloud)
    with media(cloud, redirect=True) as browser:
        told = browser.get(address)
        assert told.status_code == 302
        assert told.headers["location"].startswith(f"{line.url}/clips/of/a%20lab/{sha(DATA)[:2]}/")
        assert "X-Amz-Expires=3600" in told.headers["location"]
        assert "max-age=1800" in told.headers["cache-control"]
        assert browser.get(address.replace("&s=", "&s=x")).status_code == 403
        import urllib.request

        with urllib.request.urlopen(told.headers["location"]) as direct:
            assert (direct.read(), direct.headers["Content-Type"]) == (DATA, "video/mp4")
    assert choose.media_origin() == line.url


def test_pages_allow_the_bucket_only_where_clips_come_from_there():
    assert csp("") == CSP
    found = csp("https://clips.s3.amazonaws.com")
    assert "media-src 'self' blob: https://clips.s3.amazonaws.com;" in found
    assert "connect-src 'self' https://clips.s3.amazonaws.com;" in found
    assert "script-src 'self';" in found


def test_an_experiment_goes_out_of_the_bucket_and_into_another(cloud, worlds, tmp_path, make_npz):
    put_all(cloud, make_npz())
    export_folder(cloud.folder, "one", tmp_path / "out")
    (clip,) = (tmp_path / "out" / "clips").iterdir()
    assert clip.read_bytes() == DATA
    with worlds() as other:
        settings.RL_TEACHER = dataclasses.replace(settings.RL_TEACHER, blobs="s3://clips/elsewhere")
        import_folder(other.folder, tmp_path / "out")
        export_folder(other.folder, "one", tmp_path / "again")
    assert len(objects_of("s3://clips/elsewhere")) == 2
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n / "clips").iterdir()} for n in ("out", "again"))
    assert first == second


def put_all(world, arrays):
    experiment = world.experiment()
    assert put(world).status_code == 201
    assert put(world, arrays, "application/x-npz").status_code == 201
    body = {"mp4": sha(DATA), "arrays": sha(arrays), "fps": 20, "n_frames": 30, "width": 64, "height": 64, "step": 1}
    clip = "11111111-1111-4111-8111-111111111111"
    path = f"/api/v1/experiments/one/clips/{clip}"
    assert world.trainer().put(path, body, content_type="application/json").status_code == 201
    return experiment


def test_an_import_from_a_store_that_fails_changes_nothing(cloud, line, worlds, tmp_path, make_npz):
    put_all(cloud, make_npz())
    export_folder(cloud.folder, "one", tmp_path / "out")
    with worlds() as other:
        settings.RL_TEACHER = dataclasses.replace(settings.RL_TEACHER, blobs="s3://clips/elsewhere")
        line.trouble, line.only = "503", "PUT"
        with pytest.raises(ServerFault, match="busy just now"):
            import_folder(other.folder, tmp_path / "out")
        assert not Blob.objects.exists()


def test_a_copy_made_from_the_page_is_in_the_bucket_for_every_process(cloud, make_npz):
    experiment = put_all(cloud, make_npz())
    owner = cloud.member(experiment, "boss", role="owner").user
    row = exports.start(cloud.folder, experiment, owner)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and Export.objects.get(pk=row.pk).state == "running":
        time.sleep(0.02)
    row = Export.objects.get(pk=row.pk)
    assert (row.state, row.error) == ("done", "")
    assert f"exports/{row.id.hex}.zip" in objects_of()
    assert list(cloud.folder.exports.iterdir()) == []
    with media(cloud) as browser:
        got = browser.get(signed_url(f"{row.id.hex}.zip", experiment.pk, str(owner.pk)))
        assert (got.status_code, len(got.content), got.content[:2]) == (200, row.size, b"PK")


def test_ready_means_that_the_bucket_takes_and_gives_bytes(cloud, line):
    assert cloud.browser().get("/readyz").json()["files"] is True
    assert objects_of() == []
    line.trouble = "503"
    assert cloud.browser().get("/readyz").json()["files"] is False


def test_a_start_says_in_one_line_what_is_wrong_with_the_bucket(cloud, line):
    choose.check_store(cloud.folder)
    line.trouble = "503"
    with pytest.raises(ServerFault, match=r"^--blobs s3://clips/of/a lab: cannot be written and read \(.+\)\. Check"):
        choose.check_store(cloud.folder)


@pytest.mark.parametrize("url", ["clips", "http://clips/x", "s3://", "file:///tmp/x", "s3://clips/x?y=1"])
def test_other_addresses_are_refused(url):
    with pytest.raises(ConfigError, match="expected s3://bucket/prefix"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("gs://clips/lab", {"GOOGLE_SKIP_SIGNATURE": "true"}),
        ("az://clips/lab", {"AZURE_STORAGE_ACCOUNT_NAME": "lab", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"}),
    ],
)
def test_the_other_clouds_open(url, variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert open_store(url)


def test_clips_of_a_folder_are_copied_into_the_bucket(cloud, line):
    from django.core.management import CommandError, call_command

    experiment = cloud.experiment()
    cloud.comparison(experiment)  # with its bytes in the folder
    for _ in range(2):
        call_command("copy_blobs", stdout=io.StringIO())
        assert len(objects_of()) == Blob.objects.count() == 3
    blob = Blob.objects.create(experiment=experiment, sha256="0" * 64, size=1, content_type="video/mp4")
    with pytest.raises(CommandError, match=f"1 files are not in .*{blob.sha256}"):
        call_command("copy_blobs", stdout=io.StringIO())
