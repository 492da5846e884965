"""Clips of games: what was played is played again in color, in the shape of a television, and without the score."""

import dataclasses
import io

import av
import jax
import numpy as np
import pytest

from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.games.screen import AtariScreen
from rl_teacher.envs.games.sheets import ATARI
from rl_teacher.envs.single import make_single
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.errors import VideoFault
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.training.clip_content import content_of
from rl_teacher.video.encode import decode_clip
from rl_teacher.video.jobs import ClipJob, ClipMaker, Replay
from rl_teacher.video.replayed import play

SEED = 5


def segments_of(spec, num_steps=300, num_envs=2):
    """Segments of 25 random steps of each environment, and how to draw them."""
    envs = make_envs(spec, num_envs, seed=SEED, stagger=True)
    actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)
    collector = LocalCollector(envs, actions)
    history = ActionHistory(3, lambda iteration, env, episode: reset_seed(SEED, env, episode))
    rollout = collector.collect(RandomActor(actions, 1.0), num_envs * num_steps, num_steps, jax.random.key(0))
    history.add(rollout, 1)
    cut = cut_segments(rollout, 25, 6, np.random.default_rng(1), origin="x", iteration=1)
    collector.close()
    return cut, content_of(spec, history)


@pytest.mark.parametrize("name", ["Breakout", "MinAtar/SpaceInvaders-v1"])
def test_a_clip_is_what_happened(name):
    spec = dataclasses.replace(find_env(name), horizon=200)
    segments, content = segments_of(spec)
    maker = ClipMaker(backend=None)
    for row in range(3):
        job = ClipJob("x", content(segments.row(row)), spec.clip_fps)
        assert isinstance(job.content, Replay)
        clip = maker.make(job)
        # 25 steps and int(0.2 * 15) held ones
        assert (clip.fps, clip.num_frames, clip.hold_frames) == (15, 28, 3)
        height, shown_width = (420, 560) if name == "Breakout" else (320, 320)
        assert (clip.width, clip.height) == (shown_width, height)
        assert decode_clip(clip.mp4).shape == (28, height, 320, 3)
        with av.open(io.BytesIO(clip.mp4)) as file:
            assert file.streams.video[0].sample_aspect_ratio == (7 / 4 if name == "Breakout" else 1)


@pytest.mark.parametrize("sheet", ATARI.values(), ids=lambda sheet: sheet.name)
def test_what_is_drawn_is_what_agents_saw_and_a_step_more_is_not(sheet):
    envs, screen = make_envs(find_env(sheet.name), 1, seed=SEED, num_threads=1), AtariScreen(sheet)
    obs, _ = envs.reset()
    screen.start(reset_seed(SEED, 0, 0))
    generator, num_told_apart, num_moved = np.random.default_rng(0), 0, 0
    for _ in range(60):
        assert screen.shows(obs[0])
        action = int(generator.integers(envs.single_action_space.n))
        before = obs[0].copy()
        obs, *_ = envs.step(np.array([action]))
        screen.step(action)
        if (np.abs(before[..., -1].astype(int) - obs[0, ..., -1]) > 8).any():
            num_moved += 1
            num_told_apart += not screen.shows(before)
    assert num_moved > 20
    assert num_told_apart > 0.6 * num_moved  # 0.8 in Qbert and Seaquest, where dark things move; else 0.95 and more
    envs.close()
    screen.close()


def test_other_actions_lead_elsewhere_and_are_not_drawn():
    spec = find_env("Pong")
    segments, content = segments_of(spec, num_steps=120)
    found = content(segments.row(0))
    assert play(found.spec, found.seed, found.actions, found.start, found.obs).shape == (25, 420, 320, 3)
    others = np.roll(found.actions, 7)
    with pytest.raises(VideoFault, match=r"env 'ALE/Pong-v5': playing the same actions .* led elsewhere"):
        play(found.spec, found.seed, others, found.start, found.obs)


def test_the_score_is_black_in_pictures_and_the_game_is_not():
    spec = find_env("Pong")
    env = make_single(spec, "rgb_array")
    env.reset(seed=SEED)
    for _ in range(80):
        env.step(np.int64(0))
    picture = env.render()
    assert not picture[: 2 * 24].any()
    assert (picture[2 * 24 : 2 * 34] == (236, 236, 236)).all()  # the wall below the score
    assert (picture[::2] == picture[1::2]).all()  # every pixel is four
    assert (picture[:, ::2] == picture[:, 1::2]).all()
    env.close()


def test_a_single_game_plays_as_the_vector_does():
    spec = find_env("Breakout")
    env = make_single(spec)
    first, _ = env.reset(seed=3)
    again, _ = env.reset(seed=3)
    assert (first == again).all()
    total = sum(env.step(np.int64(1))[1] for _ in range(150))
    env.reset(seed=3)
    assert total == sum(env.step(np.int64(1))[1] for _ in range(150))
    assert env.render() is None
