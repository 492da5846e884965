"""A game taught by clicks in a real Chromium: MinAtar's Breakout, from what its clips show."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Error as ChromiumError
from playwright.sync_api import sync_playwright
from teaching import Teaching

from benchmarks.clicking import CHROMIUM, FLAGS, ClickingLabeler

RANDOM, TRUE = -59.8, 73.6
"""True return of 1,000 steps of random actions, and of an agent that learned from the true reward (docs/games.md)."""


def click_until_the_end(run: Teaching, link: str) -> int:
    """Prefer the clip with more points and fewer balls lost, about one pair in half a second; how many."""
    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        labeler = ClickingLabeler(browser, link, client)
        try:
            while run.process is not None and run.process.poll() is None:
                labeler.answer(60.0)
                labeler.page.wait_for_timeout(300)
        except ChromiumError:  # nothing more is asked
            pass
        browser.close()
        return labeler.num_answers


@pytest.mark.slow
@pytest.mark.browser
def test_300_clicks_teach_breakout(teaching: Callable[..., Teaching]) -> None:
    run = teaching(
        "-e", "MinAtar/Breakout-v1", "-s", "1", "-l", "300", "-t", "1000000", "--task", "Keep the ball."
    ).start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    with ThreadPoolExecutor(1) as thread:
        num_answers = thread.submit(click_until_the_end, run, link).result()
    summary = run.finish(900.0)
    reached = summary["final_true_return"]
    print(json.dumps({"labels": summary["labels"], "answers": num_answers, "true_return": reached}))
    assert num_answers >= summary["labels"] >= 0.9 * 300
    assert reached >= RANDOM + 0.5 * (TRUE - RANDOM)
