"""`make teach`: your first lesson. You teach Reacher's arm, in the browser; Ctrl-C ends it, and nothing is lost."""

import itertools
import sys
from pathlib import Path

from rl_teacher.cli import main

RUNS = Path("~/rl-teacher/runs").expanduser()
PRETRAIN_LABELS = 24
WORDS = """
An arm with two joints is to reach the orange ball. It does not know that. You will see pairs of short clips: choose the
one in which the blue tip is nearer to the ball, or, as you like, anything else that it should learn.
After %d answers the agent begins to learn, and you go on answering: it asks about what it does then.
"""


def lesson() -> int:
    """Start the first lesson whose name is free."""
    number = next(n for n in itertools.count(1) if not (RUNS / f"my-lesson-{n}").exists())
    print(WORDS % round(0.75 * PRETRAIN_LABELS), flush=True)
    labels = ["--pretrain_labels", str(PRETRAIN_LABELS)]
    return main(["teach", "-p", "human", "-e", "Reacher-v1", "-n", f"my-lesson-{number}", *labels, *sys.argv[1:]])


if __name__ == "__main__":
    raise SystemExit(lesson())
