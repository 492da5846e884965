"""How a fit grows: seconds, memory, and accuracy on other answers, with up to 100,000 comparisons.

    python -m benchmarks.large_fits

Comparisons are of random observations, answered by a reward with linear and squared parts, a tenth of them wrong; as
many numbers as Hopper shows (14, clips of 45 steps) and as Humanoid does (326, clips of 10 steps, as more would not fit
into memory). Each cell is a process of its own and appends a line to benchmarks/results/large_fits.jsonl.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.files import append_lines, read_lines
from rl_teacher.protocols import FitData
from rl_teacher.training.parts import fresh_reward_model

RESULTS = Path(__file__).parent / "results" / "large_fits.jsonl"
SHAPES = {"hopper": (11, 3, 45), "ant": (27, 8, 45), "humanoid": (309, 17, 10)}
"""Numbers of an observation, of an action, and steps of a clip."""
MISTAKES = 0.1
FIT_STEPS = 1000
"""Gradient steps of networks, as `rl-teacher fit` makes them."""


def comparisons(robot: str, num: int, seed: int) -> LabeledBatch:
    """`num` of them."""
    generator, (size, act, steps) = np.random.default_rng(seed), SHAPES[robot]
    weights = np.random.default_rng(0).normal(size=(2, size)).astype(np.float32)
    obs = generator.standard_normal((num, 2, steps, size), np.float32)
    action = generator.uniform(-1, 1, (num, 2, steps, act)).astype(np.float32)
    returns = np.concatenate([_returns(obs[at : at + 500], weights) for at in range(0, num, 500)])
    is_left = (returns[:, 0] > returns[:, 1]) ^ (generator.random(num) < MISTAKES)
    return LabeledBatch(obs, action, returns, is_left.astype(np.float32), generator.integers(0, 2**60, num))


def _returns(obs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (obs @ weights[0] + np.square(obs) @ (0.3 * weights[1])).sum(-1)


def cell(robot: str, num: int, model: str) -> dict[str, object]:
    """One fit."""
    labeled, others = comparisons(robot, num, 1), comparisons(robot, 1000, 2)
    size, act, _ = SHAPES[robot]
    some = labeled.obs[:200].reshape(-1, size)
    stats = RunningStats.of_shape((size,)).merge(jnp.asarray(some), jnp.ones(len(some)))
    window = RewardInput(some, labeled.action[:200].reshape(-1, act))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fresh = fresh_reward_model(RewardModelConfig(model=model), (size,), act, center=True, key=jax.random.key(0))
    began = time.process_time()
    fitted, metrics = fresh.fit(FitData(labeled, window, stats, num), FIT_STEPS, jax.random.key(1))
    seconds = time.process_time() - began
    left, right = (fitted.member_returns(RewardInput(others.obs[:, i], others.action[:, i])).mean(0) for i in (0, 1))
    right_answer = others.true_return[:, 0] > others.true_return[:, 1]
    return {
        "robot": robot, "comparisons": num, "model": model, "cpu_seconds": round(seconds, 1),
        "memory_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
        "accuracy": round(float(((left > right) == right_answer).mean()), 4),
        "fitted_to": int(metrics.get("predictor/fitted_to", num)),
    }  # fmt: skip


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", nargs="+", default=list(SHAPES))
    parser.add_argument("--comparisons", type=int, nargs="+", default=[1400, 5600, 20_000, 100_000])
    parser.add_argument("--models", nargs="+", default=["gp", "ensemble"])
    parser.add_argument("--cell", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cell:
        print(json.dumps(cell(given.cell[0], int(given.cell[1]), given.cell[2])))
        return
    done = [(row["robot"], row["comparisons"], row["model"]) for row in read_lines(RESULTS)]
    for num in given.comparisons:
        for robot in given.robots:
            for model in given.models:
                if (robot, num, model) not in done:
                    words = [sys.executable, "-m", "benchmarks.large_fits", "--cell", robot, str(num), model]
                    row = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
                    append_lines(RESULTS, [row])
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
