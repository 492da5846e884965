"""PictureWindows: only what may be asked about is drawn, and all of that is."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest

from rl_teacher.core.arrays import NO_END, Rollout
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import VideoFault
from rl_teacher.integrations.clip_size import ClipSize, at_clip_size
from rl_teacher.integrations.gymnasium_steps import VectorSteps
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.pictures import KEPT_TURNS, PictureWindows, drawn
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rollouts.recorder import Recorder, Transitions
from rl_teacher.video.jobs import ClipJob, ClipMaker

LENGTH, NUM_ENVS, ROUNDS = 4, 3, 20


def play(windows: PictureWindows, ends_at: int | None = None) -> tuple[Rollout, list[tuple[int, int]]]:
    """A rollout whose observation is the number of its round, and which (round, environment) were drawn."""
    recorder, drawn = Recorder(NUM_ENVS), []
    for number in range(ROUNDS):

        def render(envs: Sequence[int], number: int = number) -> list[np.ndarray]:
            drawn.extend((number, env) for env in envs)
            return [np.full((8, 8, 3), 10 * env + number, np.uint8) for env in envs]

        windows.look(render, *recorder.place)
        column, no = np.full((NUM_ENVS, 1), float(number), np.float32), np.zeros(NUM_ENVS, bool)
        terminated = np.full(NUM_ENVS, number == ends_at)
        zero = np.zeros(NUM_ENVS, np.float32)
        recorder.add(Transitions(column, column, column, column, zero, terminated, no, zero, np.zeros((NUM_ENVS, 0))))
    return recorder.take().rollout, drawn


def windows_of(seed: int = 0) -> PictureWindows:
    return PictureWindows(LENGTH, np.random.default_rng(seed), NUM_ENVS)


def test_no_more_is_drawn_than_was_planned() -> None:
    windows = windows_of()
    windows.plan(2, ROUNDS)
    _, drawn = play(windows)
    assert len(drawn) == 2 * LENGTH
    assert len(set(drawn)) == len(drawn)


def test_segments_are_cut_where_everything_was_drawn() -> None:
    windows = windows_of()
    windows.plan(3, ROUNDS)
    rollout, drawn = play(windows)
    segments = cut_segments(
        rollout, LENGTH, 50, np.random.default_rng(0), origin="x", iteration=1, shown=windows.shown(rollout)
    )
    assert len(segments) >= 3
    for row in range(len(segments)):
        segment = segments.row(row)
        assert {(segment.start + step, segment.env) for step in range(LENGTH)} <= set(drawn)
        frames = windows.content(segment)
        expected = [10 * segment.env + segment.start + step for step in range(LENGTH)]
        np.testing.assert_array_equal(frames.pixels[:, 0, 0, 0], expected)
        assert frames.num_still is None


def test_a_segment_that_ends_needs_pictures_up_to_its_end_alone() -> None:
    windows = windows_of()
    windows.plan(6, ROUNDS)
    rollout, _ = play(windows, ends_at=9)
    segments = cut_segments(
        rollout, LENGTH, 50, np.random.default_rng(0), origin="x", iteration=1, shows_ends=True,
        shown=windows.shown(rollout),
    )  # fmt: skip
    ending = [segments.row(row) for row in range(len(segments)) if segments.end[row] not in (NO_END, LENGTH)]
    assert ending
    for segment in ending:
        frames = windows.content(segment)
        assert len(frames.pixels) == segment.end
        assert frames.num_still == LENGTH - segment.end
    clip = ClipMaker(None).make(ClipJob("x", windows.content(ending[0]), 10, with_webm=False))
    assert clip.num_frames - clip.hold_frames == LENGTH  # the final picture stands still until the end


def test_pictures_are_forgotten_when_nobody_asks_about_them_any_more() -> None:
    windows = windows_of()
    windows.plan(2, ROUNDS)
    rollout, _ = play(windows)
    shown = windows.shown(rollout)
    [segment] = [
        part.row(0)
        for part in [cut_segments(rollout, LENGTH, 1, np.random.default_rng(0), origin="x", iteration=1, shown=shown)]
    ]
    for _ in range(KEPT_TURNS - 1):
        windows.plan(0, ROUNDS)
    windows.content(segment)
    windows.plan(0, ROUNDS)
    with pytest.raises(VideoFault, match="not there any more"):
        windows.content(segment)


def test_large_pictures_are_averaged_and_what_is_none_is_refused() -> None:
    assert at_clip_size(np.zeros((401, 600, 3), np.uint8)).shape == (200, 300, 3)
    striped = np.zeros((400, 600, 3), np.uint8)
    striped[1::2] = 201  # lines of one pixel
    assert (at_clip_size(striped) == 101).all()
    assert at_clip_size(np.zeros((100, 100, 4), np.uint8)).shape == (100, 100, 3)
    for odd in (None, np.zeros((4, 4)), "picture"):
        with pytest.raises(VideoFault, match="rgb_array"):
            at_clip_size(odd)


def small_cart_pole() -> gymnasium.Env[Any, Any]:
    return ClipSize(gymnasium.make("CartPole-v1", render_mode="rgb_array"))


def test_environments_in_other_processes_draw_the_few_that_are_wanted_and_small() -> None:
    envs = gymnasium.vector.AsyncVectorEnv([small_cart_pole] * 3, context="forkserver")
    try:
        spec = find_env("CartPole-v1")
        steps = VectorSteps(envs, spec, Flattener("x", envs.single_observation_space), seed=1)
        steps.reset()
        [picture] = steps.render([1])
        assert picture.shape == (200, 300, 3)
        assert [one is None for one in envs.call("clip_picture")] == [True, False, True]
    finally:
        envs.close()


def test_a_segment_is_drawn_by_a_function_of_its_observations() -> None:
    recorder = Recorder(1)
    for number in range(LENGTH):
        column, no, zero = np.full((1, 1), float(number), np.float32), np.zeros(1, bool), np.zeros(1, np.float32)
        recorder.add(Transitions(column, column, column, column, zero, no, no, zero, np.zeros((1, 0))))
    rollout = recorder.take().rollout
    segment = cut_segments(rollout, LENGTH, 1, np.random.default_rng(0), origin="x", iteration=1).row(0)
    frames = drawn(lambda obs: np.full((8, 8, 3), int(obs[0]), np.uint8), segment)
    np.testing.assert_array_equal(frames.pixels[:, 0, 0, 0], np.arange(LENGTH))
    assert frames.num_still is None
