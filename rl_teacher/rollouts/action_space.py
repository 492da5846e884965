"""What a policy acts with, from the spaces of an environment."""

import math

import numpy as np
from gymnasium import spaces

from rl_teacher.core.actions import ActionSpec, BoxActions, DiscreteActions
from rl_teacher.errors import UnsupportedSpace

MOST_PIXELS = 1024
"""Numbers of an observation of several axes that is no picture of bytes."""
MOST_BYTES = 96 * 96 * 64
"""Numbers of a picture of bytes: 64 planes of the largest that `envs/pictures/` makes."""
MOST_NUMBERS = 16_384
"""Numbers of an observation of one axis: beyond, a rollout of the default size takes more than four gigabytes."""


def action_spec(env_id: str, obs: spaces.Space[object], action: spaces.Space[object]) -> ActionSpec:
    """Actions as policies see them.

    Raises:
        UnsupportedSpace: neither a vector of numbers nor one of several choices.
    """
    if not isinstance(obs, spaces.Box):
        raise UnsupportedSpace(
            f"env {env_id!r}: observations are {type(obs).__name__}, expected a Box. Flatten them with a wrapper."
        )
    size, is_vector = math.prod(obs.shape), len(obs.shape) <= 1
    if not size:
        raise UnsupportedSpace(f"env {env_id!r}: observations have shape {obs.shape}, no number at all.")
    most = MOST_NUMBERS if is_vector else MOST_BYTES if obs.dtype == np.uint8 and len(obs.shape) == 3 else MOST_PIXELS
    if size > most:
        raise UnsupportedSpace(
            f"env {env_id!r}: observations have shape {obs.shape}, {size:,} numbers of {obs.dtype}. The agents here "
            f"learn from at most {MOST_PIXELS:,} in several axes, {MOST_NUMBERS:,} in one, and from pictures of uint8 "
            "and shape (height, width, channels). Use a wrapper that makes one of them."
        )
    if isinstance(action, spaces.Box) and len(action.shape) == 1 and action.shape[0]:
        return _box_actions(action)
    if isinstance(action, spaces.Discrete):
        return DiscreteActions(int(action.n), int(action.start))
    got = f"a Box of shape {action.shape}" if isinstance(action, spaces.Box) else type(action).__name__
    raise UnsupportedSpace(
        f"env {env_id!r}: actions are {got}, expected a Box of one axis that is not empty, or Discrete. Use a wrapper."
    )


def _box_actions(space: spaces.Box) -> BoxActions:
    """Actions of a box; Gymnasium gives a box of whole numbers without bounds those of its dtype."""
    low, high = (bound.astype(np.float64) for bound in (space.low, space.high))
    if np.issubdtype(space.dtype, np.signedinteger):
        low = np.where(space.bounded_below, low, -np.inf)
    if np.issubdtype(space.dtype, np.integer):
        high = np.where(space.bounded_above, high, np.inf)
    return BoxActions(tuple(low.tolist()), tuple(high.tolist()), str(space.dtype))
