"""SpaceInvaders shows for a moment how many ships are left: two screens that differ in that only are equal."""

import numpy as np
from ale_py import ALEInterface, roms

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.games.emulator import FRAME_SKIP, Blackout
from rl_teacher.envs.games.screen import AtariScreen
from rl_teacher.envs.games.sheets import ATARI, SCREEN_HEIGHT, SCREEN_WIDTH
from rl_teacher.envs.games.shown_lives import ShownLives
from rl_teacher.envs.tasks.starts import reset_seed

SHEET = ATARI["spaceinvaders"]
SHIPS = 73
"""The byte of memory that holds how many ships are left."""
EVERYONE = np.ones(1, bool)


def test_two_screens_that_differ_in_ships_only_are_equal_at_every_step():
    game = ALEInterface()
    game.setFloat("repeat_action_probability", 0.0)
    game.loadROM(roms.get_rom_path(SHEET.rom))
    game.reset_game()
    buttons, generator = game.getMinimalActionSet(), np.random.default_rng(0)
    blacken, lives = Blackout(SHEET.hidden, SCREEN_HEIGHT, SCREEN_WIDTH), ShownLives(SHEET, 1)
    lives.begin(EVERYONE)
    losses, told, told_before = 0, 0, game.lives()

    def stepped(button, ships=None):
        if ships is not None:
            game.setRAM(SHIPS, ships)
        for _ in range(FRAME_SKIP):
            game.act(button)
        return game.getScreenRGB()[None, None].copy(), game.game_over()

    for _ in range(1500):
        button, before = buttons[generator.integers(len(buttons))], game.cloneState()
        other, other_is_over = stepped(button, 4 - game.lives() if game.lives() != 2 else 3)  # another one of 1, 2, 3
        game.restoreState(before)
        shown, is_over = stepped(button)
        if is_over:
            game.reset_game()
            shown = game.getScreenRGB()[None, None].copy()
        losses += game.lives() < told_before
        told_before = game.lives()
        lives.step(np.array([game.lives()]), np.array([is_over]))
        if is_over or other_is_over:
            continue  # they are different games from here
        blacken(shown)
        blacken(other)
        told += (shown != other).any()
        lives.blacken(shown)
        lives.blacken(other)
        assert (shown == other).all()
    assert losses >= 3
    assert told >= 16 * losses


def test_it_is_hidden_for_as_long_as_it_is_shown_and_the_ship_is_to_be_seen_there_afterwards():
    screen, right = AtariScreen(SHEET), 2
    screen.start(7)
    place, black = SHEET.shown_lives.where, []
    for _ in range(100):
        picture = screen.picture()
        black.append(not picture[2 * place.top : 2 * place.bottom, 2 * place.left : 2 * place.right].any())
        screen.step(right)
    assert all(black[:33])
    assert not all(black[33:])
    screen.close()


def test_people_and_agents_have_the_same_hidden():
    envs, screen = make_envs(find_env("SpaceInvaders"), 1, seed=3), AtariScreen(SHEET)
    obs, generator = envs.reset()[0], np.random.default_rng(2)
    screen.start(reset_seed(3, 0, 0))
    assert not obs[0, 37:39, 22:26].any()  # rows 185 to 193 of 210, columns 84 to 96 of 160
    for number in range(600):
        assert number % 20 or screen.shows(obs[0])
        action = int(generator.integers(6))
        obs = envs.step(np.array([action]))[0]
        screen.step(action)
    envs.close()
    screen.close()


def test_games_that_show_no_lives_for_a_moment_stay_as_they_are():
    lives, frames = ShownLives(ATARI["pong"], 2), np.ones((2, 1, 42, 42), np.uint8)
    lives.begin(np.ones(2, bool))
    lives.step(np.array([0, 0]), np.array([False, True]))
    lives.blacken(frames)
    assert frames.all()
