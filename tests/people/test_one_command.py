"""`teach.py -p human` whole: trainer, server, clips, and a labeler who clicks or calls."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from teaching import ROOT, Teaching

from benchmarks.clicking import CHROMIUM, WITHOUT_H264, ClickingLabeler
from benchmarks.clicking import FLAGS as CHROMIUM_FLAGS
from benchmarks.labelers import HttpLabeler

pytestmark = pytest.mark.long

Make = Callable[..., Teaching]


def answer_until_the_end(run: Teaching, labeler: HttpLabeler | ClickingLabeler) -> None:
    """As fast as pairs come, until the run is over."""
    assert run.process is not None
    while run.process.poll() is None:
        try:
            labeler.answer(timeout_s=2.0)
        except Exception:  # no pair, or the server has gone with its run
            continue


def click(run: Teaching, link: str, num_first: int = 16, seconds: float = 90.0) -> int:
    """Answer in a browser until the run is over; the width of the videos that were shown after the first answers."""
    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        labeler = ClickingLabeler(browser, link, client)
        assert labeler.page.url.endswith("/e/people/label")
        for _ in range(num_first):
            labeler.answer()
        shown = labeler.page.evaluate("[...document.querySelectorAll('#pair video')].map(v => v.videoWidth)")
        run.says(r"(Starting joint training)", seconds)
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
    run = teaching("-e", "ShortReacher-v1", "-L", "4", "-t", "2000000", "--human.refresh-seconds", "2").start()
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
    run.stop()


def test_another_machine_fits_and_goes_on_with_nothing_but_the_server(teaching: Make, tmp_path: Path) -> None:
    here = teaching("-e", "ShortReacher-v1", "-L", "12", "-t", "60000").start()
    here.says(r"(0/12 comparisons labeled)")
    with here.client() as client, HttpLabeler(here.login(), client) as labeler:
        for _ in range(8):
            labeler.answer()
        here.wait_for(lambda: len(here.labels()) >= 8 and here.num_sent == 36)  # 24 clips and 12 comparisons
        here.kill()  # its server lives on
        away = ["--server", client.url, "--token", (here.data / "trainer.token").read_text().strip()]
        report = fit_elsewhere(tmp_path / "fit", *away)
        assert report["labels"] == 8
        assert report["train_accuracy"] >= 0.75
        assert {path.name for path in (tmp_path / "fit").iterdir()} == {"fit.json", "reward.json", "reward.npz"}
        there = Teaching(tmp_path / "elsewhere", *here.words, *away)
        there.home.mkdir()
        there.start("--resume")
        try:
            there.says(r"Took back (4) comparisons that nobody had answered")
            there.says(r"Fetched (8) answered comparisons")
            there.says(r"(8/12 comparisons labeled)")
            labeler.answer()
            there.says(r"(Starting joint training)")
            summary = there.finish()
        finally:
            there.close()
    assert summary["labels"] >= 9
    asked = [json.loads(line)["id"] for line in (there.folder / "comparisons.jsonl").read_text().splitlines()]
    assert len(asked) == len(set(asked))
    assert {line["comparison"] for line in here.labels()} <= {line["comparison"] for line in there.labels()}


def fit_elsewhere(out: Path, *away: str) -> dict[str, Any]:
    """What `rl-teacher fit` reports of the run, in a process that knows the server only."""
    command = [sys.executable, "-m", "rl_teacher", "fit", "people", *away, "--steps", "100", "-o", str(out)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    report: dict[str, Any] = json.loads((out / "fit.json").read_text())
    return report


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")
def test_a_browser_without_h264_makes_the_trainer_draw_vp9_copies_of_what_was_asked(teaching: Make) -> None:
    run = teaching("-e", "ShortReacher-v1", "-L", "4", "-t", "60000").start()
    run.says(r"(0/4 comparisons labeled)")
    run.wait_for(lambda: run.num_sent == 12)  # 8 clips and 4 comparisons, without copies
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(first_codec, run).result().startswith("video/webm")
    with run.client() as client:
        run.wait_for(lambda: all(clip.webm is not None for _, clip in client.clips()))


def first_codec(run: Teaching) -> str:
    """Type of the clips that such a browser plays first."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.add_init_script(WITHOUT_H264 + "localStorage.setItem('rl-teacher.met', '1')")
        types: list[str] = []
        page.on("response", lambda one: "/media/" in one.url and types.append(one.headers["content-type"]))
        page.goto(run.login())
        page.wait_for_url(lambda url: "/enter" not in url)
        page.goto(f"{page.url.split('/e/')[0].rstrip('/')}/e/people/label")
        page.wait_for_selector('#labeler[data-phase="open"]', timeout=60_000)
        browser.close()
    return types[0]
