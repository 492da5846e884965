"""A single environment of Gymnasium's with a learned reward."""

import json
import warnings
from typing import Any

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordEpisodeStatistics

from rl_teacher.errors import ConfigError
from rl_teacher.integrations.gymnasium import PreferenceReward
from tests.probes.corridor import Corridor, canaries

Small = dict[str, Any]


def test_it_is_an_environment_as_gymnasium_wants_it(small: Small) -> None:
    with PreferenceReward(Corridor(goals=True), "checked", **small) as env, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(unwrapped version|normalized space|not having a spec).*")
        check_env(env)
        assert env.spec is None


def test_nothing_that_is_returned_tells_the_true_reward(small: Small) -> None:
    env = PreferenceReward(RecordEpisodeStatistics(Corridor()), "blind", keep_infos=["harmless"], **small)
    obs, info = env.reset(seed=1)
    assert canaries((obs, info)) == []
    total, num_ended = 0.0, 0
    for _ in range(60):
        found = env.step(env.action_space.sample())
        assert canaries(found) == []
        total += found[1]
        assert set(found[4]) - {"episode"} == {"action_mask", "harmless"}
        if found[2] or found[3]:
            assert found[4]["episode"]["r"] == pytest.approx(total, rel=1e-5)
            with pytest.raises(ResetNeeded, match="after the end of an episode"):
                env.step(2)
            total, num_ended = 0.0, num_ended + 1
            env.reset()
    assert num_ended > 3
    rollout = env.training._recorder.take().rollout
    assert (rollout.terminated | rollout.truncated).sum() == num_ended, "a reset after an end is no cut"
    with pytest.raises(ConfigError, match="compute_reward"):
        env.get_wrapper_attr("compute_reward")
    env.close()
    env.close()


def test_bounds_and_budget_and_resume(small: Small) -> None:
    settings = {**small, "steps": 300, "fixed_length": True}
    env = PreferenceReward(gymnasium.make("Pendulum-v1"), "swing", **settings)
    env.reset(seed=1)
    for _ in range(150):
        obs, reward, *_ = env.step(np.array([2.0], np.float32))
    last = env.training.recent(1)[0]
    np.testing.assert_allclose(last.reward_action, [[1.0]], atol=1e-6)  # a torque of 2 is 1 to a reward model
    np.testing.assert_array_equal(last.env_action, [[2.0]])
    assert env.reward_of(last.obs[0], np.array([2.0]), obs, False) == pytest.approx(reward, rel=1e-5)
    env.training.leave()
    with PreferenceReward(gymnasium.make("Pendulum-v1"), "swing", **settings, resume=True) as env:
        assert env.training.steps == 150
        env.reset(seed=2)
        for _ in range(33):
            env.step(env.action_space.sample())
    assert json.loads((env.training.folder / "summary.json").read_text())["labels"] == 12


def test_the_first_questions_are_of_different_moments(small: Small) -> None:
    """Of 64 steps all segments would overlap: no question could be asked."""
    env = PreferenceReward(gymnasium.make("Pendulum-v1"), "first", **{**small, "labels": 40, "clip_length": 1.5})
    assert env.training.learner.dataset.num_labels == env.training.learner.pretrain_labels > 5
    env.close()


def test_a_task_of_ours_records_its_simulator(small: Small) -> None:
    from rl_teacher.envs.catalog import register

    register()
    env = PreferenceReward(gymnasium.make("rl_teacher/ShortReacher-v1"), "reach", **small)
    assert env.training.spec.is_fixed_horizon
    env.reset(seed=1)
    for _ in range(3):
        env.step(env.action_space.sample())
    state = env.training._recorder.take().rollout.sim_state
    assert state.shape == (3, 1, 8)
    assert not np.array_equal(state[0], state[2])
    env.close()


def test_turns_of_any_length_are_compiled_once(small: Small) -> None:
    compiled: list[str] = []
    env = PreferenceReward(Corridor(), "lengths", **{**small, "labels": 4, "steps": 100_000})
    training = env.training

    def turn_after(num_steps: int) -> None:
        for _ in range(num_steps):
            *_, terminated, truncated, _info = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
        training.turn()

    env.reset(seed=1)
    turn_after(40)
    turn_after(41)  # a round of those functions that a second turn alone needs
    jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: compiled.append(name))
    try:
        for num_steps in (37, 45, 52):
            turn_after(num_steps)
    finally:
        jax.monitoring.clear_event_listeners()
    env.close()
    assert [name for name in compiled if name.endswith("backend_compile_duration")] == []
