"""Which steps are seen before training."""

from contextlib import closing

import numpy as np
import pytest

from rl_teacher.envs.catalog import find_env
from rl_teacher.training.world import GAME_BEGINS, open_world, random_actor, rollouts_before_training
from tests.completed import completed_flags


@pytest.mark.parametrize(
    ("env", "shape"), [("ShortReacher-v1", (32, 16)), ("MinAtar/Asterix-v1", (GAME_BEGINS, 32 * 16 // GAME_BEGINS))]
)
def test_robots_are_seen_at_their_first_steps_and_games_for_longer(env: str, shape: tuple[int, int]) -> None:
    small = ["--ppo.num_envs", "16", "--ppo.rollout_steps", "32"]
    config, _ = completed_flags(["-p", "synth", "-l", "20", "-e", env, "-n", "x", *small])
    with closing(open_world(config, find_env(env))) as world:
        world.collector.restart(0)
        for rollout, _ in zip(
            rollouts_before_training(config, world, random_actor(config, world)), range(2), strict=False
        ):
            assert rollout.true_reward.shape == shape
            assert rollout.counted.all()
            assert (rollout.episode_step[0] == 0).all()


@pytest.mark.parametrize(("given", "share"), [("held_actions", 1 / (0.3 * 40)), ("random_actions", 1.0)])
def test_half_of_a_robots_first_actions_are_held_for_a_while(given: str, share: float) -> None:
    """40 steps are a second of a clip of the Hopper."""
    words = ["-p", "synth", "-l", "20", "-e", "ShortHopper-v1", "-n", "x", "--pretrain_rollouts", given]
    config, _ = completed_flags(words)
    with closing(open_world(config, find_env("ShortHopper-v1"))) as world:
        rollout = next(rollouts_before_training(config, world, random_actor(config, world)))
    changes = (np.diff(rollout.env_action, axis=0) != 0).any(-1).mean(0)
    assert (changes[::2] == 1).all()
    assert changes[1::2].mean() == pytest.approx(share, rel=0.2)
