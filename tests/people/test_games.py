"""A game taught by clicks in a real Chromium: MinAtar's Breakout, from what its clips show."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from clicking_runs import click_until_the_end
from teaching import Teaching

RANDOM, TRUE = -59.8, 73.6
"""True return of 1,000 steps of random actions, and of an agent that learned from the true reward (docs/games.md)."""


@pytest.mark.slow
@pytest.mark.browser
def test_300_clicks_teach_breakout(teaching: Callable[..., Teaching]) -> None:
    run = teaching(
        "-e", "MinAtar/Breakout-v1", "-s", "1", "-l", "300", "-t", "1000000", "--task", "Keep the ball."
    ).start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    with ThreadPoolExecutor(1) as thread:
        clicks = thread.submit(click_until_the_end, run, link, pause_ms=300.0, patience_s=60.0)
        num_answers = clicks.result()
    summary = run.finish(900.0)
    reached = summary["final_true_return"]
    print(json.dumps({"labels": summary["labels"], "answers": num_answers, "true_return": reached}))
    assert num_answers >= summary["labels"] >= 0.9 * 300
    assert reached >= RANDOM + 0.5 * (TRUE - RANDOM)
