"""A reward model from a checkpoint, of this version or of an older one."""

from collections.abc import Mapping

import numpy as np

from rl_teacher.protocols import HasOlderForms, RewardModel
from rl_teacher.storage import checkpoint as store

PREFIX = "reward"


def restored_reward(arrays: Mapping[str, np.ndarray], like: RewardModel) -> RewardModel:
    """The model that a checkpoint holds.

    Args:
        arrays: all that a checkpoint holds.
        like: a fresh model, which says what its arrays are.

    Raises:
        CheckpointError: it is of another program or environment.
    """
    if isinstance(like, HasOlderForms):
        arrays = store.nest(PREFIX, like.of_today(store.under(PREFIX, arrays)))
    return store.unpack(PREFIX, arrays, like)
