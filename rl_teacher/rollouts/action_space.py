"""What a policy acts with, from the spaces of an environment."""

from gymnasium import spaces

from rl_teacher.core.actions import ActionSpec, BoxActions, DiscreteActions
from rl_teacher.errors import UnsupportedSpace


def action_spec(env_id: str, obs: spaces.Space[object], action: spaces.Space[object]) -> ActionSpec:
    """Actions as policies see them.

    Raises:
        UnsupportedSpace: neither a vector of numbers nor one of several choices.
    """
    if not isinstance(obs, spaces.Box):
        raise UnsupportedSpace(f"env {env_id!r}: observations are {obs}, expected a Box. Flatten them with a wrapper.")
    if isinstance(action, spaces.Box) and len(action.shape) == 1:
        return BoxActions(tuple(map(float, action.low)), tuple(map(float, action.high)))
    if isinstance(action, spaces.Discrete):
        return DiscreteActions(int(action.n), int(action.start))
    raise UnsupportedSpace(
        f"env {env_id!r}: actions are {action}, expected a Box of one axis or Discrete. Use a wrapper."
    )
