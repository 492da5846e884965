"""Which clips of random actions the labels before training are best spent on, judged without training an agent.

    rl-teacher teach -p synth -l 700 -e ShortReacher-v1 -n fits -t 6e5
    python -m benchmarks.first_segments fits --labels 25 --seeds 10

Fits a fresh Gaussian process to comparisons of clips of random actions that are chosen in different ways, and judges it
on the comparisons that the run asked while its agent learned: what an agent will do is what a first model must tell.
"""

import argparse
import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float, Int

from benchmarks.first_labels import answered
from benchmarks.reward_fits import fitted, labels_of, told_right
from rl_teacher.commands.replay import RUNS_DIR
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput, Rollout, Segments, concatenate
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.training.complete import complete
from rl_teacher.training.seeds import env_seed
from rl_teacher.training.world import World, open_world

POOL_PER_CLIP = 16
"""Clips to choose one from."""
MAX_FRAMES = 8192
"""Frames of the pool that the model is normalized by."""


def features(segments: Segments) -> Float[np.ndarray, "segment feature"]:
    """Mean and standard deviation of each observed number over a clip, in standard deviations of the pool."""
    obs = segments.obs.reshape(*segments.true_reward.shape, -1)
    stacked = np.concatenate([obs.mean(1), obs.std(1)], axis=1)
    return np.asarray((stacked - stacked.mean(0)) / (stacked.std(0) + 1e-6))


def spread(points: Float[np.ndarray, "point feature"], num: int) -> Int[np.ndarray, " chosen"]:
    """`num` rows far from each other: first the one nearest the mean, then always the farthest from those chosen."""
    chosen = [int(np.argmin(((points - points.mean(0)) ** 2).sum(1)))]
    distance = ((points - points[chosen[0]]) ** 2).sum(1)
    while len(chosen) < num:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(1))
    return np.array(chosen)


def random_clips(
    world: World, collector: LocalCollector, num: int, num_steps: int, seed: int
) -> tuple[Segments, Rollout]:
    """Clips of the first `num_steps` steps of fresh episodes of random actions, and the last rollout."""
    generator, parts = np.random.default_rng(seed), list[Segments]()
    while sum(map(len, parts)) < num:
        attempt = len(parts)
        collector.restart(1000 * seed + attempt)
        rollout = collector.collect(
            RandomActor(world.actions),
            collector.num_envs * num_steps,
            num_steps,
            jax.random.key(100 * seed + attempt),
        )
        parts.append(
            cut_segments(
                rollout, world.segment_steps, num, generator, origin=f"first {attempt}", iteration=-1 - attempt
            )
        )
    return concatenate(parts).take(np.arange(num)), rollout


def judge(
    segments: Segments, frames: Rollout, later: LabeledBatch, config: RewardModelConfig, num: int, seed: int
) -> tuple[float, float]:
    """Accuracy on later comparisons, and correlation with their returns, of a fit to `num` labels."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(segments))
    obs = frames.obs.reshape(-1, frames.obs.shape[-1])
    rows = generator.permutation(len(obs))[:MAX_FRAMES]
    window = RewardInput(obs[rows], frames.reward_action.reshape(len(obs), -1)[rows])
    model, _ = fitted(answered(segments.take(order), num, generator), window, config, 0, seed)
    return told_right(model, later)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of a run with many labels")
    parser.add_argument("--labels", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--runs-dir", default=RUNS_DIR)
    given = parser.parse_args(argv)
    taught, batch = labels_of(given.runs_dir, given.name)
    later = batch.take(np.arange(taught.pretrain_labels or 0, len(batch)))

    spec = find_env(taught.env_id)
    config, _ = complete(dataclasses.replace(taught, name="first"), spec)
    world = open_world(config, spec)
    envs = make_envs(spec, 64, seed=env_seed(config.seed, -1), num_threads=config.workers)
    collector = LocalCollector(envs, world.actions)
    horizon = spec.horizon or world.rollout_steps
    wanted, found = 2 * given.labels, dict[str, list[tuple[float, float]]]()
    for seed in range(given.seeds):
        early, frames = random_clips(world, collector, POOL_PER_CLIP * wanted, min(world.rollout_steps, horizon), seed)
        whole, all_frames = random_clips(world, collector, POOL_PER_CLIP * wanted, horizon, seed)
        generator = np.random.default_rng(seed)
        for place, pool, window in (("early", early, frames), ("of whole episodes", whole, all_frames)):
            choices = {"at random": generator.permutation(len(pool))[:wanted], "unlike": spread(features(pool), wanted)}
            for rule, rows in choices.items():
                result = judge(pool.take(rows), window, later, config.reward, given.labels, seed)
                found.setdefault(f"{place}, {rule}", []).append(result)
    collector.close()
    world.collector.close()
    print("| clips | accuracy on later comparisons | correlation of returns | the worst |\n|---|---|---|---|")
    for name, results in found.items():
        (accuracy, agreement), spreads = np.mean(results, axis=0), np.std(results, axis=0)
        worst = min(result[1] for result in results)
        print(f"| {name} | {accuracy:.2f} ± {spreads[0]:.2f} | {agreement:.2f} ± {spreads[1]:.2f} | {worst:.2f} |")


if __name__ == "__main__":
    main()
