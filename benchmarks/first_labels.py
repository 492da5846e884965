"""How well a reward model knows a task from the labels before training alone, without an agent.

    python -m benchmarks.first_labels --labels 25 --seeds 6

Fits a fresh model to comparisons of segments of random actions, answered by the true reward, and judges it on other
random actions. It decides where an agent is led first.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from benchmarks.reward_fits import fitted, told_right
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput, Rollout, Segments
from rl_teacher.core.correlation import correlation
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.training.complete import complete
from rl_teacher.training.seeds import env_seed
from rl_teacher.training.segment_length import with_clip_length
from rl_teacher.training.world import World, open_world

TASKS = ("ShortHopper-v1", "ShortWalker-v1", "ShortHalfCheetah-v1", "ShortReacher-v1", "DoublePendulum-v1")
NETWORKS: dict[str, Any] = {"model": "ensemble"}
BEFORE: dict[str, Any] = {**NETWORKS, "bootstrap": True, "num_crops": 8}
VARIANTS: dict[str, tuple[dict[str, Any], int]] = {
    "Gaussian process: the default": ({}, 0),
    "bootstrap, 8 crops, 50 steps": (BEFORE, 50),
    "8 crops, 50 steps": ({**NETWORKS, "num_crops": 8}, 50),
    "bootstrap, 100 steps": ({**NETWORKS, "bootstrap": True}, 100),
    "50 steps": (NETWORKS, 50),
    "100 steps: the default of networks": (NETWORKS, 100),
    "200 steps": (NETWORKS, 200),
    "2 x 256 units, 50 steps": ({**NETWORKS, "hidden": (256, 256)}, 50),
}
"""Name -> (settings that differ from the defaults, gradient steps, of which a Gaussian process has none)."""


def random_rollout(world: World, collector: LocalCollector, seed: int) -> Rollout:
    """One rollout of random actions from fresh episodes."""
    collector.restart(seed)
    return collector.collect(RandomActor(world.actions), 64 * collector.num_envs, 64, jax.random.key(seed))


def answered(segments: Segments, num: int, generator: np.random.Generator) -> LabeledBatch:
    """Comparisons of the first `num` segments with the next `num`, the larger true return preferred."""
    left, right = segments.take(np.arange(num)), segments.take(np.arange(num, 2 * num))
    returns = np.stack([left.true_reward.sum(1), right.true_reward.sum(1)], 1)
    return LabeledBatch(
        np.stack([left.obs, right.obs], 1), np.stack([left.reward_action, right.reward_action], 1), returns,
        (returns[:, 0] > returns[:, 1]).astype(np.float32), generator.integers(0, 2**59, num),
    )  # fmt: skip


def compared(world: World, rollout: Rollout, num: int, seed: int) -> LabeledBatch:
    """`num` comparisons of segments of the rollout."""
    generator = np.random.default_rng(seed)
    segments = cut_segments(rollout, world.segment_steps, 2 * num, generator, origin="first", iteration=0)
    return answered(segments, num, generator)


def judge(
    labeled: LabeledBatch, seen: Rollout, unseen: Rollout, others: LabeledBatch, config: RewardModelConfig,
    steps: int, seed: int,
) -> tuple[float, float]:  # fmt: skip
    """Correlation with the true reward, step by step, and accuracy on other comparisons."""
    frames = seen.obs.reshape(-1, seen.obs.shape[-1])
    window = RewardInput(frames, seen.reward_action.reshape(len(frames), -1))
    model, _ = fitted(labeled, window, config, steps, seed)
    predicted = np.asarray(model(RewardInput(unseen.obs, unseen.reward_action)))
    return correlation(predicted.ravel(), unseen.true_reward.ravel()), told_right(model, others)[0]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=6)
    given = parser.parse_args(argv)
    cells: dict[str, list[str]] = {name: [] for name in VARIANTS}
    for task in TASKS:
        spec = find_env(task)
        config, _ = complete(RunConfig(env_id=task, predictor="synth", name="first", n_labels=4 * given.labels), spec)
        config = with_clip_length(config, spec)
        world = open_world(config, spec)
        envs = make_envs(spec, 64, seed=env_seed(config.seed, -1), num_threads=config.workers)
        collector = LocalCollector(envs, world.actions)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
        for seed in range(given.seeds):
            seen, unseen = (random_rollout(world, collector, seed + offset) for offset in (0, 1000))
            labeled = compared(world, seen, given.labels, seed)
            others = compared(world, unseen, 100, seed)
            for name, (changes, steps) in VARIANTS.items():
                settings = dataclasses.replace(config.reward, **changes)
                found[name].append(judge(labeled, seen, unseen, others, settings, steps, seed))
        collector.close()
        world.collector.close()
        for name, pairs in found.items():
            agreement, accuracy = np.mean(pairs, axis=0)
            cells[name].append(f"{agreement:.2f}, {accuracy:.2f}")
    print("| fit | " + " | ".join(TASKS) + " |\n|---|" + "---|" * len(TASKS))
    for name, row in cells.items():
        print(f"| {name} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
