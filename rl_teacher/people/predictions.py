"""What a reward model makes of comparisons, for the people who answered them."""

from collections.abc import Sequence

import numpy as np

from rl_teacher.core.arrays import Segments, concatenate
from rl_teacher.core.vision import is_picture
from rl_teacher.people.client.messages import Prediction
from rl_teacher.people.saliency import saliency_picture
from rl_teacher.protocols import HasSaliency, RewardModel
from rl_teacher.records import Comparison


def predict_answers(
    pairs: Sequence[tuple[Comparison, Segments, Segments]], step: int, before: RewardModel, after: RewardModel
) -> list[Prediction]:
    """What a reward model made of comparisons before and after it learned from their answers.

    Args:
        pairs: comparisons, each with its left and its right segment in a row.
        step: environment steps by now.
        before: says how likely left was to be preferred.
        after: says the reward of each frame.
    """
    num = len(pairs)
    rows = np.resize(np.arange(num), 1 << (num - 1).bit_length()).tolist()  # few shapes: little is compiled
    left = concatenate([pairs[row][1] for row in rows])
    right = concatenate([pairs[row][2] for row in rows])
    inputs = [side.reward_input() for side in (left, right)]
    gaps = before.member_returns(inputs[0]) - before.member_returns(inputs[1])
    p_left = (1.0 / (1.0 + np.exp(-np.clip(gaps, -50.0, 50.0)))).mean(axis=0)
    curves = [np.asarray(after(one)) for one in inputs]
    seen = [_pictures(after, side, num) for side in (left, right)]
    return [
        Prediction(
            comparison.id, step, float(p_left[i]), tuple(curves[0][i].tolist()), tuple(curves[1][i].tolist()),
            seen[0][i], seen[1][i],
        )
        for i, (comparison, _, _) in enumerate(pairs)
    ]  # fmt: skip


def _pictures(model: RewardModel, segments: Segments, num: int) -> list[bytes | None]:
    """Where the model looks in the middle of each of the first segments, as a PNG; None where it cannot say."""
    if not isinstance(model, HasSaliency) or not is_picture(segments.obs.shape[2:]):
        return [None] * num
    first = segments.take(np.arange(num))
    maps, middle = model.saliency(first.reward_input()), first.obs.shape[1] // 2
    return [saliency_picture(obs[middle], one) for obs, one in zip(first.obs, maps, strict=True)]
