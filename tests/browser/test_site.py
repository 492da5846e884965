"""The site of docs/ in Chromium, opened as files, without a server."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.built_site import DOCS, build


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    assert build(DOCS, out).returncode == 0
    return out


def test_the_search_finds_words_without_a_server(site: Path, chromium: Browser) -> None:
    tab = chromium.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto((site / "index.html").as_uri())
    tab.get_by_role("textbox", name="Search").fill("myopic")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#search-results li a")
    links = tab.eval_on_selector_all("#search-results li a", "links => links.map(link => link.pathname)")
    assert f"{site}/teachers.html" in links
    assert all(url.startswith("file:") for url in asked), asked
    tab.close()


def test_no_page_is_wider_than_a_phone(site: Path, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    paths = sorted(site.glob("*.html"))
    assert len(paths) > len(list(DOCS.glob("*.md")))
    for path in paths:
        tab.goto(path.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, path.name
    context.close()
