"""The score of a game is nowhere to be seen: two screens that differ in what counts points are equal."""

import numpy as np
import pytest
from ale_py import ALEInterface, roms

from rl_teacher.envs.games.emulator import GREY_SIZE, Blackout
from rl_teacher.envs.games.sheets import ATARI, SCREEN_HEIGHT, SCREEN_WIDTH

COUNTERS = {
    "Pong": (13, 14),
    "Breakout": (57, 76, 77),
    "BeamRider": (0, 5, 9, 10, 11, 84),
    "SpaceInvaders": (102, 104),
    "Qbert": (8, 89, 90, 91),
    "Seaquest": (56, 57, 58, 59),
    "Enduro": (39, 40, 41, 42, 43, 44, 45),
}
"""Bytes of memory that hold points, lives, or what is left to do, two decimal digits each: found by changing each byte,
drawing the next frame, and seeing what changed."""


def screens(sheet, byte):
    """Pairs of screens at several places of a game, of which the second has another number in `byte`."""
    game = ALEInterface()
    game.setFloat("repeat_action_probability", 0.0)
    game.loadROM(roms.get_rom_path(sheet.rom))
    game.reset_game()
    buttons, generator = game.getMinimalActionSet(), np.random.default_rng(byte)

    def drawn():
        game.act(buttons[0])
        game.act(buttons[0])  # the score is written into the picture at the second frame at the latest
        return game.getScreenRGB().copy()

    for _ in range(6):
        for _ in range(150):
            game.act(buttons[generator.integers(len(buttons))])
        if game.game_over():
            game.reset_game()
        here = game.cloneState()
        shown = drawn()
        game.restoreState(here)
        game.setRAM(byte, int(generator.integers(1, 10)))
        yield shown, drawn()
        game.restoreState(here)


@pytest.mark.parametrize(("name", "byte"), [(name, byte) for name, bytes_ in COUNTERS.items() for byte in bytes_])
def test_two_screens_that_differ_in_what_counts_points_are_equal(name, byte):
    sheet = ATARI[name.lower()]
    blacken = Blackout(sheet.hidden, SCREEN_HEIGHT, SCREEN_WIDTH)
    num_different = 0
    for shown, changed in screens(sheet, byte):
        pair = np.stack([shown, changed])[:, None]
        num_different += (pair[0] != pair[1]).any()
        blacken(pair)
        assert (pair[0] == pair[1]).all()
    assert num_different >= 3


@pytest.mark.parametrize("sheet", ATARI.values(), ids=lambda sheet: sheet.name)
def test_what_agents_see_shows_no_pixel_of_it_either(sheet):
    is_hidden = np.zeros((1, 1, SCREEN_HEIGHT, SCREEN_WIDTH), np.uint8)
    is_hidden += 1
    Blackout(sheet.hidden, SCREEN_HEIGHT, SCREEN_WIDTH)(is_hidden)
    small = np.ones((1, 1, GREY_SIZE, GREY_SIZE), np.uint8)
    Blackout(sheet.hidden, GREY_SIZE, GREY_SIZE)(small)
    for row, column in np.argwhere(is_hidden[0, 0] == 0):
        # a pixel of the small picture averages those of the screen that it covers, in part too: 210 / 42 = 5 rows
        first, last = column * GREY_SIZE / SCREEN_WIDTH, (column + 1) * GREY_SIZE / SCREEN_WIDTH
        assert not small[0, 0, row // 5, int(first) : int(np.ceil(last))].any()
    assert 0.3 < small.mean() < 1
