"""The end of a lesson, from the trainer to a page that is open in Chromium, and what the terminal says of it."""

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright
from teaching import Teaching

from benchmarks.clicking import CHROMIUM, FLAGS
from benchmarks.labelers import HttpLabeler
from rl_teacher.people.client.messages import Lesson

Make = Callable[..., Teaching]
WORDS = ("-e", "ShortReacher-v1", "-L", "8", "-l", "12", "-t", "40000")
NEEDS_CHROMIUM = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")


def give_first_answers(run: Teaching, num: int = 8) -> None:
    run.says(r"(0/8 comparisons labeled)")
    with run.client() as client, HttpLabeler(run.login(), client) as labeler:
        for _ in range(num):
            labeler.answer()


def in_chromium(run: Teaching, look: Callable[[Page], None]) -> None:
    """Open the labeling page, and `look` at it in a thread of its own: other tests drive a browser from this one."""

    def open_page() -> None:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page()
            page.add_init_script("localStorage.setItem('rl-teacher.met', '1')")
            page.goto(run.login())
            page.wait_for_url(lambda url: "/enter" not in url)
            page.goto(f"{page.url.split('/e/')[0].rstrip('/')}/e/people/label")
            look(page)
            browser.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(open_page).result()


@pytest.mark.slow
@pytest.mark.browser
@NEEDS_CHROMIUM
def test_an_open_page_shows_begin_and_end_and_the_server_stays_until_then(teaching: Make) -> None:
    run = teaching(*WORDS).start("--human.stay")
    run.says(r"(0/8 comparisons labeled)")

    def look(page: Page) -> None:
        page.wait_for_selector("#labeler[data-phase=open]", timeout=60_000)
        assert page.inner_text("#given") == "0/6"  # 75 % of 8: with so many learning begins
        for number in range(8):
            page.wait_for_selector("#labeler[data-phase=open]", timeout=30_000)
            page.keyboard.press("ArrowLeft" if number % 2 else "ArrowRight")
            page.wait_for_function("given => Number(document.querySelector('#mine').textContent) > given", arg=number)
        page.wait_for_selector("#begun:not([hidden])", timeout=60_000)
        assert page.inner_text("#begun h2") == "It has begun to learn from you"
        assert page.inner_text("#begun-text").startswith("It looks at: ")
        page.wait_for_selector("#ending:not([hidden])", timeout=120_000)
        assert page.inner_text("#ending-learned").startswith("The agent has learned from 8 answers.")
        assert "An episode returned −" in page.inner_text("#ending-returns")
        assert page.inner_text("#ending-commands code >> nth=0") == "rl-teacher replay people"
        widths = page.evaluate("[...document.querySelectorAll('#ending video')].map(video => video.videoWidth)")
        assert widths == [320, 320]
        run.finish(60.0)  # somebody has seen it
        with pytest.raises(httpx.HTTPError):
            httpx.get(page.url, timeout=2.0)
        moved = "() => [...document.querySelectorAll('#ending video')].every(video => video.currentTime > 0)"
        page.wait_for_function(moved)  # the server has gone, and the page has what it needs

    in_chromium(run, look)
    summary = json.loads((run.folder / "summary.json").read_text())
    first, second = [line for line in run.text.splitlines() if "stays until" not in line][-2:]
    assert first.startswith("Done after 40,000 steps with 8 labels: an episode of ShortReacher-v1 now returns ")
    assert f"{summary['final_true_return_deterministic']:.1f}, with random actions -" in first
    assert (
        second == f"`rl-teacher replay people` shows the agent, and the figures are in {run.folder / 'summary.json'}."
    )
    assert '"timesteps"' not in run.text


@pytest.mark.slow
def test_ctrl_c_ends_the_wait_of_a_run_that_is_done(teaching: Make) -> None:
    run = teaching(*WORDS).start("--human.stay")
    give_first_answers(run)
    run.says(r"(The server stays until) somebody has seen it")
    assert run.process is not None
    with run.client() as client:
        assert client.state().state == "done"
        os.kill(run.process.pid, signal.SIGINT)
        assert run.process.wait(30.0) == 0
    assert run.text.rstrip().endswith("Stopping.")


@pytest.mark.slow
@pytest.mark.browser
@NEEDS_CHROMIUM
def test_a_run_that_is_stopped_says_paused_and_goes_on_when_it_is_resumed(teaching: Make) -> None:
    run = teaching("-e", "ShortReacher-v1", "-L", "8", "-t", "5000000", "--human.keep_server").start()
    give_first_answers(run)
    run.says(r"(Starting joint training)")

    def look(page: Page) -> None:
        page.wait_for_selector("#labeler[data-phase=open], #labeler[data-phase=empty]", timeout=60_000)
        run.wait_for((run.folder / "checkpoint.npz").exists)
        run.stop()
        told = "() => fetch('/api/v1/experiments/people/lesson:state').then((one) => one.json())"
        assert page.evaluate(told)["state"] == "paused"
        assert page.is_hidden("#ending")
        run.start("--resume")
        run.says(r"Resuming at (\S+) steps")
        run.wait_for(lambda: page.evaluate(told)["state"] == "training")
        assert page.evaluate(told)["relevances"]
        assert page.is_hidden("#ending")

    in_chromium(run, look)
    run.stop()


@pytest.mark.slow
def test_an_older_server_is_told_nothing_that_it_refuses(teaching: Make) -> None:
    run = teaching(*WORDS, "--human.keep_server").start()
    run.says(r"(0/8 comparisons labeled)")
    with run.client() as client:
        assert client.lesson(Lesson(first_labels=6))
        client._base = client._base.replace("/experiments/", "/older/")  # an address that it does not know
        assert not client.lesson(Lesson(first_labels=6))
    run.stop()
