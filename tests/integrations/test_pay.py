"""Steps are paid by what is observed after them wherever the reward depends on it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.actions import DiscreteActions
from rl_teacher.integrations.pay import Pay
from rl_teacher.rewards.export import FrameSpec, to_portable
from rl_teacher.rewards.gp.meetings import WAYS
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.portable import PortableReward

SHAPE = (8, 8, 2)
PLAYER, GOLD = 0, 1


def taken_gold() -> PortableReward:
    """1 for each step that takes gold."""
    config = RewardModelConfig(joint_features=4)
    model = GaussianProcessReward.build(SHAPE, 2, config, center=True, key=jax.random.key(0))
    at = len(model.weights) - 4 * len(WAYS) + (2 * PLAYER + GOLD) * len(WAYS) + WAYS.index((0, 0))
    model = dataclasses.replace(model, weights=model.weights.at[at].set(1.0), members=jnp.zeros_like(model.members))
    made = to_portable(model, FrameSpec("Mine-v0", SHAPE, DiscreteActions(2), ["x"] * 130, "uint8"), 1)
    assert made is not None
    return made


@pytest.mark.parametrize("shows_ends", [False, True])
def test_the_step_that_takes_the_gold_is_paid(shows_ends: bool) -> None:
    before, after = np.zeros((2, 2, *SHAPE), np.uint8)
    before[:, 3, 3, PLAYER] = before[:, 3, 4, GOLD] = 255
    after[0, 3, 4, PLAYER] = 255  # takes it
    after[1, 3, 3, PLAYER] = after[1, 3, 4, GOLD] = 255  # stays beside it
    pay = Pay(taken_gold(), 1.0, shows_ends)
    paid = pay(before, np.eye(2, dtype=np.float32), after, np.zeros(2, bool))
    np.testing.assert_allclose(paid, [1.0, 0.0], atol=1e-6)
