"""The server under a path of another site: every address it gives away begins with that path, and works."""

import argparse
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from django.urls import get_resolver

from rl_teacher.errors import ConfigError
from rl_teacher.people.client.api import FeedbackClient, ServerRefused
from rl_teacher.records import OWN_PATHS
from rl_teacher.server.base_path import base_path_of
from rl_teacher.server.serve import under
from tests import proxies
from tests.proxies import free_port, needs_caddy, needs_nginx, replaced, running, wait_for
from tests.server.crowd import SPEC, fill, mp4

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "server.md").read_text()
OTHER = "another site"
UNVISITED = r"/events$|/admin/.|/practice/$|/problems/"
"""Streams, pages that are Django's own, the beginning of an address, and the name of a kind of error."""


@pytest.mark.parametrize(
    ("written", "meant"),
    [("", ""), ("/", ""), ("/teach", "/teach"), ("teach/", "/teach"), ("/robots//v1.2/", "/robots/v1.2")],
)
def test_a_base_path_begins_with_a_slash_and_ends_without(written, meant):
    assert base_path_of(written) == meant


@pytest.mark.parametrize("written", ["/a b", "/../x", "/x?y", "/ü", '/"', "/e", "/robots/api", "http://lab.example/x"])
def test_what_would_not_be_found_is_no_base_path(written):
    with pytest.raises(argparse.ArgumentTypeError, match="like /teach"):
        base_path_of(written)


def test_every_page_begins_as_the_list_of_own_paths_says():
    def first(patterns) -> Iterator[str]:
        for one in patterns:
            start = str(one.pattern).split("/")[0]
            yield from first(one.url_patterns) if not start and hasattr(one, "url_patterns") else [start]

    assert set(first(get_resolver().url_patterns)) - {""} <= OWN_PATHS


@pytest.mark.parametrize("path", sorted(ROOT.glob("rl_teacher/server/templates/**/*.html")), ids=lambda path: path.name)
def test_every_address_in_a_template_begins_with_the_base(path):
    assert re.findall(r'(?:href|action|src|hx-\w+)="/[^"]*"', path.read_text()) == []


def test_the_public_address_and_the_base_path_say_the_same():
    assert under("https://lab.example/teach", "") == ("https://lab.example/teach", "/teach")
    assert under("https://lab.example", "/teach") == ("https://lab.example/teach", "/teach")
    assert under("", "/teach") == ("", "/teach")
    assert under("https://lab.example", "") == ("https://lab.example", "")
    with pytest.raises(ConfigError, match="Leave one of them out"):
        under("https://lab.example/teach", "/other")


class Site:
    """Another site, of which `/teach` is ours."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.inside, self.outside = folder, free_port(), free_port()
        self.url = f"http://localhost:{self.outside}/teach"

    def login_link(self) -> str:
        words = ["login-url", "--data-dir", str(self.folder / "data")]
        command = [sys.executable, "-m", "rl_teacher.server", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    def nginx(self) -> list[str]:
        place = replaced(docs_example("nginx"), **{"127.0.0.1:8000": f"127.0.0.1:{self.inside}"})
        listen = f"listen 127.0.0.1:{self.outside}; server_name localhost; absolute_redirect off;"
        return proxies.nginx(self.folder, f"server {{ {listen} location / {{ return 200 '{OTHER}'; }} {place} }}")

    def caddy(self) -> list[str]:
        place = replaced(docs_example("caddy"), **{"127.0.0.1:8000": f"127.0.0.1:{self.inside}"})
        return proxies.caddy(self.folder, f"http://localhost:{self.outside} {{\n{place}\n    respond / `{OTHER}`\n}}\n")


def docs_example(language: str) -> str:
    section = DOCS.split("### Under a path of another site")[1]
    return str(re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[0])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("site"))
    (found.folder / "data").mkdir()
    words = ["serve", "--data-dir", str(found.folder / "data"), "--port", str(found.inside)]
    words += ["--public-url", f"http://localhost:{found.outside}", "--base-path", "/teach"]
    with (found.folder / "server.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "rl_teacher.server", *words], cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_for(lambda: httpx.get(f"http://127.0.0.1:{found.inside}/healthz", trust_env=False).status_code == 200)
        yield found
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(
    params=[pytest.param("nginx", marks=needs_nginx), pytest.param("caddy", marks=needs_caddy)], scope="module"
)
def browser(site, request) -> Iterator[httpx.Client]:
    """In front of a proxy, signed in."""
    with running(getattr(site, request.param)(), site.folder), httpx.Client(timeout=30, trust_env=False) as http:
        wait_for(lambda: http.get(f"{site.url}/healthz").status_code == 200)
        here, secret = site.login_link().split("#")
        assert here == f"http://127.0.0.1:{site.inside}/teach/enter"
        entered = post(http, f"{site.url}/enter", f"{site.url}/enter", token=secret)
        assert (entered.status_code, entered.headers["location"]) == (303, "/teach/")
        cookies = entered.headers.get_list("set-cookie")
        assert len(cookies) == 3  # session, form token, known browser
        assert all("; Path=/teach" in cookie for cookie in cookies)
        yield http


def post(http: httpx.Client, to: str, page: str, **form: str) -> httpx.Response:
    token = http.get(page).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(to))
    return http.post(to, data={"csrfmiddlewaretoken": token, **form}, headers={"Origin": origin})


def addresses(page: str) -> set[str]:
    """Every path of this host that a page names, in its markup or in the data for its scripts."""
    return {html.unescape(path).replace("\\u0026", "&") for path in re.findall(r'"(/[^"\s]*)"', page)}


def test_the_other_site_stays_what_it_was(site, browser):
    host = f"http://localhost:{site.outside}"
    assert browser.get(f"{host}/").text == OTHER
    assert browser.get(f"{host}/teach").headers["location"] == "/teach/"


def test_every_address_on_every_page_lies_under_the_path_and_is_found(site, browser):
    slug = f"walk-{free_port()}"
    with FeedbackClient(f"http://127.0.0.1:{site.inside}/teach", own_token(site), slug) as trainer:
        trainer.ensure_experiment(SPEC)
        fill(trainer, 2)
    made = post(browser, f"{site.url}/e/{slug}/invites", f"{site.url}/e/{slug}/people", days="7", uses="1")
    assert made.headers["location"] == f"/teach/e/{slug}/people#invitation"
    invited = browser.get(f"{site.url}/e/{slug}/people").text
    code = re.search(rf"{re.escape(site.url)}/join/[\w-]+", invited)
    assert code, "the invitation names the path"

    waiting, seen = [f"{site.url}/", f"{site.url}/api/docs", f"{site.url}/admin/", code[0]], set()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        answer = browser.get(url)
        what = f"{url}: {answer.status_code} {answer.headers.get('location')}"
        if answer.is_redirect:
            assert answer.headers["location"].startswith("/teach/"), what
            continue
        assert answer.status_code in (200, 405), what  # 405: where a form goes
        if answer.headers["content-type"].startswith("text/html"):
            for path in addresses(answer.text):
                assert path == "/teach" or path.startswith("/teach/"), f"{url} names {path}"
                if not re.search(UNVISITED, path):
                    waiting.append(urljoin(url, path.split("#")[0]))
    kinds = [
        "/label",
        "/comparisons",
        "/ranking",
        "/clips",
        "/quality",
        "/people",
        "/exports",
        "/c/",
        "/media/",
        "/me",
        "/tokens",
    ]
    assert all(any(kind in url for url in seen) for kind in kinds), sorted(seen)


def own_token(site: Site) -> str:
    return (site.folder / "data" / "trainer.token").read_text().strip()


def test_a_trainer_works_through_the_proxy(site, browser):
    shown = post(browser, f"{site.url}/tokens", f"{site.url}/tokens", name="far", days="1").text
    token = re.search(r"rlt_[\w-]{20,}", shown)[0]
    with FeedbackClient(f"{site.url}/", token, f"far-{free_port()}") as trainer:
        trainer.ensure_experiment(SPEC)
        video = trainer.put_blob(mp4(bytes(5_000_000)), "video/mp4")  # more than a body may have that is no upload
        assert trainer.get_blob(video) == mp4(bytes(5_000_000))
        address = trainer._call("GET", f"/blobs/{video}").headers["location"]
        part = browser.get(urljoin(site.url, address), headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, mp4(bytes(5_000_000))[10:20])
        trainer.video(1, video)
        events = f"{site.url}/api/v1/experiments/{trainer.experiment}/events"
        with browser.stream("GET", events) as stream:
            lines = stream.iter_lines()
            assert any(line == "event: video" for line in lines)
            trainer.heartbeat("waiting", 77)
            assert any(line.startswith("data:") and '"step": 77' in line for line in lines)
        page = trainer.labels(0, wait_s=0.2)
        assert (page.events, page.head) == ((), 0)


def test_an_address_without_the_path_is_told_of_it(site):
    client = FeedbackClient(f"http://127.0.0.1:{site.inside}", own_token(site), "x")
    with client as trainer, pytest.raises(ServerRefused, match=r"404: this server lives under /teach/"):
        trainer.ensure_experiment(SPEC)


def test_next_leads_nowhere_but_under_the_path(site, browser):
    for given in ("/", "/elsewhere", "//evil.example/teach/", "https://evil.example/teach/", "/teachers"):
        page = browser.get(f"{site.url}/login", params={"next": given}).text
        assert 'name="next" value="/teach/"' in page, given
    page = browser.get(f"{site.url}/login", params={"next": "/teach/me"}).text
    assert 'name="next" value="/teach/me"' in page
