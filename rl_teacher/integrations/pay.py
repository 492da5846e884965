"""What steps are paid: the learned reward, as large as an agent of others can use it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

from rl_teacher.core.arrays import Rollout, next_observations
from rl_teacher.rewards.portable import PortableReward

LEAST_SIZE = 1e-6
"""Rewards that are smaller say nothing, and are not made larger."""


class Pay(NamedTuple):
    """What steps are paid with, between two fits."""

    reward: PortableReward
    factor: float
    """What it is multiplied by, above 0, which changes no preference.

    Comparisons fix no size of a reward. Where episodes can end early a step that is survived may be worth a hundred
    times what tells two steps apart; agents that do not normalize returns would not learn from that.
    """
    shows_ends: bool

    def __call__(
        self, obs: Num[np.ndarray, "*batch obs"], action: Float[np.ndarray, "*batch act"],
        next_obs: Num[np.ndarray, "*batch obs"], terminated: Bool[np.ndarray, "*batch"],
    ) -> Float[np.ndarray, "*batch"]:  # fmt: skip
        """What steps are worth; `action` as a reward model sees it."""
        if not self.shows_ends:
            return self.reward.scored(obs, action, next_obs=next_obs if self.reward.about.ends else None)
        return self.reward.scored(obs, action, next_obs=next_obs, terminated=terminated) * np.float32(self.factor)

    def sized(self, rollout: Rollout) -> "Pay":
        """The same with mean square 1 over a rollout, where episodes can end early."""
        if not self.shows_ends:
            return self
        follows = next_observations(rollout)
        worth = self._replace(factor=1.0)(rollout.obs, rollout.reward_action, follows, rollout.terminated)
        size = float(np.sqrt(np.mean(np.square(worth, dtype=np.float64))))
        return self._replace(factor=1 / size if size > LEAST_SIZE else 1.0)


class Turn(NamedTuple):
    """What a turn came to."""

    before: Pay | None
    """That of the steps before this turn; None if they were paid 0."""
    after: Pay | None
    """That from now on: the same object if no new reward was fitted."""

    @property
    def is_new(self) -> bool:
        """Whether the reward changed."""
        return self.before is not self.after
