"""How well reward models learn from few labels, without an agent: seconds instead of minutes per setting.

    rl-teacher teach -p synth -l 700 -e ShortWalker-v1 -n fits -t 6e5
    python -m benchmarks.reward_fits fits --labels 100 --seeds 3
    python -m benchmarks.reward_fits fits --labels 100 --seeds 5 --mistakes 0.1
    python -m benchmarks.reward_fits fits --labels 25 --first --seeds 16 --model "Gaussian process"

Fits a fresh model to some of the labels of a finished run (a quarter of them from before training, all with `--first`),
and judges it on all others of the training. With `--mistakes` that share of what it learns from is wrong, and nothing
of what it is judged on. It says what a model knows of the segments that were asked about, and nothing of what an agent
makes of it.
"""

import argparse
import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.commands.replay import RUNS_DIR
from rl_teacher.config.flags import run_from_json
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput
from rl_teacher.core.correlation import correlation
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.files import read_json
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.protocols import FitData, RewardModel
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.storage.names import CONFIG
from rl_teacher.training.parts import fresh_reward_model

PROCESS: dict[str, Any] = {"model": "gp", "random_answer_prob": None}
NETWORKS: dict[str, Any] = {"model": "ensemble"}
VARIANTS: dict[str, tuple[dict[str, Any], int]] = {
    "Gaussian process": (PROCESS, 0),
    **{f"Gaussian process, {p:.0%} coin flips": ({**PROCESS, "random_answer_prob": p}, 0) for p in (0.0, 0.1, 0.2)},
    "Gaussian process, 1000 joint functions": ({**PROCESS, "joint_features": 1000}, 0),
    "networks, 100 steps": (NETWORKS, 100),
    "networks, 200 steps": (NETWORKS, 200),
    "networks, 400 steps": (NETWORKS, 400),
    "networks, 8 crops, 400 steps": ({**NETWORKS, "num_crops": 8}, 400),
    "networks, decay 10, 400 steps": (
        {**NETWORKS, "weight_decay": 10.0, "adapt_weight_decay": False}, 400
    ),
    "networks of 2 x 256, 100 steps": ({**NETWORKS, "hidden": (256, 256)}, 100),
}  # fmt: skip
"""Name -> (settings, gradient steps, of which a Gaussian process has none)."""


def labels_of(runs_dir: str, name: str) -> tuple[RunConfig, LabeledBatch]:
    """The settings of a run, and all that was answered in it."""
    folder = find_run(runs_dir, name)
    config, dataset = run_from_json(read_json(folder / CONFIG)), Dataset()
    LabelLog(folder).read(dataset)
    batch = dataset.labeled()
    assert batch is not None, f"{folder} has no labels"
    return config, batch


def fitted(
    labeled: LabeledBatch, window: RewardInput, config: RewardModelConfig, steps: int, seed: int
) -> tuple[RewardModel, dict[str, float]]:
    """A fresh model after one fit, normalized by the window's frames, (frame, ...)."""
    obs = np.asarray(window.obs)
    stats = RunningStats.of_shape((obs.shape[1],)).merge(jnp.asarray(obs, jnp.float32), jnp.ones(len(obs)))
    model = fresh_reward_model(config, (obs.shape[1],), window.action.shape[-1], center=True, key=jax.random.key(seed))
    return model.fit(FitData(labeled, window, stats, len(labeled)), steps, jax.random.key(seed + 1))


def told_right(model: RewardModel, others: LabeledBatch) -> tuple[float, float]:
    """Accuracy on comparisons that it has not seen, and correlation of their returns."""
    returns = np.asarray(model(RewardInput(others.obs, others.action))).sum(-1)
    right = (returns[:, 0] > returns[:, 1]) == (others.target > 0.5)
    return float(right.mean()), correlation(returns.ravel(), others.true_return.ravel())


def drawn(
    batch: LabeledBatch, num_first: int, num_labels: int, generator: np.random.Generator, share_first: float = 0.25
) -> tuple[LabeledBatch, LabeledBatch]:
    """Some comparisons to learn from, a share of them from before training, and all others of the training."""
    from_first = int(share_first * num_labels)
    first = generator.choice(num_first, from_first, replace=False)
    later = num_first + generator.choice(len(batch) - num_first, num_labels - from_first, replace=False)
    rows = np.sort(np.concatenate([first, later]))
    return batch.take(rows), batch.take(np.setdiff1d(np.arange(num_first, len(batch)), rows))


def judge(
    batch: LabeledBatch,
    num_first: int,
    config: RewardModelConfig,
    num_labels: int,
    seed: int,
    steps: int,
    mistakes: float = 0.0,
    share_first: float = 0.25,
) -> tuple[float, float, float]:
    """Accuracy on other comparisons, correlation of their returns, accuracy on its own."""
    generator = np.random.default_rng(seed)
    seen, unseen = drawn(batch, num_first, num_labels, generator, share_first)
    wrong = generator.random(num_labels) < mistakes
    seen = dataclasses.replace(seen, target=np.where(wrong, 1 - seen.target, seen.target))
    obs = seen.obs.reshape(-1, seen.obs.shape[-1])
    model, metrics = fitted(seen, RewardInput(obs, seen.action.reshape(len(obs), -1)), config, steps, seed)
    return *told_right(model, unseen), metrics["predictor/accuracy"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of a run with many labels")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--mistakes", type=float, default=0.0, help="share of answers that are wrong (%(default)s)")
    parser.add_argument("--first", action="store_true", help="only labels from before training")
    parser.add_argument("--model", choices=VARIANTS, help="this one alone")
    parser.add_argument("--runs-dir", default=RUNS_DIR)
    given = parser.parse_args(argv)
    run, batch = labels_of(given.runs_dir, given.name)
    share_first = 1.0 if given.first else 0.25
    print("| model | accuracy on other comparisons | correlation of returns | accuracy on its own |")
    print("|---|---|---|---|")
    for name in [given.model] if given.model else VARIANTS:
        changes, steps = VARIANTS[name]
        config = dataclasses.replace(run.reward, **changes)
        results = [
            judge(batch, run.pretrain_labels or 0, config, given.labels, seed, steps, given.mistakes, share_first)
            for seed in range(given.seeds)
        ]
        means = [statistics.mean(column) for column in zip(*results, strict=True)]
        print(f"| {name} | {means[0]:.2f} | {means[1]:.2f} | {means[2]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
