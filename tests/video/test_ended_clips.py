"""Clips whose episode ends in them, looked at pixel by pixel: the mark is there from the end on, and not before."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium
import jax
import numpy as np
import pytest
from numpy.typing import NDArray

from rl_teacher.core.actions import DiscreteActions
from rl_teacher.envs.catalog import find_env, find_task, make_envs
from rl_teacher.envs.tasks.model_files import MODELS
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.errors import VideoFault
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.training.clip_content import content_of
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.encode import EncodedClip, decode_clip
from rl_teacher.video.end_mark import mark_ended
from rl_teacher.video.jobs import ClipJob, ClipMaker, Content, Replay
from rl_teacher.video.model_files import load_model
from rl_teacher.video.replayed import play
from tests.segments import segment_of

pytestmark = pytest.mark.long

LAST = 7
"""Steps of an episode of Stepper."""


class Stepper(gymnasium.Env[NDArray[np.float32], int]):
    """Sees the number of its step, and shows it as a color."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}
    observation_space = gymnasium.spaces.Box(0, 100, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode, self.at = render_mode, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        self.at = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        self.at += 1
        return np.array([self.at], np.float32), 1.0, self.at == LAST, False, {}

    def render(self) -> NDArray[np.uint8]:  # type: ignore[override]
        return np.full((320, 320, 3), color(self.at), np.uint8)


def color(step: int) -> tuple[int, int, int]:
    return (30 + 25 * step, 60, 200 - 15 * step)


# the state after step 7: (205, 60, 95); 0.299 * 205 + 0.587 * 60 + 0.114 * 95 = 107.3, and 0.55 of it is 59
FINAL_GRAY = 59


@pytest.fixture
def stepper() -> Iterator[str]:
    gymnasium.register("Stepper-v0", entry_point=Stepper)
    yield "Stepper-v0"
    del gymnasium.registry["Stepper-v0"]


def replay(env_id: str, **fields: Any) -> Replay:
    """From step 4 to the end."""
    return Replay(find_env(env_id), 0, np.zeros(LAST, np.int64), 4, np.array([4.0], np.float32), **fields)


def made(content: Content, fps: int = 10, backend: str | None = None) -> tuple[EncodedClip, NDArray[np.int64]]:
    """The clip, and its pictures as a browser sees them."""
    maker = ClipMaker(backend)
    try:
        clip = maker.make(ClipJob("clip", content, fps))
    finally:
        maker.close()
    assert clip.webm is not None
    pictures = decode_clip(clip.mp4)
    np.testing.assert_allclose(pictures.mean((1, 2)), decode_clip(clip.webm).mean((1, 2)), atol=6)
    return clip, pictures.astype(np.int64)


def says_so(picture: NDArray[Any]) -> bool:
    """Whether white words stand in the upper fifth: bright in all three colors, as nothing else there is."""
    return bool((picture[: len(picture) // 5].min(-1) > 240).mean() > 0.1)


def test_after_the_last_step_the_state_that_it_led_to_is_drawn(stepper: str) -> None:
    frames = play(find_env(stepper), 0, np.zeros(LAST, np.int64), 4, np.array([4.0], np.float32), has_ended=True)
    assert frames[:, 0, 0].tolist() == [list(color(step)) for step in (4, 5, 6, 7)]


def test_the_mark_is_there_from_the_end_on_and_nothing_before_it_is_touched(stepper: str) -> None:
    clip, pictures = made(replay(stepper, num_still=2))
    assert (clip.num_frames, clip.hold_frames) == (7, 2)  # steps 4, 5, 6; two after the end; int(0.2 * 10) held
    assert [says_so(picture) for picture in pictures] == [False] * 3 + [True] * 4
    for picture, step in zip(pictures, (4, 5, 6), strict=False):
        np.testing.assert_allclose(picture, np.broadcast_to(color(step), picture.shape), atol=6)
    for picture in pictures[3:]:
        np.testing.assert_allclose(picture[80:], FINAL_GRAY, atol=6)  # no color is left, and it is darker


def test_a_clip_that_ends_with_its_episode_has_all_its_steps_and_holds_the_mark(stepper: str) -> None:
    clip, pictures = made(replay(stepper, num_still=0, hold_seconds=0.6))
    assert (clip.num_frames, clip.hold_frames) == (9, 6)  # int(0.6 * 10)
    assert [says_so(picture) for picture in pictures] == [False] * 3 + [True] * 6
    np.testing.assert_allclose(pictures[-1][80:], FINAL_GRAY, atol=6)


def test_the_mark_is_shown_for_a_picture_at_least_however_slow_the_clip_is(stepper: str) -> None:
    clip, pictures = made(replay(stepper, num_still=0), fps=4)  # int(0.2 * 4) = 0
    assert clip.hold_frames == 1
    assert [says_so(picture) for picture in pictures] == [False] * 3 + [True]


def test_an_episode_that_goes_on_has_no_mark(stepper: str) -> None:
    clip, pictures = made(replay(stepper))
    assert clip.num_frames == 5
    assert not any(says_so(picture) for picture in pictures)


def test_an_episode_that_ends_elsewhere_when_it_is_played_again_is_found_out(stepper: str) -> None:
    early = Replay(find_env(stepper), 0, np.zeros(LAST - 1, np.int64), 4, np.array([4.0], np.float32), num_still=2)
    with pytest.raises(VideoFault, match="led elsewhere"):
        made(early)
    other_start = replace(replay(stepper, num_still=2), obs=np.array([3.0], np.float32))
    with pytest.raises(VideoFault, match="led elsewhere"):
        made(other_start)


@pytest.mark.render
def test_segments_of_real_episodes_are_drawn_to_their_end() -> None:
    spec, actions = find_env("CartPole-v1"), DiscreteActions(2, 0)
    collector = LocalCollector(make_envs(spec, 3, seed=5), actions)
    history = ActionHistory(2, lambda iteration, env, episode: reset_seed(5, env, episode))
    rollout = collector.collect(RandomActor(actions), 300, 100, jax.random.key(1))
    history.add(rollout, 1)
    cut = cut_segments(rollout, 12, 9, np.random.default_rng(0), origin="x", iteration=1, shows_ends=True)
    draw, found = content_of(spec, history), set()
    for segment in (cut.row(row) for row in range(len(cut))):
        clip, pictures = made(draw(segment), fps=50)
        assert (clip.num_frames, clip.hold_frames) == (12 + 30, 30)  # int(0.6 * 50): so too where nothing ended
        corner = pictures[:, -8, 8].mean(-1)  # white; 0.55 * 255 = 140 under the mark
        lived = 12 + 30 if segment.end == -1 else segment.end
        np.testing.assert_allclose(corner[:lived], 255, atol=6)
        np.testing.assert_allclose(corner[lived:], 140, atol=6)
        found.add(segment.end == -1)
    assert found == {True, False}


def test_an_end_with_the_last_step_leaves_no_step_out(stepper: str) -> None:
    history = ActionHistory(1, lambda iteration, env, episode: 0)
    spec, actions = find_env(f"gymnasium:{stepper}"), DiscreteActions(2, 0)
    rollout = LocalCollector(make_envs(spec, 1, seed=0), actions).collect(
        RandomActor(actions), 20, 20, jax.random.key(0)
    )
    history.add(rollout, 0)
    cut = cut_segments(rollout, LAST, 1, np.random.default_rng(0), origin="x", iteration=0)
    whole = replace(cut.row(0), end=LAST)
    _, pictures = made(content_of(spec, history)(whole))
    assert [says_so(picture) for picture in pictures] == [False] * LAST + [True] * 6
    np.testing.assert_allclose(pictures[LAST - 1], np.broadcast_to(color(LAST - 1), (320, 320, 3)), atol=6)


@pytest.mark.render
def test_a_clip_of_simulator_states_holds_the_last_one_under_the_mark() -> None:
    spec = find_env("ShortReacher-v1")
    model = load_model(MODELS / find_task(spec.canonical_id).model_file)
    states = np.zeros((6, model.nq + model.nv))
    states[:3, 0] = [0.0, 0.4, 0.8]
    states[3:, 0] = 0.8
    segment, draw, backend = segment_of(sim_state=states), content_of(spec, None, 320), choose_backend()
    _, plain = made(draw(segment), backend=backend)
    clip, pictures = made(draw(replace(segment, end=3)), backend=backend)
    assert (clip.num_frames, clip.width, clip.height) == (8, 320, 320)
    assert [says_so(picture) for picture in pictures] == [False] * 3 + [True] * 5
    assert np.abs(pictures[:3] - plain[:3]).mean() < 1.0
    below = plain[4][80:] @ np.array([0.299, 0.587, 0.114]) * 0.55
    assert np.abs(pictures[4][80:].mean(-1) - below).mean() < 3.0


END = [
    "#####.#...#.####.",
    "#.....##..#.#...#",
    "#.....#.#.#.#...#",
    "####..#.#.#.#...#",
    "#.....#..##.#...#",
    "#.....#...#.#...#",
    "#####.#...#.####.",
]


def test_the_letters_are_those_of_the_words() -> None:
    marked = mark_ended(np.zeros((24, 24, 3), np.uint8))
    # 3 letters of 5 dots, 1 between them and 2 on each side are 21 of the 24 columns; 1 is left of them
    assert ["".join(".#"[dot] for dot in row) for row in (marked[2:9, 3:20, 0] == 255).astype(int)] == END


@pytest.mark.parametrize(
    ("height", "width", "letter_rows"),
    # rows of one letter: 7 dots of min(width // 63, height // 5 // 11) pixels
    [(320, 320, 7 * 5), (400, 600, 7 * 7), (210, 160, 7 * 2), (64, 64, 7)],
)
def test_the_words_are_large_and_leave_what_is_below_them(height: int, width: int, letter_rows: int) -> None:
    marked = mark_ended(np.full((height, width, 3), (200, 100, 50), np.uint8))
    banner = (marked == 255).all(-1)[: height // 5]
    is_edge = banner.mean(1) == 1
    assert ((banner.any(1)) & ~is_edge).sum() == letter_rows
    # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2; 0.55 of it is 68
    np.testing.assert_array_equal(marked[height // 4 :], 68)


@pytest.mark.parametrize("side", [4, 12, 24, 40])
def test_the_smallest_pictures_are_marked_by_more_than_a_color(side: int) -> None:
    marked = mark_ended(np.full((side, side, 3), 250, np.uint8))
    assert 0.1 < (marked == 255).mean() <= 0.5
    assert marked.min() <= 138  # 0.55 * 250
