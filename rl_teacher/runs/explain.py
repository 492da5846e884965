"""What a reward model makes of comparisons, for the people who answered them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rl_teacher.core.arrays import RewardInput, Segments, concatenate
from rl_teacher.protocols import RewardModel
from rl_teacher.records import Comparison, ComparisonId


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reward model's mind about one comparison."""

    comparison: ComparisonId
    step: int
    """Environment steps when the model learned from it."""
    p_left: float
    """P(left preferred), the mean over members, before the model learned from the answer."""
    left: Float[np.ndarray, " step"]
    """Predicted reward of each step after it did."""
    right: Float[np.ndarray, " step"]


def explain(
    pairs: Sequence[tuple[Comparison, Segments, Segments]], step: int, before: RewardModel, after: RewardModel
) -> list[Explanation]:
    """What two reward models say, at a step, of comparisons with their left and right segments, a row each."""
    num = len(pairs)
    rows = np.resize(np.arange(num), 1 << (num - 1).bit_length()).tolist()  # few shapes: little is compiled
    left = concatenate([pairs[row][1] for row in rows])
    right = concatenate([pairs[row][2] for row in rows])
    inputs = [RewardInput(side.obs, side.reward_action) for side in (left, right)]
    gaps = before.member_returns(inputs[0]) - before.member_returns(inputs[1])
    p_left = (1.0 / (1.0 + np.exp(-np.clip(gaps, -50.0, 50.0)))).mean(axis=0)
    curves = [np.asarray(after(one)) for one in inputs]
    return [
        Explanation(comparison.id, step, float(p_left[i]), curves[0][i], curves[1][i])
        for i, (comparison, _, _) in enumerate(pairs)
    ]
