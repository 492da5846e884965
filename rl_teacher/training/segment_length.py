"""How long a clip is where nobody says: 1.5 s, or as long as half of the episodes of random actions."""

import dataclasses

import numpy as np

from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError, SegmentTooLong
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor

DEFAULT_SECONDS = 1.5
"""As in the program of 2017."""
NUM_ENVS = 8
"""Environments in which random actions are tried."""


def with_clip_length(config: RunConfig, spec: EnvSpec) -> tuple[RunConfig, list[str]]:
    """The configuration with the length of a clip if it was not set; and what to tell the user.

    Where episodes end early, a clip of 1.5 s may be longer than whole episodes: those of CartPole last some 20 steps of
    75. Random actions are tried then, with the run's seed.
    """
    if config.clip_length is not None:
        return config, []
    config = dataclasses.replace(config, clip_length=DEFAULT_SECONDS)
    if config.predictor == "rl" or spec.is_fixed_horizon:
        return config, []
    wanted = max(1, _steps(DEFAULT_SECONDS, spec))
    usual = usual_episode_steps(random_rollout(config, spec, 2 * wanted), wanted)
    if usual >= wanted:
        return config, []
    note = (
        f"Half of the episodes of random actions last {usual} steps or fewer: a clip has {usual} steps "
        f"({usual / spec.clip_fps:.2g} s) instead of {wanted}. Use -c for another length."
    )
    return dataclasses.replace(config, clip_length=usual / spec.clip_fps), [note]


def steps_of_segment(config: RunConfig, spec: EnvSpec) -> int:
    """int(seconds * frames per second), as in the program of 2017: one frame per step."""
    assert config.clip_length is not None, "with_clip_length() fills it in"
    steps = _steps(config.clip_length, spec)
    if steps < 1:
        raise ConfigError(
            f"-c/--clip_length: {config.clip_length} s at {spec.clip_fps} steps/s is no step. "
            f"Use at least {1 / spec.clip_fps:.3g}."
        )
    if config.predictor != "rl" and spec.horizon is not None and steps > spec.horizon:
        raise SegmentTooLong(
            f"env {spec.env_id!r}: a segment of {config.clip_length:g} s at {spec.clip_fps} steps/s is {steps} steps, "
            f"an episode has {spec.horizon}. Use --clip-length {spec.horizon / spec.clip_fps:g} or less (docs/envs.md)."
        )
    return steps


def random_rollout(config: RunConfig, spec: EnvSpec, num_steps: int) -> Rollout:
    """`num_steps` steps of random actions in each of a few fresh environments."""
    streams = Streams(config.seed)
    seed = int(streams.generator("clip length").integers(2**31))
    envs = make_envs(spec, NUM_ENVS, seed=seed, num_threads=config.workers)
    actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)
    collector = LocalCollector(envs, actions)
    try:
        return collector.collect(RandomActor(actions), NUM_ENVS * num_steps, num_steps, streams.key("clip length"))
    finally:
        collector.close()


def usual_episode_steps(rollout: Rollout, most: int) -> int:
    """The median length of the episodes in a rollout that began with a reset, `most` at most [steps].

    An episode that is not over counts if it already has `most` steps, as it would be counted as `most`, however long.
    """
    ended = rollout.terminated | rollout.truncated
    over = rollout.episode_step[ended] + 1
    running = rollout.episode_step[-1][~ended[-1]] + 1
    lengths = np.minimum(np.concatenate([over, running[running >= most]]), most)
    return int(np.median(lengths))


def _steps(seconds: float, spec: EnvSpec) -> int:
    return int(seconds * spec.clip_fps + 1e-6)  # 29 / 50 * 50 is less than 29
