"""Random actions before training: enough of them, however few the environments are."""

import numpy as np
import pytest
from gymnasium import spaces

from rl_teacher.core.streams import Streams
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.integrations.random_rollouts import random_rollouts
from rl_teacher.integrations.steps import Outcome
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.preferences.selection import first_pairs
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.recorder import Recorder

BOX = spaces.Box(-1.0, 1.0, (1,), np.float32)


class Clock:
    """Shows the step of the episode, which ends nowhere; satisfies steps.Stepper."""

    def __init__(self, num_envs: int) -> None:
        self._obs = np.zeros((num_envs, 1), np.float32)

    def reset(self) -> np.ndarray:
        self._obs = np.zeros_like(self._obs)
        return self._obs

    def step(self, env_action: np.ndarray) -> Outcome:
        self._obs, no = self._obs + 1, np.zeros(len(self._obs), bool)
        return Outcome(self._obs, self._obs, np.zeros(len(no), np.float32), no, no)


@pytest.mark.parametrize(("hold_steps", "share"), [(1.0, 1.0), (8.0, 1 / 8)])
def test_every_second_environment_holds_its_actions_as_long_as_was_said(hold_steps: float, share: float) -> None:
    spec = EnvSpec("clock", "clock", False, 500, True, 30, None, "")
    rollout = next(
        random_rollouts(
            Clock(64), Recorder(64), action_spec("clock", BOX, BOX), spec, num_envs=64, segment_steps=45,
            num_segments=20, hold_steps=hold_steps, streams=Streams(1), plan=lambda total: None, look=lambda: None,
        )
    )  # fmt: skip
    changes = (np.diff(rollout.env_action, axis=0) != 0).any(-1).mean(0)
    assert (changes[::2] == 1).all()
    assert changes[1::2].mean() == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("is_fixed", [True, False])
@pytest.mark.parametrize("num_envs", [1, 3, 64])
def test_the_first_segments_can_be_compared_in_pairs(num_envs: int, is_fixed: bool) -> None:
    spec = EnvSpec("clock", "clock", False, 500, is_fixed, 30, None, "")
    planned: list[int] = []
    rollout = next(
        random_rollouts(
            Clock(num_envs), Recorder(num_envs), action_spec("clock", BOX, BOX), spec, num_envs=num_envs,
            segment_steps=45, num_segments=20, hold_steps=1.0, streams=Streams(1), plan=planned.append,
            look=lambda: None,
        )
    )  # fmt: skip
    # 20 x 45 = 900 steps: 15 times the first 64 of one environment, 5 times of three, once of 64
    num_resets = {1: 15, 3: 5, 64: 1}[num_envs]
    assert planned == [len(rollout.obs)] == [64 * num_resets]
    np.testing.assert_array_equal(rollout.obs[:, 0, 0], np.tile(np.arange(64), num_resets))
    assert not rollout.terminated.any()
    assert rollout.truncated[:, 0].sum() == num_resets - 1
    segments = cut_segments(rollout, 45, 20, np.random.default_rng(1), origin="clock", iteration=0)
    assert len(first_pairs(segments, 10)) == 10
