"""CartPole in Stable-Baselines3, taught in a real Chromium by clicks on clips of what it drew itself."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright
from teaching import ROOT, Teaching
from test_one_command import answer_until_the_end

from benchmarks.clicking import CHROMIUM, ClickingLabeler
from benchmarks.clicking import FLAGS as CHROMIUM_FLAGS
from rl_teacher import load_reward

PROGRAM = """
import sys
sys.path.insert(0, "examples")
import torch
torch.set_num_threads(1)
from rl_teacher import HumanConfig
from sb3_people import main
main("people", labels={labels}, steps={steps}, human=HumanConfig(port=0, open_browser=False))
"""
SIZES = "[...document.querySelectorAll('#pair video')].map(video => [video.videoWidth, video.videoHeight])"


class Script(Teaching):
    """The example as a program of its own."""

    def start(self, *more: str) -> "Script":
        program = PROGRAM.format(labels=16, steps=24_000)
        environment = os.environ | {"HOME": str(self.home), "PYTHONPATH": str(ROOT)}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program], cwd=ROOT, stdout=output, stderr=output, env=environment
            )
        return self


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[[], Script]]:
    made = Script(tmp_path)
    yield lambda: made
    made.close()
    (ROOT / "people.zip").unlink(missing_ok=True)  # the agent, saved by the example


def click(run: Script, link: str) -> list[list[int]]:
    """Answer in a browser until the run is over; the sizes of the first two videos."""
    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        labeler = ClickingLabeler(browser, link, client)
        labeler.page.wait_for_selector('#labeler[data-phase="open"]', timeout=60_000)
        sizes: list[list[int]] = labeler.page.evaluate(SIZES)
        for _ in range(8):
            labeler.answer()
        labeler.wait_saved()
        answer_until_the_end(run, labeler)
        browser.close()
    return sizes


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")
def test_clicks_in_chromium_teach_a_stable_baselines3_agent(script: Callable[[], Script]) -> None:
    run = script().start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    run.says(r"(0/8 comparisons labeled)")
    with ThreadPoolExecutor(1) as thread:
        sizes = thread.submit(click, run, link).result()
    assert [600, 400] in sizes  # as CartPole draws itself, played again from its seeds
    summary = run.finish()
    assert 8 <= summary["labels"] <= 16
    assert summary["teacher"] == "people"
    reward = load_reward(run.folder / "reward")
    assert reward(np.zeros(4), 1) > 0  # to live on is worth something, and after the end all is worth 0
    assert "more survival" in reward.looks_at
