"""`rl-teacher circus [ACT]`: list the acts, or teach one, say how well it is done, and film it."""

import argparse
import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.commands.circus.acts import NamedAct, find_acts, load_act
from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.files import append_lines, read_json, user_path
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.names import SUMMARY, slug

WORDS = """Acts, each taught by comparisons alone:

{acts}

  rl-teacher circus ACT            teach one with its judge, a program that says which of two clips is better
  rl-teacher circus ACT -p human   teach it yourself, in the browser
  rl-teacher circus my_act.py      teach one of yours (docs/circus.md#an-act-of-your-own)

All flags of `rl-teacher teach` may follow: -s 2 for another seed, -l 300 for more answers, -t 4e6 for more steps.
"""
SECONDS = 12.0
"""Of the film: as many episodes as there is room for."""
FIRST_ACTIONS = "random_actions"
"""Before training: acts gain nothing from actions that are held (docs/notebook.md#held-actions)."""
DESCRIPTION = "List the acts, or teach one, say how well it is done, and film it."


def main(argv: list[str]) -> int:
    """List, or teach; the exit code."""
    parser = argparse.ArgumentParser(
        "rl-teacher circus", description=DESCRIPTION, epilog="Other flags are those of rl-teacher teach."
    )
    parser.add_argument("act", nargs="?", metavar="ACT", help="name of an act, or a file of yours; without it: a list")
    parser.add_argument("--results", metavar="FILE", help="append what was reached to this file, as a line of JSON")
    parser.add_argument("--gif", metavar="FILE", help="also draw a small GIF")
    given, flags = parser.parse_known_args(argv)
    found = find_acts()
    if given.act is None:
        parser.parse_args(argv)  # complains about flags
        print(WORDS.format(acts=listed(found)), end="")
        return 0
    act = load_act(given.act, found)
    config = settings(act, flags)
    print(f"{act.name}: {act.act.task}", flush=True)
    from rl_teacher.commands.train import train  # here, as lists and wrong flags need not wait for JAX

    code = train(config)
    if code == 0:
        show(act, config, given.results, given.gif)
    return code


def listed(found: Mapping[str, Path]) -> str:
    """A line for each act: its name, its robot, and what is wanted."""
    acts = [load_act(name, found) for name in found]
    width = max((len(one.name) for one in acts), default=0)
    robots = max((len(one.act.env_id) for one in acts), default=0)
    return "\n".join(f"  {one.name:{width}}  {one.act.env_id:{robots}}  {one.act.task}" for one in acts)


def settings(act: NamedAct, flags: list[str]) -> RunConfig:
    """Those of the act, and the user's flags over them; the name is the act's, with a number if it is taken."""
    own = ["-e", act.act.env_id, "-n", act.name, "-p", "synth", "-t", str(act.act.num_steps)]
    given = parse([*own, *flags], "rl-teacher circus")
    if given.preset == "default":
        own += ["--pretrain_rollouts", FIRST_ACTIONS]
    if given.predictor == "synth":
        own += ["-l", str(act.act.num_labels), "--teacher", act.judge]
    if given.predictor == "human":
        own += ["--task", act.act.task]
    if given.name == act.name and not given.resume:
        own[own.index("-n") + 1] = free_name(given.runs_dir, act.name)
    return parse([*own, *flags], "rl-teacher circus")


def free_name(runs_dir: str, name: str) -> str:
    """The name, or the first of name-2, name-3, ... that no run has."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(one for one in names if not (user_path(runs_dir) / slug(one)).exists())


def show(act: NamedAct, config: RunConfig, results: str | None, gif: str | None) -> None:
    """Measure what was learned, film it, and say both in a few lines."""
    from rl_teacher.commands.circus.pictures import FPS, GIF_FPS, draw, write_gif, write_mp4
    from rl_teacher.commands.circus.success import episode_states, measure_success
    from rl_teacher.commands.replay import load_actor

    folder = find_run(config.runs_dir, config.name)
    spec, actions, actor = load_actor(folder)
    reached = measure_success(spec, actions, actor, act.act.measure)
    summary = read_json(folder / SUMMARY)
    num = math.ceil(SECONDS / ((spec.horizon or 1000) * (spec.dt or 1.0)))
    states = np.concatenate(episode_states(spec, actions, actor.mode, num))
    out = folder / f"{act.name}.mp4"
    write_mp4(out, draw(spec, states, fps=FPS, seconds=SECONDS, size=480))
    if gif:
        write_gif(user_path(gif), draw(spec, states, fps=GIF_FPS, seconds=6.0, size=240))
    row: dict[str, Any] = {
        "act": act.name, "env_id": spec.canonical_id, "teacher": config.predictor, "seed": config.seed,
        "labels": summary["labels"], "steps": summary["timesteps"], "seconds": summary["seconds"],
        "value": round(reached.mean, 3), "spread": round(reached.spread, 3), "random": round(reached.random, 3),
        "unit": act.act.unit, "goal": act.act.goal, "reached": act.act.reached(reached.mean),
        "looks_at": summary.get("reward_looks_at", {}),
    }  # fmt: skip
    if results:
        append_lines(user_path(results), [row])
    bound = "at most" if act.act.is_less_better else "at least"
    verdict = "reached" if row["reached"] else "not reached"
    print(
        f"{act.name}: {reached.mean:.1f} ± {reached.spread:.1f} {act.act.unit}, from {row['labels']} answers in "
        f"{row['seconds']:.0f} s. Goal: {bound} {act.act.goal:g}, {verdict}; random actions: {reached.random:.1f}.\n"
        f"Film: {out}",
        flush=True,
    )
