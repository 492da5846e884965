"""imitation's side of the comparison trains on the very same task, with as many steps."""

import numpy as np
import pytest

from benchmarks.plug_imitation import NUM_ITERATIONS, Hopper, _total_timesteps
from rl_teacher.envs.catalog import find_env
from rl_teacher.envs.tasks.hopper import TASK
from rl_teacher.envs.tasks.single import TaskEnv


def test_its_hopper_gives_the_numbers_of_ours() -> None:
    ours, theirs, rng = TaskEnv("Hopper-v1"), Hopper(), np.random.default_rng(1)
    assert theirs.observation_space == ours.observation_space
    assert theirs.action_space == ours.action_space
    assert find_env("Hopper-v1").horizon == TASK.horizon
    for seed in (3, None):  # the second episode goes on with the numbers of the first
        np.testing.assert_array_equal(theirs.reset(seed=seed)[0], ours.reset(seed=seed)[0])
        for _ in range(200):
            action = rng.uniform(-1.5, 1.5, 3).astype(np.float32)
            (mine, my_reward, *_), (other, other_reward, *_) = ours.step(action), theirs.step(action)
            np.testing.assert_array_equal(other, mine)
            assert other.dtype == mine.dtype
            assert other_reward == my_reward


@pytest.mark.parametrize(("steps", "trained"), [(200_000, 200_704), (24_576, 24_576), (8_000, 24_576)])
def test_its_agent_trains_as_many_steps(steps: int, trained: int) -> None:
    """As imitation divides them: `extra` goes to one training, and each makes whole rollouts."""
    each, extra = divmod(_total_timesteps(steps, 4096), NUM_ITERATIONS)
    trainings = [each] * NUM_ITERATIONS + [each]
    trainings[NUM_ITERATIONS - 1] += extra
    assert sum(-(-one // 4096) * 4096 for one in trainings) == trained
