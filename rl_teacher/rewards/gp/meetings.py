"""What vanishes, appears and stands next to what in a small picture: features that say that two things met.

A function of one picture cannot tell a thing that is taken from one that is near, and pays an agent that stays beside
it. What vanishes, and what is where another thing was, tells them apart, wherever on the picture it happens.
"""

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.vision import is_picture
from rl_teacher.rewards.portable_meetings import num_counts

Picture = tuple[int, int, int]
"""Height, width, channels."""
MOST_NUMBERS = 1024
"""Of a picture of cells, as of a board. In larger ones, of a camera, single pixels say too little, and `auto` takes a
convolutional network."""
Way = tuple[int, int]
WAYS: tuple[Way, ...] = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))
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
    """How many features there are.

    >>> num_meetings((10, 10, 4)), num_meetings(None)
    (206, 0)
    """
    return 0 if picture is None else num_counts(picture[2])


def meetings(
    before: Float[Array, "*batch number"], after: Float[Array, "*batch number"], picture: Picture
) -> Float[Array, "*batch feature"]:
    """Numbers of cells in which something vanishes, appears, or is where another thing is, or was, or next to it.

    A channel is in a cell whose number is above its usual value. What is gone after the step from a cell and from its
    neighbors has vanished; what was in none of them before it appears.

    Args:
        before: a picture as numbers, each less its usual value.
        after: the same after the step.
        picture: their shape.

    Returns:
        For each channel, what vanishes of it; the same of what appears; for each two channels before the step and each
        way, in how many cells the first is where the second is that way; for each channel after the step, each before
        it, and each way, the same of them.

    Source: ours; of one picture such counts are co-occurrence matrices, Haralick, Shanmugam & Dinstein 1973, Textural
    Features for Image Classification.
    """
    height, width, channels = picture
    old, new = ((numbers > 0).astype(jnp.float32).reshape(-1, *picture) for numbers in (before, after))
    around = jnp.pad(old, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width] for down, right in WAYS]
    gone, came = ((here * (1 - _spread(there))).sum((1, 2)) for here, there in ((old, new), (new, old)))
    one, other = np.triu_indices(channels, 1)
    near = jnp.stack([jnp.einsum("bhwi,bhwj->bij", old, there)[:, one, other] for there in shifted], -1)
    moved = jnp.stack([jnp.einsum("bhwi,bhwj->bij", new, there) for there in shifted], -1)
    parts = [part.reshape(*before.shape[:-1], -1) for part in (gone, came, near, moved)]
    return jnp.concatenate(parts, -1)


def _spread(cells: Float[Array, "picture height width channel"]) -> Float[Array, "picture height width channel"]:
    """1 where a channel is in a cell or in one of its neighbors."""
    spread: Array = jax.lax.reduce_window(cells, 0.0, jax.lax.max, (1, 3, 3, 1), (1, 1, 1, 1), "SAME")
    return spread


def meeting_words(names: Sequence[str], picture: Picture) -> list[str]:
    """What each feature counts, in words.

    Args:
        names: of the numbers of an observation.
        picture: its shape.

    >>> names = [f"{thing} at row {i}, column {j}" for i in range(8) for j in range(8) for thing in ("player", "gold")]
    >>> words = meeting_words(names, (8, 8, 2))
    >>> words[1], words[3], words[4 + 4], words[4 + 3], words[13 + 9 + 4]
    ('gold that vanishes', 'gold that appears', 'player on gold', 'player right of gold', 'player where gold was')
    """
    things = [_thing(name, number) for number, name in enumerate(names[: picture[2]])]
    return [
        *(f"{thing} that vanishes" for thing in things),
        *(f"{thing} that appears" for thing in things),
        *(f"{one} {_way(way) or 'on '}{other}" for one, other in itertools.combinations(things, 2) for way in WAYS),
        *(f"{new} {_way(way)}where {old} was" for new, old in itertools.product(things, repeat=2) for way in WAYS),
    ]


def _thing(name: str, channel: int) -> str:
    thing, at, _ = name.partition(" at row ")
    return thing if at else f"channel {channel}"


def _way(way: Way) -> str:
    """From the second thing's cell to the first one's: the other way round."""
    words = [{-1: "below", 1: "above"}.get(way[0]), {-1: "right of", 1: "left of"}.get(way[1])]
    found = [word for word in words if word]
    return f"{' and '.join(found)} " if found else ""
