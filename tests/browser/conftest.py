"""A real Chromium, a real server, synthetic clips."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves helpers beside a conftest unreachable

from browser_clips import clip
from browser_server import LiveExperiment, LiveServer

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NUM_FILMS = 8

Open = Callable[..., "Labeler"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason=f"no {CHROMIUM}; apt-get install chromium"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("feedback") / "data")
    yield live
    live.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def films() -> list[bytes]:
    return [clip(seed) for seed in range(NUM_FILMS)]


@pytest.fixture(scope="session")
def session_cookies(server: LiveServer, chromium: Browser) -> list[Any]:
    """One login by the one-time link, shared by the tests that are not about logging in."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url + server.login_path())
    page.wait_for_url(f"{server.url}/")
    cookies = context.cookies()
    context.close()
    return list(cookies)


@pytest.fixture
def experiment(server: LiveServer) -> LiveExperiment:
    return LiveExperiment(server)


class Labeler:
    """One browser window on the labeling page, and what it shows."""

    def __init__(self, context: BrowserContext, url: str, slug: str) -> None:
        self.context, self.url, self.slug = context, url, slug
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)

    def open(self, phase: str | None = "open") -> "Labeler":
        self.page.goto(f"{self.url}/e/{self.slug}/label")
        if phase:
            self.wait(phase)
        return self

    def wait(self, phase: str, timeout: float = 20_000) -> None:
        self.page.wait_for_selector(f'body:not(:has(#milestone[open])) #labeler[data-phase="{phase}"]', timeout=timeout)

    def wait_next(self, before: str) -> None:
        """Until another pair than `before` is in front and can be answered."""
        self.page.wait_for_function(
            "before => document.querySelector('#pair').dataset.assignment !== before"
            " && document.querySelector('#labeler').dataset.phase === 'open'"
            " && !document.querySelector('#milestone').open",
            arg=before,
        )

    def wait_saved(self, timeout: float = 20_000) -> None:
        self.page.wait_for_selector('#status[data-saving="saved"]', timeout=timeout)

    @property
    def shown(self) -> str:
        """The assignment in front."""
        return str(self.page.get_attribute("#pair", "data-assignment"))

    @property
    def phase(self) -> str:
        return str(self.page.get_attribute("#labeler", "data-phase"))

    def leave(self) -> None:
        """Go elsewhere, as a person does; the page gives its pairs back."""
        self.page.goto(f"{self.url}/healthz")
        self.page.wait_for_timeout(500)

    def answer(self, key: str) -> str:
        """Press a key on an open pair and wait for the next; returns the assignment answered."""
        before = self.shown
        self.page.keyboard.press(key)
        gone = """before => document.querySelector('#pair').dataset.assignment !== before
          || ['fill', 'empty', 'held'].includes(document.querySelector('#labeler').dataset.phase)"""
        self.page.wait_for_function(gone, arg=before)
        return before

    def digests(self) -> dict[str, str]:
        """SHA-256 of the bytes that play on each side."""
        return dict(
            self.page.evaluate(
                """async () => {
                 const front = document.querySelector('#pair').dataset.front;
                 const read = async side => (await window.blobBytes(document.querySelector(`#${side}-${front}`).src));
                 return {left: await read('left'), right: await read('right')};
               }"""
            )
        )


WATCH_BLOBS = """
  (() => {
    const blobs = new Map();
    const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
    URL.createObjectURL = blob => { const url = make.call(URL, blob); blobs.set(url, blob); return url; };
    URL.revokeObjectURL = url => { blobs.delete(url); revoke.call(URL, url); };
    window.liveBlobs = () => blobs.size;
    window.blobBytes = async url => {
      const hash = await crypto.subtle.digest('SHA-256', await blobs.get(url).arrayBuffer());
      return [...new Uint8Array(hash)].map(byte => byte.toString(16).padStart(2, '0')).join('');
    };
    if (!localStorage.getItem('rl-teacher.test-first-visit')) localStorage.setItem('rl-teacher.met', '1');
  })();
"""


@pytest.fixture
def labeler(
    server: LiveServer, chromium: Browser, experiment: LiveExperiment, session_cookies: list[Any]
) -> Iterator[Open]:
    """Opens windows on the labeling page; afterwards none may have had a script error or a CSP violation."""
    opened: list[Labeler] = []

    def make(slug: str = "", cookies: list[Any] | None = None, **options: Any) -> Labeler:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        context.add_cookies(session_cookies if cookies is None else cookies)
        context.add_init_script(WATCH_BLOBS)
        context.set_default_timeout(20_000)
        opened.append(Labeler(context, server.url, slug or experiment.slug))
        return opened[-1]

    yield make
    for one in opened:
        one.context.close()
        assert one.errors == []
