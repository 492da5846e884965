"""A scripted labeler: answers pairs in a real Chromium, by looking up what the server keeps of the clips on the screen.

    python -m benchmarks.clicking --url http://127.0.0.1:8000 --experiment human-175 \\
        --token-file ~/rl-teacher/feedback/trainer.token --login "$(rl-teacher login-url)" \\
        --judge examples/own_teacher.py:prefer_spinning --answers 50

Without --judge the clip of the larger true return wins. It knows no more than which clip plays on which side.
"""

import argparse
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, Response, sync_playwright

from benchmarks.labelers import Archive, Judge, digest, prefer_true_return
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.teachers.scripted import load_script

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
WITHOUT_H264 = """
  const known = HTMLMediaElement.prototype.canPlayType;
  HTMLMediaElement.prototype.canPlayType = function (type) { return /avc1/.test(type) ? '' : known.call(this, type); };
"""
"""For a page at its start: a browser that says that it cannot play H.264."""
OPEN = 'body:not(:has(#milestone[open])) #labeler[data-phase="open"]'
"""A pair can be answered: no milestone lies over it."""
KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "tie": "ArrowUp", "cant_tell": "ArrowDown"}


class ClickingLabeler:
    """One browser window in which somebody answers.

    Args:
        browser: Chromium.
        login: a one-time link.
        client: of the experiment.
        judge: says which clip is better.
    """

    def __init__(self, browser: Browser, login: str, client: FeedbackClient, judge: Judge = prefer_true_return) -> None:
        self._archive, self._judge = Archive(client), judge
        self._videos: dict[str, tuple[str, str]] = {}
        self.num_answers = 0
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script("localStorage.setItem('rl-teacher.met', '1')")
        self.page: Page = context.new_page()
        self.page.on("response", self._heard)
        self.page.goto(login)
        self.page.wait_for_url(lambda url: "/enter" not in url, wait_until="commit")
        target = f"{client.url}/e/{client.experiment}/label"
        if self.page.url.split("?")[0].rstrip("#") != target:  # what a page that is left has heard is gone
            self.page.goto(target)

    def answer(self, timeout_s: float = 60.0) -> str:
        """Wait for a pair and answer it; what was said."""
        milliseconds = timeout_s * 1000
        self.page.wait_for_selector(OPEN, timeout=milliseconds)
        shown = str(self.page.get_attribute("#pair", "data-assignment"))
        left, right = (self._archive.find(one) for one in self._videos[shown])
        said = str(self._judge(left, right))
        self.page.keyboard.press(KEYS[said])
        self.page.wait_for_function(
            """before => document.querySelector('#pair').dataset.assignment !== before
              || ['fill', 'empty', 'held', 'done'].includes(document.querySelector('#labeler').dataset.phase)""",
            arg=shown,
            timeout=milliseconds,
        )
        self.num_answers += 1
        return said

    def wait_saved(self) -> None:
        """Until the server has every answer."""
        self.page.wait_for_selector('#status[data-saving="saved"]', timeout=20_000)

    def _heard(self, response: Response) -> None:
        """Pairs come from claims, and with the acknowledgement of an answer."""
        if response.ok and ("queue:claim" in response.url or "/responses/" in response.url):
            told = response.json()
            for row in [*told.get("assignments", []), *(told.get("refill") or [])]:
                self._videos[row["assignment"]] = (digest(row["left"]), digest(row["right"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--login", required=True, help="a one-time link")
    parser.add_argument("--judge", default="", help="path/to/file.py:function; else the true return")
    parser.add_argument("--answers", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=3.0, help="from answer to answer")
    parser.add_argument("--patience", type=float, default=120.0, help="how long to wait for a pair [s]")
    given = parser.parse_args()
    judge: Judge = prefer_true_return
    if given.judge:
        judge, _ = load_script(given.judge)
    client = FeedbackClient(given.url, given.token_file.expanduser().read_text().strip(), given.experiment)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        labeler = ClickingLabeler(browser, given.login, client, judge)
        started = time.monotonic()
        try:
            while labeler.num_answers < given.answers:
                due = started + labeler.num_answers * given.seconds
                labeler.page.wait_for_timeout(max(0.0, due - time.monotonic()) * 1000)
                said = labeler.answer(given.patience)
                print(f"{time.monotonic() - started:7.1f} s  {labeler.num_answers:4d}  {said}", flush=True)
        except Exception as error:  # no pair for a long time: the run is over
            print(f"stopped after {labeler.num_answers} answers: {str(error).splitlines()[0]}", file=sys.stderr)
        labeler.wait_saved()
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
