"""`rl-teacher label` whole: from a data set, by clicks in a real Chromium, to the relabeled data set."""

import json
import os
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright
from teaching import FLAGS, ROOT, Teaching

from benchmarks.clicking import CHROMIUM, ClickingLabeler
from benchmarks.clicking import FLAGS as CHROMIUM_FLAGS
from benchmarks.offline_data import played, trained, write_set
from rl_teacher.data.data_sets import open_episodes

DATASET, NEW = "rlt/hopper/mixed-v0", "rlt/hopper/mixed-people-v0"
LABELS, FIRST = 32, 5
"""Answers in all, and before Ctrl-C. Of 16 some seeds learn that upright is good, of 32 all that fast is."""


class Labeling(Teaching):
    """`rl-teacher label`, in a home of its own."""

    def start(self, *more: str) -> "Labeling":
        command = [sys.executable, "-m", "rl_teacher", "label", DATASET, "-n", "people", *self.words, *FLAGS[:3], *more]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=output, env=os.environ | self.environment
            )
        return self

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "PYTHONPATH": str(ROOT), "MINARI_DATASETS_PATH": str(self.home / "minari")}

    def run(self, *words: str) -> str:
        """Another command in the same home; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "rl_teacher", *words], cwd=ROOT, env=os.environ | self.environment, text=True,
            capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout


def make_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random actions and a hopper that has learned for 60,000 steps."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder / "minari"))
    (folder / "minari").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Minari's own
        write_set(DATASET, [played(None, 20, 1), played(trained(folder / "agents", 60_000), 20, 2)])


def click(run: Labeling, num: int, *, to_the_end: bool = False) -> None:
    """Answer by the clips' true returns alone, and perhaps read how it ended."""
    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        labeler = ClickingLabeler(browser, run.login(), client)
        for _ in range(num):
            labeler.answer()
        if to_the_end:
            read_ending(labeler.page)
        else:
            labeler.wait_saved()
        browser.close()


def read_ending(page: Page) -> None:
    page.wait_for_selector("#ending:not([hidden])", timeout=60_000)
    assert page.inner_text("#ending-learned") == f"The reward has learned from {LABELS} answers. Thank you."
    assert page.inner_text("#ending-relabel") == "The data set can now be written again with this reward."
    assert page.inner_text("#ending-commands") == f"rl-teacher relabel people {DATASET} --to {NEW}"
    page.wait_for_timeout(2000)  # so long it is to be seen before the server stops


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")
def test_clicks_on_a_data_set_become_its_rewards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_set(tmp_path, monkeypatch)
    run = Labeling(tmp_path, "-l", str(LABELS)).start()
    try:
        run.says(r"(Clips are drawn from the states of the simulator, with the model of Hopper)")
        run.says(rf"(0/{LABELS // 2} comparisons labeled)")
        with ThreadPoolExecutor(1) as thread:  # other tests drive a browser from this one
            thread.submit(click, run, FIRST).result()
            run.wait_for(lambda: len(run.labels()) >= FIRST)
            run.stop()  # Ctrl-C
            before = {line["comparison"] for line in run.labels()}
            assert "Continue with the same command and --resume" in run.text
            (run.data / "server.json").unlink(missing_ok=True)  # of the server that stopped with it
            run.start("--resume", "--human.stay")
            run.wait_for((run.data / "server.json").exists)
            thread.submit(click, run, LABELS - FIRST, to_the_end=True).result()
        summary = run.finish()
    finally:
        run.close()
    answers = [line for line in run.labels() if line["preference"] in ("left", "right", "tie")]
    assert summary["labels"] == len(answers) == LABELS
    assert before <= {line["comparison"] for line in answers}
    command = re.search(r"Next: rl-teacher (relabel .*)", run.text)
    assert command is not None
    assert command[1].split() == ["relabel", "people", DATASET, "--to", NEW]
    assert "12,000 steps of 40 episodes" in run.run(*command[1].split())
    old, new = (list(open_episodes(place).read()) for place in (DATASET, NEW))
    true, learned = ([float(one.reward.sum()) for one in found] for found in (old, new))
    assert np.corrcoef(true, learned)[0, 1] > 0.9
    told = json.loads((tmp_path / "minari" / NEW / "data" / "metadata.json").read_text())["rl_teacher"]
    assert (told["labels"], told["relabeled_from"]) == (LABELS, DATASET)
