"""Pictures of any environment: which are, what becomes of them, and that they are stacked and drawn as seen."""

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.pictures.shapes import frame_of, picture_shape
from rl_teacher.envs.pictures.stacks import FrameStacker
from rl_teacher.errors import EnvFault
from rl_teacher.video.replayed import play
from tests.envs.stranger import ID, Stranger, registered


@pytest.mark.parametrize(
    ("shape", "dtype", "frame", "frame_stack"),
    [
        ((96, 96, 3), np.uint8, (96, 96, 3), 4), ((84, 84), np.uint8, (84, 84, 1), 4),
        ((84, 84, 1), np.uint8, (84, 84, 1), 4), ((64, 48, 4), np.uint8, (64, 48, 4), 4),
        ((1, 84, 84), np.uint8, (84, 84, 1), 4), ((3, 64, 80), np.uint8, (64, 80, 3), 4),
        ((4, 84, 84), np.uint8, (84, 84, 4), 1), ((4, 84, 84, 3), np.uint8, (84, 84, 12), 1),
        ((84, 84, 12), np.uint8, (84, 84, 12), 1),
        # 210 / 3 = 70 and 160 / 3 = 53.3: blocks of 3 x 3, the last column of blocks has one pixel of each row
        ((210, 160, 3), np.uint8, (70, 54, 3), 4), ((97, 20), np.uint8, (49, 10, 1), 4),
        ((10, 10, 7), np.bool_, (10, 10, 7), 1),
    ],
)  # fmt: skip
def test_what_is_a_picture_and_what_becomes_of_it(shape, dtype, frame, frame_stack):
    found = picture_shape(Box(0, 1 if dtype == np.bool_ else 255, shape, dtype))
    assert (found.frame, found.frame_stack) == (frame, frame_stack)
    seen = frame_of(np.ones(shape, dtype), found)
    assert (seen.shape, seen.dtype) == (frame, np.uint8)
    assert (seen == (255 if dtype == np.bool_ else 1)).all()


@pytest.mark.parametrize(("shape", "dtype"), [
    ((128,), np.uint8), ((7, 7, 3), np.uint8), ((4, 4, 3), np.uint8), ((96, 96, 3), np.float32), ((), np.uint8),
    ((84, 84), np.int16), ((0, 9, 9), np.uint8),
])  # fmt: skip
def test_what_is_none(shape, dtype):
    assert picture_shape(Box(0, 255, shape, dtype)) is None


def test_blocks_are_averaged_and_rounded_whole_or_not():
    picture = np.zeros((97, 98), np.uint8)
    picture[0, :2], picture[1, :2] = (10, 21), (30, 40)  # 101 / 4 = 25.25
    picture[96, 96:] = 7, 10  # a block of one row: 8.5
    seen = frame_of(picture, picture_shape(Box(0, 255, picture.shape, np.uint8)))
    assert seen.shape == (49, 49, 1)
    assert (seen[0, 0, 0], seen[48, 48, 0], seen.astype(int).sum()) == (25, 9, 34)


def test_channels_of_several_frames_stay_together():
    frames = np.arange(2 * 8 * 8 * 3).reshape(2, 8, 8, 3).astype(np.uint8)
    seen = frame_of(frames, picture_shape(Box(0, 255, frames.shape, np.uint8)))
    assert (seen[..., :3] == frames[0]).all()  # the oldest first, as Gymnasium stacks them
    assert (seen[..., 3:] == frames[1]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_stacks_forget_the_oldest_whatever_a_frame_holds(channels):
    generator, stacks = np.random.default_rng(0), FrameStacker(2, (5, 6, channels), 4)
    frames = generator.integers(0, 256, (7, 2, 5, 6, channels)).astype(np.uint8)
    stacks.start(frames[0], np.ones(2, bool))
    for number in range(1, 7):
        stacks.push(frames[number])
        newest = [frames[max(0, number - back)] for back in (3, 2, 1, 0)]
        assert (stacks.stacked == np.concatenate(newest, -1)).all()
    stacks.start(frames[0], np.array([False, True]))
    assert (stacks.stacked[0] == np.concatenate(frames[3:7, 0], -1)).all()
    assert (stacks.stacked[1] == np.concatenate([frames[0, 1]] * 4, -1)).all()


class Camera(Stranger):
    """Observes and draws how many steps it took, in grey."""

    def __init__(self, render_mode: str | None = None, **does: Any) -> None:
        space = Box(0, 255, (120, 100, 3), np.uint8)
        super().__init__(observation_space=space, **does)
        self.render_mode = render_mode

    def observation(self) -> Any:
        return np.full((120, 100, 3), self.num_steps + sum(int(np.abs(one).sum() > 1) for one in self.given), np.uint8)

    def render(self) -> Any:
        return np.full((16, 16, 3), self.num_steps, np.uint8)


def camera(**does: Any) -> Any:
    return registered(lambda render_mode=None: Camera(render_mode, **does))


def test_an_environment_with_a_camera_shows_its_newest_four_pictures_and_is_played_again():
    with camera():
        spec = find_env(ID)
        assert (spec.kind, spec.frame_stack) == ("pictures", 4)
        assert "Agents see its pictures (120, 100, 3) as 60 x 50 x 3 bytes, the newest 4 of them" in spec.description
        envs = make_envs(spec, 2, seed=1)
        obs, _ = envs.reset()
        assert obs.shape == (2, 60, 50, 12)
        for _ in range(6):
            obs, *_ = envs.step(np.zeros((2, 2), np.float32))
        assert obs[0, 0, 0].tolist() == [3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6]
        other = make_envs(spec, 2, seed=2)
        assert (other.restore(envs.snapshot()) == obs).all()
        frames = play(spec, 0, np.zeros((8, 2), np.float32), 6, obs[0])
        assert frames[:, 0, 0, 0].tolist() == [6, 7]


def test_a_picture_of_another_shape_is_named_by_the_environments_own():
    with camera(step=lambda env: (np.zeros((9, 9, 3), np.uint8), 0.0, False, False, {})):
        envs = make_envs(find_env(ID), 2, seed=1)
        envs.reset()
        with pytest.raises(EnvFault, match=r"observation has shape \(9, 9, 3\), its space has \(120, 100, 3\)"):
            envs.step(np.zeros((2, 2), np.float32))


def test_minatar_as_it_stands_is_found_though_nobody_registered_it():
    spec = find_env("minatar.gym:MinAtar/Breakout-v1")
    assert (spec.kind, spec.frame_stack, spec.horizon) == ("pictures", 1, None)
    envs = make_envs(spec, 1, seed=1)
    obs, _ = envs.reset()
    assert (obs.shape, obs.dtype, set(np.unique(obs).tolist())) == ((1, 10, 10, 4), np.uint8, {0, 255})
    ends = [envs.step(np.zeros(1, int))[2][0] for _ in range(100)]
    assert any(ends)  # visibly


def test_atari_as_it_stands_shows_ends_and_score():
    spec = find_env("ale_py:ALE/Pong-v5")
    assert (spec.kind, spec.frame_stack) == ("pictures", 4)
    envs = make_envs(spec, 1, seed=1)
    obs, _ = envs.reset()
    assert obs.shape == (1, 70, 54, 12)
    for _ in range(20):
        obs, *_ = envs.step(np.zeros(1, int))
    assert len(np.unique(obs[0, :8].reshape(-1, 12), axis=0)) > 1  # digits where the other id is black
