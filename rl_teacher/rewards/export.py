"""From a reward model to a reward that any program can use: portable.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rl_teacher.core.actions import ActionSpec, DiscreteActions
from rl_teacher.errors import UserCodeFault
from rl_teacher.protocols import HasPortable
from rl_teacher.rewards.portable import PortableReward
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace, Space
from rl_teacher.rewards.portable_files import RewardAbout
from rl_teacher.rewards.relevance import main_relevances


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """What the frames of an environment are like."""

    env_id: str
    obs_shape: tuple[int, ...]
    actions: ActionSpec
    names: Sequence[str]
    """Of each number that a reward model sees: those of the observation, then those of the action."""
    obs_dtype: str = "float32"
    """As agents see observations."""


def to_portable(model: object, frames: FrameSpec, labels: int) -> PortableReward | None:
    """A reward model as NumPy alone, as it is now; None for one of the user's own that has no method `portable`.

    >>> from rl_teacher.config.reward import RewardModelConfig
    >>> from rl_teacher.core.actions import BoxActions
    >>> from rl_teacher.rewards.baselines import ConstantReward
    >>> frames = FrameSpec("Pendulum-v1", (3,), BoxActions((-2.0,), (2.0,)), ("x", "y", "speed", "torque"))
    >>> reward = to_portable(ConstantReward.build(RewardModelConfig()), frames, labels=100)
    >>> reward([0.1, 0.2, 0.3], [-1.5])
    array(1., dtype=float32)

    Args:
        model: that is exported.
        frames: what it is shown.
        labels: how many it was fitted to.

    Raises:
        UserCodeFault: what its method `portable` gives does not fit.
    """
    if not isinstance(model, HasPortable):
        return None
    parts, space = model.portable(), space_of(frames.actions)
    looks_at = tuple((what, float(share)) for what, share in main_relevances(model, frames.names))
    about = RewardAbout(
        parts.kind, frames.env_id, frames.obs_shape, frames.obs_dtype, space, parts.ends, tuple(frames.names), labels,
        looks_at,
    )  # fmt: skip
    try:
        return PortableReward(about, parts.arrays)
    except ValueError as error:
        raise UserCodeFault(f"{type(model).__name__}.portable: {error}. See rewards/portable_process.py.") from error


def space_of(actions: ActionSpec) -> Space:
    """The same actions for programs without JAX."""
    if isinstance(actions, DiscreteActions):
        return DiscreteSpace(actions.size, actions.start)
    return BoxSpace(actions.low, actions.high, actions.dtype)


def write_reward(folder: Path, model: object, frames: FrameSpec, labels: int) -> PortableReward | None:
    """Write a reward model's portable form into a folder, where `load_reward` finds it; None if it has none.

    Raises:
        FolderUnwritable: no room, or no right to.
        UserCodeFault: what its method `portable` gives does not fit.
    """
    reward = to_portable(model, frames, labels)
    if reward is not None:
        reward.save(folder)
    return reward
