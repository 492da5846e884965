"""World: the environments of a run, and what must be known of them to teach an agent in them."""

import itertools
import math
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass

from rl_teacher.config.run import RunConfig
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import input_names
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import UnsupportedSpace
from rl_teacher.protocols import Actor, Collector
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.training.env_maker import EnvMaker
from rl_teacher.training.seeds import env_seed
from rl_teacher.training.segment_length import steps_of_segment

HOLD_SECONDS = 0.3
"""How long an action is held, on average [s of a clip]."""
MOST_STEPS = 1000
"""Of a rollout before training, for each environment."""


@dataclass(frozen=True, slots=True)
class World:
    """Where an agent acts."""

    spec: EnvSpec
    actions: ActionSpec
    collector: Collector
    """Steps the environments of training."""
    input_names: tuple[str, ...]
    """Of each number that a reward model sees: those of the observation, then those of the action."""
    segment_steps: int
    rollout_steps: int
    """Time axis of a rollout: as configured; longer if a segment would not fit, where episodes have one length."""
    obs_dtype: str
    """As agents see observations: uint8 or float32."""
    make_envs: EnvMaker
    """Makes the other environments of the run: those of the first segments and of the evaluation."""

    def close(self) -> None:
        """Free the environments of training, and end who stepped them."""
        try:
            self.collector.close()
        finally:
            self.make_envs.close()


def open_world(config: RunConfig, spec: EnvSpec) -> World:
    """The environments of a run, which begin with a reset.

    Args:
        config: complete, its clip length too.
        spec: of the environment.

    Raises:
        UnsupportedSpace: agents cannot learn from its observations, or act with its actions.
        SegmentTooLong: no episode holds a segment.
        ConfigError: rollout workers are wanted that cannot be started.
    """
    segment_steps = steps_of_segment(config, spec)
    with ExitStack() as stack:
        maker = stack.enter_context(closing(EnvMaker(config)))
        world = _opened(config, spec, segment_steps, maker)
        stack.pop_all()
    return world


def _opened(config: RunConfig, spec: EnvSpec, segment_steps: int, maker: EnvMaker) -> World:
    settings = config.agent_config
    rollout_steps = settings.rollout_steps
    if config.predictor != "rl" and spec.is_fixed_horizon:  # the nine tasks' results were measured so
        rollout_steps = max(rollout_steps, segment_steps)
    num_envs = max(1, min(settings.num_envs, config.num_timesteps))
    envs = maker(spec, num_envs, seed=env_seed(config.seed, 0), stagger=True)
    actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)
    if config.agent == "sac" and actions.distribution.is_discrete:
        raise UnsupportedSpace(f"env {spec.env_id!r}: -a sac needs continuous actions, these are choices. Use -a ppo.")
    names = input_names(spec, math.prod(envs.single_observation_space.shape or ()), actions.size)
    obs_dtype = str(envs.single_observation_space.dtype)
    collector = LocalCollector(envs, actions)
    return World(spec, actions, collector, names, segment_steps, rollout_steps, obs_dtype, maker)


def random_actor(config: RunConfig, world: World) -> RandomActor:
    """Who gathers the first segments, unless the policy does."""
    return RandomActor(world.actions, hold_steps(config, world.spec))


def hold_steps(config: RunConfig, spec: EnvSpec) -> float:
    """How long every second environment holds a random action before training, on average [steps].

    >>> from rl_teacher.envs.catalog import find_env
    >>> hold_steps(RunConfig(), find_env("ShortHopper-v1")), hold_steps(RunConfig(), find_env("ShortReacher-v1"))
    (12.0, 3.0)
    """
    return HOLD_SECONDS * spec.clip_fps if config.pretrain_rollouts == "held_actions" else 1.0


GAME_BEGINS = 256
"""Steps of a game that are seen before training. Of clips of Pong's first 40 steps two in a hundred show a point; of
these, half."""


def rollouts_before_training(config: RunConfig, world: World, actor: Actor) -> Generator[Rollout, None, None]:
    """Rollouts of environments of their own, from the beginnings of fresh episodes, as many as are asked for.

    Only the first steps after a reset: later on most of the nine tasks' robots lie on the ground, and two clips of
    a robot that lies there teach nothing. Where episodes can end early, the second rollout and all that follow are long
    enough to see whether they do. A game begins slowly, so there fewer environments go on for longer.
    """
    num_envs, streams = world.collector.num_envs, Streams(config.seed)
    num_steps = max(world.rollout_steps, world.segment_steps)
    if world.spec.is_game:
        num_envs = max(1, num_envs * num_steps // max(num_steps, GAME_BEGINS))
        num_steps = max(num_steps, GAME_BEGINS)
    envs = world.make_envs(world.spec, num_envs, seed=env_seed(config.seed, -1))
    collector = LocalCollector(envs, world.actions)
    try:
        for attempt in itertools.count():
            if attempt:
                collector.restart(env_seed(config.seed, -1 - attempt))
            key = streams.key("pretrain act", attempt)
            yield collector.collect(actor, num_envs * num_steps, num_steps, key)
            if not world.spec.is_fixed_horizon:
                num_steps = max(num_steps, min(world.spec.horizon or MOST_STEPS, MOST_STEPS))
    finally:
        collector.close()
