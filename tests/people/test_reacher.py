"""The mission's main job at full length: 350 clicks in Chromium teach a robot arm to reach."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from teaching import ROOT, Teaching
from test_one_command import click

from rl_teacher.storage.metrics import read_metrics

STEPS = "2e6"
TRUE_RETURN = "agent/true_reward_per_episode"


def on_the_true_reward(home: Path) -> tuple[float, float]:
    """True return of a policy that has learned nothing, and of one that was told the reward for as many steps."""
    words = ["-p", "rl", "-e", "Reacher-v1", "-n", "told", "-t", STEPS, "--runs-dir", str(home), "--tb-dir", str(home)]
    subprocess.run([sys.executable, "-m", "rl_teacher", "teach", *words, "-V"], check=True, cwd=ROOT)
    summary: dict[str, Any] = json.loads((home / "told" / "summary.json").read_text())
    first = next(line[TRUE_RETURN] for line in read_metrics(home / "told" / "metrics.jsonl") if line.get(TRUE_RETURN))
    return first, summary["final_true_return"]


@pytest.mark.slow
@pytest.mark.browser
def test_clicks_teach_reacher_half_of_what_its_reward_does(teaching: Callable[..., Teaching], tmp_path: Path) -> None:
    random, told = on_the_true_reward(tmp_path)
    run = teaching("-e", "Reacher-v1", "--pretrain_labels", "175", "-l", "350", "-t", STEPS).start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    run.says(r"(0/175 comparisons labeled)")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(click, run, link, 150, 900.0).result()
    summary = run.finish(1200.0)
    score = (summary["final_true_return"] - random) / (told - random)
    print(
        f"true return: random {random:.2f}, {summary['labels']} labels {summary['final_true_return']:.2f}, "
        f"true reward {told:.2f}; share of the gap {score:.2f}"
    )
    assert summary["labels"] >= 250
    assert score >= 0.5
