"""The site of docs/, built as `make site` does: whole, without the internet, and strict where a page is at fault."""

import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.built_site import build

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
MADE = [*PAGES, "search"]
"""Pages of the site: ours, and that of the search."""
LOADED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "source": "src",
    "video": "src",
    "iframe": "src",
    "use": "href",
}
"""Elements that a browser fetches something for, and the attribute that says what."""
CODE = {"code", "pre", "script", "style", "title"}


@dataclass
class Page(HTMLParser):
    """What is in a page: names to link to, links, what it loads, and the words outside of code."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given and given.get("rel") not in {"index", "search", "next", "prev"}:
            self.loads.append(given[LOADED[tag]])
        if tag in CODE:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in CODE:
            self.inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = build(DOCS, out)
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """File name -> what is in it."""
    found = {}
    for path in sorted(site.glob("*.html")):
        found[path.name] = Page()
        found[path.name].feed(path.read_text())
    return found


def test_make_builds_what_is_tested() -> None:
    (line,) = re.findall(r"python -m (sphinx .*)", (ROOT / "Makefile").read_text())
    assert line == "sphinx -W --keep-going -q -b html -d build/site/.doctrees docs build/site"
    assert "/build/" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_page_is_there_and_in_the_menu(pages: dict[str, Page]) -> None:
    assert set(pages) == {f"{name}.html" for name in MADE}
    menu = Counter(pages["search.html"].links)  # a page without links of its own
    del menu["index.html"]
    assert {link for link in menu if not link.startswith(("#", "https:"))} == {f"{name}.html" for name in PAGES} - {
        "index.html"
    }


def test_every_page_is_in_one_list_of_the_first_page() -> None:
    text = (DOCS / "index.md").read_text()
    listed = Counter(re.findall(r"^\* \[[^\]]+\]\(([a-z-]+)\.md\)", text, re.MULTILINE))
    assert listed == Counter(set(PAGES) - {"index"})


def test_every_link_and_anchor_of_the_site_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    count = 0
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme == "https", f"{name}: {link}"
                continue
            target = unquote(parts.path) or name
            assert (site / target).is_file(), f"{name}: {link}"
            if parts.fragment:
                assert unquote(parts.fragment) in pages[target].ids, f"{name}: {link}"
            count += 1
    assert count > 1000


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert page.loads
        for link in page.loads:
            parts = urlsplit(link)
            assert not parts.scheme, f"{name} loads {link}"
            assert not parts.netloc, f"{name} loads {link}"
            assert not parts.path or (site / unquote(parts.path)).is_file(), f"{name} loads {link}"
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?\s*(?:https?:)?//", path.read_text()), path


def test_every_picture_of_a_page_is_in_the_site(site: Path) -> None:
    count = 0
    for name in PAGES:
        for picture in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", (DOCS / f"{name}.md").read_text()):
            made = site / "_images" / Path(picture).name
            assert made.read_bytes() == (DOCS / picture).read_bytes(), f"{name}: {picture}"
            count += 1
    assert count > 5


MARKDOWN = re.compile(r"\]\(|(?<!\w)\*\*|^\||\| ?---|^#+ |```|\{toctree\}", re.MULTILINE)
"""What only the source of a page should have."""


def test_no_markdown_is_left_in_the_text(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        left = [words for words in page.words if MARKDOWN.search(words)]
        assert not left, f"{name}: {left}"
    assert [word for word in ("a](b", "**bold", "| --- |", "## title") if MARKDOWN.search(word)]


def test_a_page_at_fault_fails_the_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    (source / "site").mkdir(parents=True)
    shutil.copy(DOCS / "conf.py", source)
    (source / "site" / "site.css").touch()
    (source / "index.md").write_text("# All\n\n## How-to\n\n* [One](one.md)\n")
    (source / "one.md").write_text("# One\n\n[two](two.md) [nobody](nobody.md) [here](#nowhere) ![x](images/x.png)\n")
    (source / "two.md").write_text("# Two\n\n[there](one.md#nowhere)\n")
    built = build(source, tmp_path / "site")
    assert built.returncode == 1
    told = [line.split("WARNING: ")[1] for line in built.stderr.splitlines() if "WARNING: " in line]
    expected = (
        "document isn't included in any toctree", "'myst' cross-reference target not found: 'nobody.md'",
        "'myst' cross-reference target not found: 'nowhere'", "local id not found in doc 'one': 'nowhere'",
        "image file not readable: images/x.png",
    )  # fmt: skip
    assert len(told) == len(expected), told
    assert not [text for text in expected if not any(text in line for line in told)], told
