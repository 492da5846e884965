"""What a reward model of small pictures gains by seeing things meet, on the comparisons of a run: docs/rewards.md.

    rl-teacher teach -p synth -e MinAtar/Asterix-v1 -l 400 -t 250000 -n asterix
    python -m benchmarks.meetings ~/rl-teacher/runs/asterix

Each quarter of the comparisons is told by a model that was fitted to the others; what is told right leaves out ties.
"""

import argparse
import dataclasses
from pathlib import Path

import jax
import numpy as np

from rl_teacher.commands.fitting import fitted
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.storage.label_log import LabelLog

PARTS = 4


def accuracy(labeled: LabeledBatch, config: RewardModelConfig) -> float:
    """Share of decided comparisons that are told right by a model that has not seen them [1]."""
    order, right = np.random.default_rng(0).permutation(len(labeled)), []
    for part in range(PARTS):
        held = order[part::PARTS]
        known, others = labeled.take(np.setdiff1d(order, held)), labeled.take(held)
        model, _ = fitted(known, config, center=True, num_steps=1, seed=1)
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
