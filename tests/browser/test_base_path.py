"""A server under a path of another site, through nginx, in a real Chromium: nothing leads out of the path."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser_server import LiveExperiment, LiveServer
from playwright.sync_api import Browser

from tests import proxies
from tests.proxies import free_port, needs_nginx, replaced, running

pytestmark = needs_nginx
DOCS = (Path(__file__).parents[2] / "docs" / "server.md").read_text()
PASSWORD = "a long password"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Its trainer speaks to it directly, its browsers through nginx with the example of docs/server.md."""
    folder, outside = tmp_path_factory.mktemp("site"), free_port()
    live = LiveServer(folder / "data", "--public-url", f"http://localhost:{outside}", "--base-path", "/teach")
    section = DOCS.split("### Under a path of another site")[1]
    example = str(re.findall(r"```nginx\n(.*?)```", section, re.DOTALL)[0])
    place = replaced(example, **{"http://127.0.0.1:8000": live.url.removesuffix("/teach")})
    text = f"server {{ listen 127.0.0.1:{outside}; server_name localhost; {place} }}"
    live.url = f"http://localhost:{outside}/teach"
    with running(proxies.nginx(folder, text), folder):
        yield live
    live.close()


@pytest.fixture(scope="session")
def session_cookies(server: LiveServer, chromium: Browser) -> list[Any]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url + server.login_path())
    page.wait_for_url(f"{server.url}/")
    assert "/enter" not in page.evaluate("performance.getEntriesByType('navigation')[0].name")
    cookies = context.cookies()
    context.close()
    assert {cookie["path"] for cookie in cookies} == {"/teach"}
    return list(cookies)


@pytest.fixture
def asked(labeler: Any, server: LiveServer) -> Iterator[Any]:
    """Opens windows as `labeler` does; afterwards every request must have stayed under the path, and been answered."""
    strayed: list[str] = []

    def watched(slug: str, **options: Any) -> Any:
        window = labeler(slug, **options)

        def answered(response: Any) -> None:
            path = urlsplit(response.url).path
            if response.url.startswith("http") and (not path.startswith("/teach/") or response.status in (404, 405)):
                strayed.append(f"{response.status} {response.url}")

        window.page.on("response", answered)
        return window

    yield watched
    assert strayed == []


def test_a_pair_is_answered_and_its_clips_play(server, films, asked):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 4)
    window = asked(experiment.slug).open()
    place = """() => { const front = document.querySelector('#pair').dataset.front;
      return ['left', 'right'].map(side => { const video = document.querySelector(`#${side}-${front}`);
        return [video.currentTime, video.videoWidth, video.paused]; }); }"""
    before = window.page.evaluate(place)
    window.page.wait_for_timeout(250)
    after = window.page.evaluate(place)
    for (old, *_), (new, width, paused) in zip(before, after, strict=True):
        assert new != old
        assert (width, paused) == (160, False)
    answered = window.answer("ArrowLeft")
    window.wait_next(answered)
    window.wait_saved()
    assert [event["assignment"] for event in experiment.events()] == [answered]
    names = window.page.evaluate("async () => (await indexedDB.databases()).map(one => one.name)")
    assert names == ["rl-teacher/teach"]  # another server under another path of the site has answers of its own
    window.page.click(".back")
    window.page.wait_for_url(f"{server.url}/e/{experiment.slug}")


def test_the_page_of_an_experiment_lives(server, films, asked):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 2)
    page = asked(experiment.slug).page
    with page.expect_response(lambda response: response.url.endswith("/events")) as stream:
        page.goto(f"{server.url}/e/{experiment.slug}")
    assert stream.value.headers["content-type"].startswith("text/event-stream")
    experiment.call("PUT", "/heartbeat", json={"state": "training", "step": 9, "notice": "It came by the stream."})
    page.wait_for_selector("#notice-text:has-text('It came by the stream.')")
    page.click("text=Comparisons")
    page.wait_for_url(f"{server.url}/e/{experiment.slug}/comparisons")
    page.select_option("select[name=state]", "open")
    page.wait_for_url("**/comparisons?*state=open*")
    page.click(".thumb-pair >> nth=0")
    page.wait_for_url(f"{server.url}/c/*")
    page.wait_for_function("() => [...document.querySelectorAll('video')].every(video => video.readyState >= 2)")


@pytest.mark.slow
def test_who_was_signed_out_signs_in_again_on_the_page(server, films, asked):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 4)
    name = f"owner-{experiment.slug}"
    admin = asked(experiment.slug).page
    admin.goto(f"{server.url}/people")
    admin.fill("form.row [name=username]", name)
    admin.fill("form.row [name=password]", PASSWORD)
    admin.check("form.row [name=is_admin]")
    admin.click("form.row button")
    admin.wait_for_selector(f"td:has-text('{name}')")

    window = asked(experiment.slug, cookies=[])
    window.page.goto(f"{server.url}/e/{experiment.slug}/label")
    window.page.wait_for_url(f"{server.url}/login?next=/teach/e/{experiment.slug}/label")
    window.page.fill("[name=username]", name)
    window.page.fill("[name=password]", PASSWORD)
    window.page.click("main button")
    window.page.wait_for_url(f"{server.url}/e/{experiment.slug}/label")
    window.wait("open")

    window.context.clear_cookies()
    window.page.keyboard.press("ArrowLeft")
    window.page.wait_for_selector("#signin[open]")
    window.page.fill("#signin-form [name=username]", name)
    window.page.fill("#signin-form [name=password]", PASSWORD)
    window.page.click("#signin-form button")
    window.page.wait_for_selector("#signin:not([open])", state="attached")
    window.wait_saved()
    assert len(experiment.events()) == 1
    window.page.click(".back")
    window.page.wait_for_url(f"{server.url}/e/{experiment.slug}")
    window.page.click("text=Sign out")
    window.page.wait_for_url(f"{server.url}/login")


def test_an_invitation_leads_under_the_path(server, films, asked):
    experiment = LiveExperiment(server)
    experiment.ask_some(films, 4)
    owner = asked(experiment.slug).page
    owner.goto(f"{server.url}/e/{experiment.slug}/people")
    owner.click("text=Make a link")
    owner.wait_for_function("() => document.querySelector('.invitation img')?.naturalWidth > 100")
    address = owner.inner_text(".invitation a")
    assert address.startswith(f"{server.url}/join/")
    window = asked(experiment.slug, cookies=[])
    window.page.goto(address)
    window.page.click("main button")
    window.page.wait_for_url(f"{server.url}/e/{experiment.slug}/label")
    window.wait("open")
    window.answer("ArrowRight")
    window.wait_saved()
    assert len(experiment.events()) == 1
