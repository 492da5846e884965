"""`make demo`: an agent learns to hop from synthetic labels, another from the true reward; ends with the plot."""

import itertools
from pathlib import Path

from rl_teacher.cli import main

RUNS = Path("~/rl-teacher/runs").expanduser()
STEPS = "600_000"


def free_number() -> int:
    """The first number for which neither run exists."""
    return next(n for n in itertools.count(1) if not any((RUNS / f"demo-{k}-{n}").exists() for k in ("rl", "labels")))


def lesson() -> int:
    """Learn from 350 synthetic labels, then from the true reward, and draw both."""
    number = free_number()
    names = {"labels": f"demo-labels-{number}", "rl": f"demo-rl-{number}"}
    common = ["teach", "-e", "ShortHopper-v1", "-t", STEPS]
    print(f"An agent learns to hop from comparisons of short clips alone ({names['labels']}) ...")
    code = main([*common, "-p", "synth", "-l", "350", "-n", names["labels"]])
    print(f"... and from the true reward, for comparison ({names['rl']}).")
    code = code or main([*common, "-p", "rl", "-n", names["rl"]])
    code = code or main(["plot", names["rl"], names["labels"]])
    return code or main(["runs"])


if __name__ == "__main__":
    raise SystemExit(lesson())
