"""What stands next to what in a small picture, before a step and after it: features that say that two things met.

A function of one picture cannot tell a thing that is taken from one that is near, and pays an agent that stays beside
it. What is where another thing was tells them apart, wherever on the picture it happens.
"""

import itertools
import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.vision import is_picture

Picture = tuple[int, int, int]
"""Height, width, channels."""
MOST_NUMBERS = 1024
"""Of a picture: cells of a board, not pixels of a camera."""
WAYS = tuple(itertools.product((-1, 0, 1), repeat=2))
"""Rows and columns to a cell's neighbors, and to itself."""


def met_in(obs_shape: tuple[int, ...], config: RewardModelConfig) -> Picture | None:
    """The picture whose meetings a Gaussian process sees; None where it sees none.

    >>> met_in((10, 10, 4), RewardModelConfig()), met_in((11,), RewardModelConfig())
    ((10, 10, 4), None)
    """
    if not config.sees_meetings or not is_picture(obs_shape) or math.prod(obs_shape) > MOST_NUMBERS:
        return None
    height, width, channels = obs_shape
    return height, width, channels


def num_meetings(picture: Picture | None) -> int:
    """How many features there are: for each channel after a step, each before it, and each way between their cells."""
    return picture[2] ** 2 * len(WAYS) if picture else 0


def meetings(
    before: Float[Array, "*batch number"], after: Float[Array, "*batch number"], picture: Picture
) -> Float[Array, "*batch feature"]:
    """In how many cells one channel is brighter than usual after a step where another was before it, or next to it.

    Args:
        before: a picture as numbers, each less its usual value.
        after: the same after the step.
        picture: their shape.

    Returns:
        Counts, by channel after the step, channel before it, and way from the one's cell to the other's.

    Source: ours; of one picture such counts are co-occurrence matrices, Haralick, Shanmugam & Dinstein 1973, Textural
    Features for Image Classification.
    """
    height, width, _ = picture
    old, new = ((numbers > 0).astype(jnp.float32).reshape(-1, *picture) for numbers in (before, after))
    around = jnp.pad(old, ((0, 0), (1, 1), (1, 1), (0, 0)))
    counts = [
        jnp.einsum("bhwi,bhwj->bij", new, around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width])
        for down, right in WAYS
    ]
    return jnp.stack(counts, -1).reshape(*before.shape[:-1], -1)


def meeting_words(names: Sequence[str], picture: Picture) -> list[str]:
    """What each feature counts, in words.

    Args:
        names: of the numbers of an observation.
        picture: its shape.

    >>> names = [f"{thing} at row {i}, column {j}" for i in range(8) for j in range(8) for thing in ("player", "gold")]
    >>> words = meeting_words(names, (8, 8, 2))
    >>> words[9 + 4], words[9 + 3]
    ('player where gold was', 'player right of where gold was')
    """
    channels = [_thing(name, number) for number, name in enumerate(names[: picture[2]])]
    return [
        f"{new} {_way(down, right)}where {old} was"
        for new, old in itertools.product(channels, repeat=2)
        for down, right in WAYS
    ]


def _thing(name: str, channel: int) -> str:
    thing, at, _ = name.partition(" at row ")
    return thing if at else f"channel {channel}"


def _way(down: int, right: int) -> str:
    """From the old cell to the new one: the other way round."""
    words = [{-1: "below", 1: "above"}.get(down), {-1: "right of", 1: "left of"}.get(right)]
    found = [word for word in words if word]
    return f"{' and '.join(found)} " if found else ""
