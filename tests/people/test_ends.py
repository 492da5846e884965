"""`-p human` on CartPole in Chromium: people see where episodes end, and what they say of it comes back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Response, sync_playwright
from teaching import Teaching
from test_one_command import answer_until_the_end

from benchmarks.clicking import CHROMIUM, ClickingLabeler
from benchmarks.clicking import FLAGS as CHROMIUM_FLAGS
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.download import download
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.storage.label_log import LabelLog

NUM_FIRST = 10
LOOK = """([side, frame, fps]) => new Promise(resolve => {
  const front = document.querySelector('#pair').dataset.front;
  const video = document.querySelector(`#${side}-${front}`);
  const look = () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    resolve([...context.getImageData(20, canvas.height - 20, 1, 1).data].slice(0, 3));
  };
  video.addEventListener('seeked', look, {once: true});
  video.currentTime = (frame + 0.5) / fps;
})"""
"""The color that one frame of a side has near its lower left corner, where CartPole is white."""


@dataclass(frozen=True)
class Seen:
    """One side of one pair, as the page showed it."""

    end: int | None
    before: list[int]
    """Color of the last frame of the episode, or of the clip."""
    after: list[int]
    """Color of the frame after it."""
    words: str


def look_at(page: Page, row: dict[str, Any], side: str) -> Seen:
    end = row["end_frames"][side]
    last = end or row["n_frames"][side] - 1
    colors = [page.evaluate(LOOK, [side, frame, row["fps"]]) for frame in (last - 1, last)]
    return Seen(end, *colors, page.text_content(f"#{side}-end") or "")


def label(run: Teaching, link: str) -> list[Seen]:
    """Answer until the run is over, and look at both sides of the first pairs."""
    rows: dict[str, dict[str, Any]] = {}
    seen: list[Seen] = []

    def heard(response: Response) -> None:
        if response.ok and ("queue:claim" in response.url or "/responses/" in response.url):
            told = response.json()
            rows.update({row["assignment"]: row for row in [*told.get("assignments", []), *(told.get("refill") or [])]})

    with sync_playwright() as playwright, run.client() as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        labeler = ClickingLabeler(browser, link, client)
        page = labeler.page
        page.on("response", heard)
        page.reload()  # pairs come once more, and are heard of
        for _ in range(NUM_FIRST):
            page.wait_for_selector('#labeler[data-phase="open"]', timeout=60_000)
            row = rows[str(page.get_attribute("#pair", "data-assignment"))]
            page.click("#toggle")  # stand still
            seen += [look_at(page, row, side) for side in ("left", "right")]
            page.click("#toggle")
            labeler.answer()
        run.wait_for(lambda: len(run.labels()) >= NUM_FIRST)
        compare_what_comes_back(run, client)
        answer_until_the_end(run, labeler)
        browser.close()
    return seen


def compare_what_comes_back(run: Teaching, client: FeedbackClient) -> None:
    """Ends as the trainer knows them against what another machine would get from the server."""
    found, dataset = download(client, print), Dataset()
    LabelLog(run.folder).read(dataset)
    assert found is not None
    for row, (_, left, right) in enumerate(dataset.pairs([one.id for one in found.comparisons])):
        assert (found.left.end[row], found.right.end[row]) == (left.end[0], right.end[0])
        np.testing.assert_array_equal(found.left.next_obs[row], left.next_obs[0])
    ends = {*found.left.end.tolist(), *found.right.end.tolist()}
    assert len(ends - {-1}) >= 3


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")
def test_people_see_in_chromium_where_episodes_end(teaching: Callable[..., Teaching]) -> None:
    run = teaching("-e", "CartPole-v1", "--task", "Keep the pole up", "-L", "12", "-l", "16", "-t", "20000").start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    run.says(r"(0/12 comparisons labeled)")
    with ThreadPoolExecutor(1) as thread:
        seen = thread.submit(label, run, link).result()
    for one in seen:
        assert min(one.before) > 240  # white
        if one.end is None:
            assert min(one.after) > 240
            assert one.words == ""
        else:
            assert all(abs(value - 140) < 12 for value in one.after)  # 0.55 * 255
            assert one.words == f"The episode ends after {one.end / 50:.1f} s."  # 50 frames a second
    assert len([one for one in seen if one.end is not None]) >= 5
    summary = run.finish()
    assert 12 <= summary["labels"] <= 16
