"""A proxy that keeps clips asks the server each time, and gets no bytes that it has."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from rl_teacher.server.media import ClipsFirst, blob_url, signed_url
from rl_teacher.server.request_threads import Visits

ASKS = {"X-Clips-Inside": "/_clips/"}


@pytest.fixture
def browser(world):
    with TestClient(ClipsFirst(world.folder, Starlette(), Visits())) as found:
        yield found


@pytest.fixture
def place(world):
    """An address of a clip, and whose it is."""
    experiment = world.experiment()
    member = world.member(experiment, "ann")
    return blob_url(world.clip(experiment).mp4, str(member.user_id)), member


def test_the_place_inside_is_named_and_no_bytes_are_sent(browser, place):
    address, _ = place
    told = browser.get(address, headers=ASKS)
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["x-accel-redirect"] == address.replace("/media/", "/_clips/")


def test_a_right_that_was_taken_away_opens_nothing_from_then_on(browser, place):
    address, member = place
    member.delete()
    refused = browser.get(address, headers=ASKS)
    assert (refused.status_code, "x-accel-redirect" in refused.headers) == (403, False)
    assert browser.get(address.replace("&s=", "&s=x"), headers=ASKS).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"X-Clips-Inside": ""}, {"X-Clips-Inside": "/etc/"}])
def test_whoever_does_not_ask_for_that_gets_bytes(browser, place, headers):
    got = browser.get(place[0], headers=headers)
    assert len(got.content) > 0
    assert "x-accel-redirect" not in got.headers


def test_only_clips_are_kept_by_a_proxy(browser, place, world):
    member = world.member(place[1].experiment, "olga", role="owner")
    name = f"{'0' * 32}.zip"  # a copy of the whole experiment
    missing = browser.get(signed_url(name, member.experiment_id, str(member.user_id)), headers=ASKS)
    assert (missing.status_code, "x-accel-redirect" in missing.headers) == (404, False)


def test_bytes_are_read_and_nothing_else(browser, place):
    assert browser.head(place[0]).status_code == 200
    assert browser.post(place[0]).status_code == 405
    assert browser.get("/elsewhere").status_code == 404
