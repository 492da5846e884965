"""Behaviors that no reward was written for: what a trained run does, in figures.

    rl-teacher teach -p synth -e Reacher-v1 -n spin -l 200 --teacher examples/own_teacher.py:prefer_spinning
    python -m benchmarks.circus spin

Counts, over episodes of the policy's most likely actions: for Reacher the mean angular velocity of the shoulder, for
Hopper whole backward turns of the torso per episode; beside it the same of random actions.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence

import numpy as np

from rl_teacher.commands.replay import RUNS_DIR, load_actor
from rl_teacher.core.actions import ActionSpec
from rl_teacher.envs.catalog import make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.files import read_json
from rl_teacher.protocols import Actor
from rl_teacher.storage.folder import find_run

EPISODES = 32
Measure = Callable[[np.ndarray], float]


def spin(states: np.ndarray) -> float:
    """Mean angular velocity of Reacher's shoulder [rad/s]; qpos and qvel have four columns each."""
    return float(states[:, 4].mean())


def backflips(states: np.ndarray) -> float:
    """Whole backward turns of Hopper's torso in an episode; its pitch, the third column, then decreases."""
    return float(np.floor((states[0, 2] - states[:, 2].min()) / (2 * np.pi)))


MEASURES: dict[str, tuple[str, Measure]] = {
    "Reacher": ("mean angular velocity of the shoulder [rad/s]", spin),
    "Hopper": ("whole backward turns per episode", backflips),
}


def episodes(spec: EnvSpec, actions: ActionSpec, actor: Actor | None, num: int) -> np.ndarray:
    """Simulator states (episode, step, state); random actions without an actor."""
    envs, generator = make_envs(spec, num, seed=77), np.random.default_rng(0)
    obs, _ = envs.reset()
    states = []
    for _ in range(spec.horizon or 1000):
        states.append(envs.sim_state().copy())
        if actor is None:
            action = generator.uniform(-1, 1, (num, actions.size))
        else:
            action = actions.clamp(actor.mode(obs))
        obs, *_ = envs.step(actions.to_env(np.asarray(action, np.float32)))
    envs.close()
    return np.stack(states, 1)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME", help="names of runs")
    parser.add_argument("--runs-dir", default=RUNS_DIR)
    given = parser.parse_args(argv)
    for name in given.names:
        folder = find_run(given.runs_dir, name)
        spec, actions, actor = load_actor(folder)
        what, measure = next(value for key, value in MEASURES.items() if key in spec.canonical_id)
        labels = read_json(folder / "summary.json")["labels"]
        for who, one in ((name, actor), ("random actions", None)):
            values = [measure(states) for states in episodes(spec, actions, one, EPISODES)]
            print(f"{who}: {what}: {statistics.mean(values):.2f} ± {statistics.stdev(values):.2f} ({labels} labels)")


if __name__ == "__main__":
    main()
