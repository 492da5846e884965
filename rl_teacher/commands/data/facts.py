"""What must be known of an environment for its segments to be kept, and its actions in all their units."""

from pathlib import Path

from rl_teacher.commands.fitting import frames_of
from rl_teacher.core.actions import ActionSpec, BoxActions, DiscreteActions
from rl_teacher.data.about import EnvFacts
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError, RewardError
from rl_teacher.rewards.export import space_of
from rl_teacher.rewards.portable import load_reward
from rl_teacher.rewards.portable_actions import DiscreteSpace, Space


def facts_of(env_id: str) -> EnvFacts:
    """Of an environment that this machine can make, one copy of which is made to look at its spaces."""
    spec = find_env(env_id)
    frames = frames_of(spec)
    return EnvFacts(
        frames.env_id, frames.obs_shape, space_of(frames.actions), tuple(frames.names), float(spec.clip_fps),
        spec.is_fixed_horizon,
    )  # fmt: skip


def facts_of_run(env_id: str, folder: Path) -> EnvFacts:
    """Of a run's environment; where it cannot be made here, as the reward in the run's folder says it.

    Raises:
        ConfigError: it cannot be made, and there is no reward.
    """
    try:
        return facts_of(env_id)
    except ConfigError as error:
        try:
            about = load_reward(folder / "reward").about
        except RewardError:
            raise error from None
        return EnvFacts(about.env_id, about.obs_shape, about.action, about.names, None, not about.ends)


def actions_of(space: Space) -> ActionSpec:
    """The same actions as a training has them."""
    if isinstance(space, DiscreteSpace):
        return DiscreteActions(space.n, space.start)
    return BoxActions(space.low, space.high, space.dtype)
