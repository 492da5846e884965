"""Clips that are in a bucket, in a real Chromium: fetched from the bucket itself, and waited for while it is away."""

import pytest
from browser_clips import digest
from browser_server import LiveServer

from tests.server.bucket import CREDENTIALS, bucket

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def line():
    with bucket() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": found.url}.items():
            patch.setenv(name, value)
        yield found


@pytest.fixture(scope="module", params=["proxy", "redirect"])
def server(request, line, tmp_path_factory):
    flags = ["--blobs", f"s3://clips/{request.param}", "--media", request.param]
    live = LiveServer(tmp_path_factory.mktemp("bucket") / "data", *flags)
    live.media = request.param
    yield live
    live.close()


@pytest.fixture(scope="module")
def session_cookies(server, chromium):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url + server.login_path())
    page.wait_for_url(f"{server.url}/")
    yield list(context.cookies())
    context.close()


def test_pairs_are_answered_with_clips_from_the_bucket(server, labeler, experiment, films, line):
    """The page's rules allow the bucket's address, and no clip lies on the server's disk."""
    experiment.ask_some(films, 4)
    line.requests.clear()
    window = labeler()
    asked = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.open()
    clips = {digest(film) for film in films}
    assert set(window.digests().values()) <= clips
    before = window.shown
    window.answer("ArrowLeft")
    window.wait_next(before)
    window.wait_saved()
    assert len(experiment.labels()) == 1
    from_bucket = [url for url in asked if url.startswith(line.url)]
    assert bool(from_bucket) == (server.media == "redirect")
    assert [one for one in line.requests if one.startswith("GET /clips/")]
    assert [path for path in (server.data_dir / "blobs").rglob("*") if path.is_file()] == []


def test_a_bucket_that_is_away_delays_pairs_and_breaks_none(labeler, experiment, films, line):
    experiment.ask_some(films, 4)
    line.trouble, line.only = "503", "GET"
    try:
        window = labeler().open(phase=None)
        window.page.wait_for_timeout(8_000)
        assert window.phase != "open"
    finally:
        line.trouble = line.only = ""
    window.wait("open", timeout=60_000)
    before = window.shown
    window.answer("ArrowRight")
    window.wait_next(before)
    states = experiment.call("GET", "/comparisons?state=broken")["comparisons"]
    assert states == []
