"""`teach.py -p human` whole: trainer, server, clips, and a labeler who clicks or calls."""

import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from teaching import Teaching

from benchmarks.clicking import CHROMIUM, ClickingLabeler
from benchmarks.clicking import FLAGS as CHROMIUM_FLAGS
from benchmarks.labelers import HttpLabeler

Make = Callable[..., Teaching]


def answer_until_the_end(run: Teaching, labeler: HttpLabeler | ClickingLabeler) -> None:
    """As fast as pairs come, until the run is over."""
    assert run.process is not None
    while run.process.poll() is None:
        try:
            labeler.answer(timeout_s=2.0)
        except Exception:  # no pair, or the server has gone with its run
            continue


def click(run: Teaching, link: str) -> int:
    """Answer in a browser until the run is over; the width of the videos that were shown."""
    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        labeler = ClickingLabeler(browser, link, client)
        assert labeler.page.url.endswith("/e/people/label")
        for _ in range(16):
            labeler.answer()
        shown = labeler.page.evaluate("[...document.querySelectorAll('#pair video')].map(v => v.videoWidth)")
        run.says(r"(Starting joint training)")
        answer_until_the_end(run, labeler)
        browser.close()
    return max(shown)


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")
def test_clicks_in_chromium_teach_a_reward_and_nothing_is_blank(teaching: Make) -> None:
    run = teaching("-e", "Reacher-v1", "-L", "16", "-l", "36", "-t", "250000").start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    run.says(r"0/16 comparisons labeled\. Please label at (\S+)")
    with ThreadPoolExecutor(1) as thread:  # other tests drive a browser from this one
        assert thread.submit(click, run, link).result() == 320
    summary = run.finish()
    answers = [line for line in run.labels() if line["preference"] != "taken_back"]
    assert summary["labels"] == len(answers) <= 36
    assert summary["labels"] >= 20
    assert summary["timesteps"] == 250_000
    assert summary["reward_true_correlation"] > 0.3


def test_a_trainer_that_is_killed_goes_on_with_every_answer(teaching: Make) -> None:
    run = teaching("-e", "ShortReacher-v1", "-L", "12", "-l", "20", "-t", "60000").start()
    run.says(r"(0/12 comparisons labeled)")
    with run.client() as client, HttpLabeler(run.login(), client) as labeler:
        for _ in range(5):
            labeler.answer()
        run.wait_for(lambda: run.num_sent == 36)  # 24 clips and 12 comparisons
        run.kill()  # while it waits, at any point between an answer and its way to the disk
        for _ in range(2):
            labeler.answer()  # people go on without it
        run.start("--resume")
        run.says(r"(7/12 comparisons labeled)")
        for _ in range(3):
            labeler.answer()
        run.wait_for((run.folder / "checkpoint.npz").exists)
        run.kill()
        answered = {event.comparison for event in client.all_labels()}
        run.start("--resume")
        run.says(r"Resuming at (\S+) steps")
        watcher = threading.Thread(target=answer_until_the_end, args=(run, labeler))
        watcher.start()
        run.finish()
        watcher.join()
    said = {line["comparison"] for line in run.labels() if line["preference"] != "taken_back"}
    assert answered <= said
    assert len(answered) >= 10


def test_training_goes_on_while_the_server_is_dead_and_starts_it_again(teaching: Make) -> None:
    run = teaching("-e", "ShortReacher-v1", "-L", "4", "-t", "400000", "--human.refresh-seconds", "2").start()
    run.says(r"(0/4 comparisons labeled)")
    with run.client() as client, HttpLabeler(run.login(), client) as labeler:
        for _ in range(4):
            labeler.answer()
        run.wait_for((run.folder / "checkpoint.npz").exists)
        pid = json.loads((run.data / "server.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        run.wait_for(lambda: json.loads((run.data / "server.json").read_text())["pid"] != pid)
        labeler.answer()
        given = labeler.num_answers
        run.wait_for(lambda: len([x for x in run.labels() if x["preference"] != "taken_back"]) >= given)
    run.finish()
