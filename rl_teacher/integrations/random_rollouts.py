"""Random actions in somebody's environments: what the first questions are about."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.streams import Streams
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.rollouts.recorder import Recorder, Transitions
from rl_teacher.training.world import HOLD_SECONDS, MOST_STEPS

if TYPE_CHECKING:
    from rl_teacher.integrations.reward_training import Stepper

FIRST_STEPS = 64
"""Of the first rollout, for each environment, if segments are no longer."""


def random_rollouts(
    envs: "Stepper", actions: ActionSpec, spec: EnvSpec, *, num_envs: int, segment_steps: int, streams: Streams
) -> Iterator[Rollout]:
    """Rollouts that begin with resets, as many as are asked for; the same rules as for our own agents.

    Only first steps after a reset where episodes have one length; else from the second rollout on long enough to see
    whether they end (`training.world.rollouts_before_training`).
    """
    fixed = spec.is_fixed_horizon
    actor = RandomActor(actions, 1.0 if fixed else HOLD_SECONDS * spec.clip_fps)
    num_steps, first_episode = max(FIRST_STEPS, segment_steps), 0
    for attempt in itertools.count():
        recorder, obs = Recorder(num_envs, first_episode), envs.reset()
        noise = actor.noise(streams.key("pretrain act", attempt), num_steps, num_envs)
        for time in itertools.count():
            if len(recorder) >= num_steps:
                break
            action = actions.clamp(actor.act(obs, noise[time % num_steps]))
            env_action = actions.to_env(action)
            found = envs.step(env_action)
            state = np.zeros((num_envs, 0)) if found.sim_state is None else found.sim_state
            zero = np.zeros(num_envs, np.float32)
            recorder.add(
                Transitions(
                    obs, found.next_obs, action, env_action, found.true_reward, found.terminated, found.truncated,
                    zero, state,
                ), found.alive,
            )  # fmt: skip
            obs = found.obs
        yield recorder.take().rollout
        first_episode = recorder.next_episode
        if not fixed:
            num_steps = max(num_steps, min(spec.horizon or MOST_STEPS, MOST_STEPS))
