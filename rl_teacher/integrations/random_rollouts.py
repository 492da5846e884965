"""Random actions in somebody's environments: what the first questions are about."""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.streams import Streams
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.integrations.steps import Stepper
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.rollouts.recorder import Recorder, Transitions
from rl_teacher.training.world import MOST_STEPS

FIRST_STEPS = 64
"""Of the first rollout, for each environment, if segments are no longer."""


def random_rollouts(
    envs: Stepper, recorder: Recorder, actions: ActionSpec, spec: EnvSpec, *, num_envs: int, segment_steps: int,
    num_segments: int, hold_steps: float, streams: Streams, plan: Callable[[int], None],
    look: Callable[[], None],
) -> Iterator[Rollout]:  # fmt: skip
    """Rollouts that begin with resets, as many as are asked for; the same rules as for our own agents.

    Each has room for `num_segments` segments side by side: where environments are few, they begin anew several times.
    Of a single one all segments of 64 steps would overlap, and no two could be compared.

    Only first steps after a reset where episodes have one length; else from the second rollout on long enough to see
    whether they end (`training.world.rollouts_before_training`).

    Args:
        envs: whose steps these are.
        recorder: numbers episodes; begins anew with each rollout.
        actions: of them.
        spec: of them.
        num_envs: side by side.
        segment_steps: of a segment.
        num_segments: that are wanted.
        hold_steps: how long every second environment holds an action, on average [steps].
        streams: all randomness of the actions.
        plan: told before each rollout how many steps each environment will make in it.
        look: called before each step.
    """
    actor = RandomActor(actions, hold_steps)
    num_steps = max(FIRST_STEPS, segment_steps)
    for attempt in itertools.count():
        recorder.restart()
        obs = envs.reset()
        total = num_steps * math.ceil(num_segments * segment_steps / (num_envs * num_steps))
        plan(total)
        noise, next_reset = actor.noise(streams.key("pretrain act", attempt), total, num_envs), num_steps
        for time in itertools.count():
            if len(recorder) >= total:
                break
            if len(recorder) >= next_reset:
                recorder.cut()
                obs, next_reset = envs.reset(), next_reset + num_steps
            action = actions.clamp(actor.act(obs, noise[time % total]))
            env_action = actions.to_env(action)
            look()
            found = envs.step(env_action)
            found.require_finite(spec.env_id, time * num_envs)
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
        if not spec.is_fixed_horizon:
            num_steps = max(num_steps, min(spec.horizon or MOST_STEPS, MOST_STEPS))
