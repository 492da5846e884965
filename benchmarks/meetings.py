"""What a reward model of small pictures gains by seeing things meet, on the comparisons of a run: docs/rewards.md.

    rl-teacher teach -p synth -e MinAtar/Asterix-v1 -l 400 -t 1e6 -n asterix
    python -m benchmarks.meetings ~/rl-teacher/runs/asterix

Each quarter of the comparisons is told by a model that was fitted to the others; what is told right leaves out ties.
"""

import argparse
import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.protocols import FitData
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.training.parts import fresh_reward_model

PARTS = 4


def accuracy(labeled: LabeledBatch, config: RewardModelConfig) -> float:
    """Share of decided comparisons that are told right by a model that has not seen them [1]."""
    shape, num_actions = labeled.obs.shape[3:], labeled.action.shape[-1]
    frames = np.asarray(labeled.obs).reshape(-1, *shape)
    flat = jnp.asarray(frames.reshape(len(frames), -1), jnp.float32)
    stats = RunningStats.of_shape(flat.shape[1:]).merge(flat, jnp.ones(len(flat)))
    order, right = np.random.default_rng(0).permutation(len(labeled)), []
    for part in range(PARTS):
        held = order[part::PARTS]
        fitted_to = labeled.take(np.setdiff1d(order, held))
        few = fitted_to.take(np.arange(min(100, len(fitted_to)))).reward_input()
        window = jax.tree.map(lambda array: array.reshape(-1, *array.shape[3:]), few)
        fresh = fresh_reward_model(config, shape, num_actions, center=True, key=jax.random.key(0))
        model, _ = fresh.fit(FitData(fitted_to, window, stats, len(fitted_to)), None, jax.random.key(1))
        others = labeled.take(held)
        returns = np.stack([model.member_returns(_side(others, side)).mean(0) for side in (0, 1)], 1)
        gap = others.true_return[:, 0] - others.true_return[:, 1]
        right.append(((returns[:, 0] > returns[:, 1]) == (gap > 0))[gap != 0])
    return float(np.concatenate(right).mean())


def _side(labeled: LabeledBatch, side: int) -> RewardInput:
    return jax.tree.map(lambda array: array[:, side], labeled.reward_input())  # type: ignore[no-any-return]


def main() -> None:
    """One line with, and one without."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="of runs")
    for folder in parser.parse_args().folders:
        dataset = Dataset()
        LabelLog(folder).read(dataset)
        labeled = dataset.labeled()
        if labeled is None:
            raise SystemExit(f"{folder}: no answer.")
        ties = float((labeled.target == 0.5).mean())
        print(f"{folder.name}: {len(labeled)} answers, {ties:.0%} ties")
        for sees in (False, True):
            config = dataclasses.replace(RewardModelConfig(), sees_meetings=sees)
            print(f"  sees_meetings {sees}: {accuracy(labeled, config):.3f}", flush=True)


if __name__ == "__main__":
    main()
