"""`-p rl`: the true reward, through the same door as a learned one."""

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from rl_teacher.core.arrays import RewardInput
from rl_teacher.protocols import FitData


class TrueReward(eqx.Module):
    """Returns what it is shown, and itself from `fit`."""

    def __call__(self, x: RewardInput) -> Float[Array | np.ndarray, "*batch"]:
        """The true reward in the input."""
        assert x.true_reward is not None, "the view of `-p rl` shows the true reward"
        return x.true_reward

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """One member, always right."""
        return np.asarray(np.asarray(self(x)).sum(-1)[None])

    def wants_fit(self, num_changes: int) -> bool:
        """Never."""
        return False

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple["TrueReward", dict[str, float]]:
        """Nothing to learn."""
        return self, {}
