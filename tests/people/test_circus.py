"""Two acts of the circus, taught by clicks in a real Chromium, a tenth of them wrong."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from clicking_runs import click_until_the_end
from teaching import Teaching

from benchmarks.labelers import Judge
from rl_teacher.commands.circus.acts import find_acts, load_act
from rl_teacher.commands.circus.success import measure_success
from rl_teacher.commands.replay import load_actor
from rl_teacher.teachers.scripted import SegmentView

MISTAKES = 0.1
LEAST = {"ballerina": 30.0, "hind_legs": 45.0}
"""Half of each act's goal [% of the steps]; random actions reach less than 1."""


def mistaken(judge: Judge) -> Judge:
    """The judge, who says left for right and right for left in a tenth of the answers."""
    draw, other = random.Random(5), {"left": "right", "right": "left"}

    def answer(left: SegmentView, right: SegmentView) -> object:
        said = str(judge(left, right))
        return other.get(said, said) if draw.random() < MISTAKES else said

    return answer


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", sorted(LEAST))
def test_clicks_of_which_a_tenth_are_wrong_teach_an_act(name: str, teaching: Callable[..., Teaching]) -> None:
    act = load_act(name, find_acts()).act
    budget = ["-l", str(act.num_labels), "-t", str(act.num_steps), "--task", act.task]
    run = teaching("-e", act.env_id, "-s", "1", *budget).start()
    link = run.says(r"Sign in \(once, within 10 minutes\): (\S+)")
    with ThreadPoolExecutor(1) as thread:
        num_answers = thread.submit(click_until_the_end, run, link, mistaken(act.prefer)).result()
    summary = run.finish(900.0)
    spec, actions, actor = load_actor(run.folder)
    reached = measure_success(spec, actions, actor, act.measure)
    print(json.dumps({"act": name, "labels": summary["labels"], "value": reached.mean, "random": reached.random}))
    assert num_answers >= summary["labels"] >= 0.9 * act.num_labels
    assert reached.random < 1.0
    assert reached.mean >= LEAST[name]
