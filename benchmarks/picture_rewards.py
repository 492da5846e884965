"""Reward models for pictures, on the clips of a run: how many answers of others are told right.

    rl-teacher teach -p synth -e Pong -l 1400 -t 1e6 -n pong-1400
    python -m benchmarks.picture_rewards ~/rl-teacher/runs/pong-1400 --labels 100 350 700 1400 --mistakes 0 0.1

A quarter of the clips is held out, not of the pairs; the true return of a clip answers. Each finished cell appends a
line to benchmarks/results/picture_rewards.jsonl, and is not run again.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput, Segments, concatenate
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.vision import PictureNet, in_chunks, picture_scale, standardized
from rl_teacher.files import append_lines, read_lines
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.protocols import FitData, RewardModel
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.pictures.model import PictureReward
from rl_teacher.storage.label_log import LabelLog

RESULTS = Path(__file__).parent / "results" / "picture_rewards.jsonl"
CONFIG = RewardModelConfig()
RANDOM_FEATURES = 128


class Problem(NamedTuple):
    """Answers to learn from, and pairs to be judged by."""

    data: FitData
    left: Segments
    right: Segments
    """Held-out pairs, each of which has a better side."""


def clips_of(folder: Path) -> Segments:
    """All clips that a run asked about, each once."""
    dataset = Dataset()
    LabelLog(folder).read(dataset)
    pairs = dataset.pairs(one.id for one in dataset.comparisons)
    return concatenate(list({str(side.id[0]): side for _, *sides in pairs for side in sides}.values()))


def problem(clips: Segments, num: int, mistakes: float, seed: int) -> Problem:
    """`num` answers about random pairs of three quarters of the clips, and pairs of the others."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(clips))
    held, learned = np.split(order, [len(order) // 4])
    returns = clips.true_reward.sum(1)
    left, right = generator.choice(learned, num), generator.choice(learned, num)
    target = np.where(returns[left] == returns[right], 0.5, returns[left] > returns[right])
    target = np.where(generator.random(num) < mistakes, 1.0 - target, target)
    labeled = LabeledBatch(
        obs=np.stack([clips.obs[left], clips.obs[right]], 1),
        action=np.stack([clips.reward_action[left], clips.reward_action[right]], 1),
        true_return=np.stack([returns[left], returns[right]], 1), target=target.astype(np.float32),
        key=generator.integers(0, 2**60, num),
    )  # fmt: skip
    some = clips.take(generator.choice(learned, min(160, len(learned)), replace=False))
    obs = some.obs.reshape(-1, *some.obs.shape[2:])
    flat = jnp.asarray(obs.reshape(len(obs), -1), jnp.float32)
    stats = RunningStats.of_shape(flat.shape[1:]).merge(flat, jnp.ones(len(flat)))
    window = RewardInput(obs, some.reward_action.reshape(len(obs), -1))
    a, b = generator.choice(held, 3000), generator.choice(held, 3000)
    differ = returns[a] != returns[b]
    return Problem(FitData(labeled, window, stats, num), clips.take(a[differ]), clips.take(b[differ]))


def network(given: Problem) -> Callable[[Segments], np.ndarray]:
    """The convolutional network."""
    return _fitted_network(given).member_returns_of


def process_on_learned(given: Problem) -> Callable[[Segments], np.ndarray]:
    """A Gaussian process on the features of that network."""
    return _process(given, _fitted_network(given).model.state.networks.torso)


def process_on_random(given: Problem) -> Callable[[Segments], np.ndarray]:
    """A Gaussian process on features of filters that were never trained."""
    return _process(given, PictureNet.build(given.left.obs.shape[2:], RANDOM_FEATURES, jax.random.key(1)))


MODELS = {"network": network, "gp on its features": process_on_learned, "gp on random features": process_on_random}


@dataclasses.dataclass(frozen=True)
class _Network:
    model: PictureReward

    def member_returns_of(self, clips: Segments) -> np.ndarray:
        return self.model.member_returns(clips.reward_input()).mean(0)


def _fitted_network(given: Problem) -> _Network:
    shape = given.left.obs.shape[2:]
    fresh = PictureReward.build(shape, CONFIG, center=True, key=jax.random.key(1))
    return _Network(fresh.fit(given.data, None, jax.random.key(2))[0])


def _process(given: Problem, torso: PictureNet) -> Callable[[Segments], np.ndarray]:
    scale = picture_scale(given.data.obs_stats.mean, given.data.obs_stats.variance)
    seen = jax.jit(lambda obs: in_chunks(lambda part: torso(standardized(part, scale)), obs))

    def features(obs: np.ndarray, axes: int) -> np.ndarray:
        flat = obs.reshape(-1, *obs.shape[axes:])
        parts = [np.asarray(seen(jnp.asarray(flat[at : at + 8192]))) for at in range(0, len(flat), 8192)]
        return np.concatenate(parts).reshape(*obs.shape[:axes], -1)

    labeled = dataclasses.replace(given.data.labeled, obs=features(np.asarray(given.data.labeled.obs), 3))
    window = RewardInput(features(np.asarray(given.data.window.obs), 1), given.data.window.action)
    flat = jnp.asarray(window.obs)
    stats = RunningStats.of_shape(flat.shape[1:]).merge(flat, jnp.ones(len(flat)))
    fresh = GaussianProcessReward.build(
        (torso.num_features,), labeled.action.shape[-1], CONFIG, center=True, key=jax.random.key(3)
    )
    model: RewardModel = fresh.fit(FitData(labeled, window, stats, len(labeled)), None, jax.random.key(4))[0]
    return lambda clips: model.member_returns(RewardInput(features(clips.obs, 2), clips.reward_action)).mean(0)


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a run")
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 350, 700, 1400])
    parser.add_argument("--mistakes", type=float, nargs="+", default=[0.0, 0.1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    clips = clips_of(given.folder)
    done = [(row["model"], row["labels"], row["mistakes"], row["seed"]) for row in read_lines(RESULTS)]
    for seed in given.seeds:
        for labels in given.labels:
            for mistakes in given.mistakes:
                for name, fit in MODELS.items():
                    if (name, labels, mistakes, seed) in done:
                        continue
                    one = problem(clips, labels, mistakes, seed)
                    began = time.process_time()
                    returns = fit(one)
                    seconds = time.process_time() - began
                    is_left = one.left.true_reward.sum(1) > one.right.true_reward.sum(1)
                    accuracy = float(((returns(one.left) > returns(one.right)) == is_left).mean())
                    row = {"model": name, "labels": labels, "mistakes": mistakes, "seed": seed}
                    row |= {"accuracy": round(accuracy, 4), "cpu_seconds": round(seconds, 1), "clips": len(clips)}
                    append_lines(RESULTS, [row])
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
