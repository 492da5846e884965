"""Replays: which episodes can be played again from their seeds, and that they are."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import find_env
from rl_teacher.integrations.replays import Replays, SeededResets, replays_of, why_not_again
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rollouts.recorder import Recorder, Transitions
from rl_teacher.video.jobs import ClipJob, ClipMaker

SPEC = find_env("CartPole-v1")


def cart_pole() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("CartPole-v1", render_mode="rgb_array")


class Drifting(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Moves what is observed by something that no seed decides."""

    def step(self, action: Any) -> Any:
        obs, *rest = self.env.step(action)
        return (obs + np.random.default_rng().normal(size=4).astype(np.float32), *rest)


def test_resets_have_seeds_of_their_own_and_know_them() -> None:
    one, other = (SeededResets(cart_pole(), seed=3, index=1) for _ in range(2))
    first = [one.reset()[0] for _ in range(3)]
    again = [other.reset()[0] for _ in range(3)]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    seed = one.seed
    np.testing.assert_array_equal(cart_pole().reset(seed=seed)[0], first[2])
    assert one.reset(seed=77)[1] == {}
    assert one.seed == 77


def test_what_a_seed_decides_can_be_played_again() -> None:
    assert why_not_again(SeededResets(cart_pole(), 1, 0), SPEC) == ""


def test_what_no_seed_decides_is_seen_by_trying_once() -> None:
    assert "led elsewhere" in why_not_again(SeededResets(Drifting(cart_pole()), 1, 0), SPEC)


def test_what_an_id_does_not_say_is_no_reason_to_try() -> None:
    made = gymnasium.make("CartPole-v1", sutton_barto_reward=True)
    assert "sutton_barto_reward" in why_not_again(SeededResets(made, 1, 0), SPEC)
    lines: list[str] = []
    config = RunConfig(env_id="CartPole-v1")
    other: Any = spaces.Box(-1, 1, (16,))
    assert replays_of([cart_pole()], other, SPEC, config, lines.append) is None
    assert "what is recorded is not what one of them observes" in lines[0]
    assert replays_of(None, other, SPEC, config, lines.append) is None


@pytest.mark.parametrize("num_before", [0, 3])
def test_a_segment_is_found_by_its_seed_and_drawn(num_before: int) -> None:
    env = SeededResets(cart_pole(), 5, 0)
    recorder, replays = Recorder(1), Replays(SPEC, [env], num_kept=4)
    for _ in range(num_before):  # episodes that were begun and left
        recorder.restart()
        env.reset()
    obs, steps = env.reset()[0], []
    for step in range(12):
        replays.note(*recorder.place)
        action = step % 2
        after, _, _, _, _ = env.step(action)
        steps.append(obs)
        no, zero = np.zeros(1, bool), np.zeros(1, np.float32)
        recorder.add(
            Transitions(
                obs[None], after[None], np.eye(2)[[action]], np.array([action]), zero, no, no, zero, np.zeros((1, 0))
            )
        )
        obs = after
    rollout = recorder.take().rollout
    replays.history.add(rollout, -1)
    segment = cut_segments(rollout, 5, 1, np.random.default_rng(0), origin="x", iteration=-1).row(0)
    content = replays.content(segment)
    assert content.seed == env.seed
    np.testing.assert_array_equal(content.obs, steps[segment.start])
    clip = ClipMaker(None).make(ClipJob("x", content, 50, with_webm=False))
    assert clip.num_frames - clip.hold_frames == 5
