"""Somebody who answers all that a run asks, by clicks in a real Chromium."""

from playwright.sync_api import Error as ChromiumError
from playwright.sync_api import sync_playwright
from teaching import Teaching

from benchmarks.clicking import CHROMIUM, FLAGS, ClickingLabeler
from benchmarks.labelers import Judge, prefer_true_return


def click_until_the_end(
    run: Teaching, link: str, judge: Judge = prefer_true_return, *, pause_ms: float = 700.0, patience_s: float = 30.0
) -> int:
    """Answer whatever is asked, as long as the run goes on; how many.

    Args:
        run: that asks.
        link: by which to sign in.
        judge: says which clip is better; else the larger true return.
        pause_ms: after each answer [ms].
        patience_s: how long to wait for a pair [s].
    """
    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        labeler = ClickingLabeler(browser, link, client, judge)
        try:
            while run.process is not None and run.process.poll() is None:
                labeler.answer(patience_s)
                labeler.page.wait_for_timeout(pause_ms)
        except ChromiumError:  # nothing more is asked
            pass
        browser.close()
        return labeler.num_answers
