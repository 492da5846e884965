"""How long a game stands idle at its start: the one thing that the seed of an episode decides."""

import numpy as np

MOST_IDLE = 7
"""Steps at the start of a game in which no button does anything, at most: 28 of the 30 frames that are usual."""
NO_BUTTON = 0
"""The action that presses nothing, in every game."""


def idle_steps(episode_seed: int, game: int) -> int:
    """From 0 to MOST_IDLE, a function of the episode's seed and the number of the game in it, from 0.

    >>> [idle_steps(5, game) for game in range(4)]
    [2, 2, 7, 6]
    """
    return int(np.random.Generator(np.random.Philox(key=[episode_seed, game])).integers(MOST_IDLE + 1))
