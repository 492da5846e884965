"""Moments of a person's lesson for the screenshots: before the first pair, after the last one, with a friend."""

from typing import Any

from browser_server import LiveExperiment, LiveServer
from playwright.sync_api import Page

SHARED = "http://192.0.2.7:8000"
"""Under which others are said to reach the server."""
EARLY, LATE, QUICK = "early", "late", "quick"


def prepare(server: LiveServer, films: list[bytes]) -> None:
    """An experiment whose first clips are being drawn, and one that has one pair."""
    LiveExperiment(server, EARLY)
    LiveExperiment(server, QUICK).ask_some(films, 60)
    late = LiveExperiment(server, LATE, labels_wanted=1)
    late.ask_some(films[:2], 1)
    late.call("POST", "/videos", json={"step": 1000, "blob": late.blob(films[-1], "video/mp4")})


def beat(server: LiveServer, slug: str, **told: Any) -> None:
    server.trainer.put(f"/experiments/{slug}/heartbeat", json={"step": 1000} | told)


def scenes(server: LiveServer) -> dict[str, tuple[str, Any]]:
    """Name -> address, and what to do there before the picture."""

    def before_the_first(page: Page) -> None:
        beat(server, EARLY, state="waiting")
        page.wait_for_selector("#labeler[data-phase=empty]")
        page.wait_for_timeout(500)

    def after_the_last(page: Page) -> None:
        page.wait_for_selector("#labeler:not([data-phase=boot], [data-phase=fill], [data-phase=guard])")
        if page.get_attribute("#labeler", "data-phase") == "open":
            page.keyboard.press("ArrowLeft")
        beat(server, LATE, state="training", training_left_s=140)
        page.wait_for_function("() => /all your answers/.test(document.querySelector('#notice-title').textContent)")
        page.wait_for_timeout(1200)

    def quick(page: Page) -> None:
        for _ in range(5):
            page.wait_for_selector("#labeler[data-phase=open]")
            before = page.get_attribute("#pair", "data-assignment")
            page.keyboard.press("ArrowLeft")
            page.wait_for_function("b => document.querySelector('#pair').dataset.assignment !== b", arg=before)
        page.wait_for_function("() => /faster/.test(document.querySelector('#hint').textContent)")
        page.wait_for_timeout(350)

    def invite(page: Page) -> None:
        page.click("text=Make a link")
        page.wait_for_selector(".invitation img")

    def arrive(page: Page) -> None:
        """By a link, as somebody whom nobody knows; the browser's owner is gone."""
        page.context.clear_cookies()
        url = server.trainer.post(f"/experiments/{QUICK}/invites").json()["url"]
        page.goto(server.url + url.removeprefix(SHARED))

    def answer_as_guest(page: Page) -> None:
        arrive(page)
        page.click("main button")
        page.wait_for_selector("#labeler[data-phase=open]")
        page.wait_for_timeout(350)

    return {
        "quick": (f"/e/{QUICK}/label", quick),
        "waiting-first": (f"/e/{EARLY}/label", before_the_first),
        "waiting-last": (f"/e/{LATE}/label", after_the_last),
        "invite": (f"/e/{QUICK}/people", invite),
        "join": ("/login", arrive),
        "guest": ("/login", answer_as_guest),
    }
