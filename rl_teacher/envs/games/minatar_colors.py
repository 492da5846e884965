"""MinAtar's games in colors that everybody tells apart, by their brightness too."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

CELL = 32
"""Width and height of a cell [pixels]: ten of them make a clip of 320."""
GAP = 2
"""Pixels between neighbors, so that things of one color can be counted."""
BACKGROUND = (18, 20, 28)

# Okabe and Ito 2008, Color universal design: apart in every kind of color blindness. Dim ones are where things were.
WHITE, ORANGE, SKY, YELLOW, BLUE, RED, GREEN = (
    (250, 250, 250), (230, 159, 0), (86, 180, 233), (240, 228, 66), (0, 114, 178), (213, 94, 0), (0, 158, 115),
)  # fmt: skip
DIM = (95, 100, 115)

COLORS: dict[str, tuple[int, int, int]] = {
    # what the player moves, and what it shoots
    "paddle": WHITE, "player": WHITE, "chicken": WHITE, "cannon": WHITE, "sub_front": WHITE,
    "sub_back": (170, 175, 190), "friendly_bullet": YELLOW,
    # what is good to meet
    "ball": YELLOW, "brick": SKY, "gold": YELLOW, "diver": SKY, "diver_guage": SKY, "oxygen_guage": GREEN,
    # what is not
    "enemy": RED, "car": RED, "alien": GREEN, "enemy_bullet": ORANGE, "enemy_fish": RED, "enemy_sub": ORANGE,
    # where it was
    "trail": DIM,
    **{f"speed{speed}": (70 + 20 * (6 - speed),) * 3 for speed in range(1, 6)},
}  # fmt: skip
"""Name of a plane -> its color; planes without one repeat what another shows."""


def draw(state: npt.NDArray[np.bool_], channels: Mapping[str, int]) -> npt.NDArray[np.uint8]:
    """A picture of the cells, uint8 (10 * CELL, 10 * CELL, 3).

    Args:
        state: bool (10, 10, planes).
        channels: name of a plane -> its number.
    """
    cells = np.empty((*state.shape[:2], 3), np.uint8)
    cells[:] = BACKGROUND
    for name in reversed(COLORS):  # trails first, what the player moves on top of all
        if name in channels:
            cells[state[..., channels[name]]] = COLORS[name]
    picture = cells.repeat(CELL, 0).repeat(CELL, 1)
    for edge in range(GAP):
        picture[edge::CELL] = BACKGROUND
        picture[:, edge::CELL] = BACKGROUND
    return picture
