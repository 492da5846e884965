"""Clips of Gymnasium's environments: exactly what was done is done again; what cannot be drawn gets one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, Space

from rl_teacher.cli import main
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.tasks.starts import reset_seed
from rl_teacher.errors import VideoFault
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.video.replayed import LARGEST, first_picture, picture, play
from tests.envs.stranger import ID, Stranger, registered, teach

SEED = 5


class Painter(Stranger):
    """Observes the sum of all that it was given, and draws how many steps it took and what came last."""

    given_by_seed: ClassVar[dict[int, list[bytes]]] = {}
    """What any of them was given since its reset with this seed."""

    def __init__(self, render_mode: str | None = None, **does: Any) -> None:
        super().__init__(**does)
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        assert seed is not None
        self.seed = seed
        Painter.given_by_seed[seed] = []
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), repr(action)
        Painter.given_by_seed[self.seed].append(np.asarray(action).dtype.str.encode() + np.asarray(action).tobytes())
        return super().step(action)

    def observation(self) -> Any:
        return np.full(3, np.sum(np.array(self.given, np.float64)), np.float32)

    def usual_picture(self) -> Any:
        last = np.frombuffer(np.asarray(self.given[-1]).tobytes(), np.uint8) if self.given else np.zeros(1, np.uint8)
        drawn = np.zeros((16, 32, 3), np.uint8)
        drawn[0, : len(last), 0], drawn[..., 2] = last, self.num_steps
        return drawn

    def render(self) -> Any:
        return self.done_as_told("render", Painter.usual_picture)


def painted(**does: Any) -> Any:
    return registered(lambda render_mode=None: Painter(render_mode, **does))


SPACES: dict[str, Space[Any]] = {
    "int32": Box(-10, 10, (2,), np.int32),
    "uint8": Box(3, 200, (2,), np.uint8),
    "bool": Box(0, 1, (2,), np.bool_),
    "float64": Box(np.array([0.1, -0.3]), np.array([0.7, 0.9]), dtype=np.float64),
    "float16": Box(-1, 1, (2,), np.float16),
    "from -3": Discrete(3, start=-3),
    "from 5": Discrete(2, start=5),
}


@pytest.mark.parametrize("kind", SPACES)
def test_a_clip_shows_what_the_environment_was_given_and_nothing_else(kind: str) -> None:
    with painted(action_space=SPACES[kind]):
        envs = make_envs(find_env(ID), 2, seed=SEED)
        actions = action_spec(ID, envs.single_observation_space, envs.single_action_space)
        collector = LocalCollector(envs, actions)
        history = ActionHistory(3, lambda iteration, env, episode: reset_seed(SEED, env, episode))
        for iteration in (1, 2, 3):  # 3 x 20 steps: episodes have 30
            rollout = collector.collect(RandomActor(actions), 40, 20, jax.random.key(iteration))
            history.add(rollout, iteration)
        for env in (0, 1):
            start, episode = int(rollout.episode_step[4, env]), int(rollout.episode[4, env])
            found = history.find(3, env, episode, start + 5)
            assert found is not None
            given = Painter.given_by_seed[found.seed].copy()
            assert len(given) >= start + 5
            frames = play(find_env(ID), found.seed, found.actions, start, rollout.obs[4, env])
            assert Painter.given_by_seed[found.seed] == given[: start + 5]
            assert (frames[:, 5, 5, 2] == start + np.arange(5)).all()
            # each picture is of the moment before its step: it shows what was given last
            for frame, last in zip(frames[1:], given[start : start + 4], strict=True):
                data = last[3:]  # after the dtype, such as '<i4'
                assert frame[0, : len(data), 0].tobytes() == data


ONE = (SEED, np.zeros((4, 2), np.float32), 1, np.zeros(3, np.float32))
"""Seed, four actions, first picture, observation."""


def refused(draw: Callable[[], Any]) -> str:
    with pytest.raises(VideoFault) as caught:
        draw()
    said = str(caught.value)
    assert "\n" not in said
    assert f"'{ID}'" in said
    return said


@pytest.mark.parametrize(
    ("render", "expected"),
    [
        (None, r"render() returned None (NoneType)"), ("#", "render() returned '#' (str)"),
        ([np.zeros((4, 4, 3), np.uint8)], "(list)"), (np.zeros((4, 4), np.uint8), "shape (4, 4)"),
        (np.zeros((4, 4, 1), np.uint8), "shape (4, 4, 1)"), (np.zeros((0, 4, 3), np.uint8), "shape (0, 4, 3)"),
        (np.zeros((4, 4, 3)), "an array of float64"), (np.full((4, 4, 3), 256), "an array of int64"),
        (np.full((4, 4, 3), -1), "an array of int64"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_named(render: Any, expected: str) -> None:
    with painted(render=render):
        for draw in (lambda: first_picture(find_env(ID)), lambda: play(find_env(ID), *ONE)):
            said = refused(draw)
            assert expected in said
            assert "return an array of uint8 and shape (height, width, 3)" in said


def raising(error: BaseException) -> Callable[[Any], Any]:
    def fail(env: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", [RuntimeError("no\nGPU"), SystemExit(3), NotImplementedError()], ids=repr)
@pytest.mark.parametrize("where", ["render", "reset", "step"])
def test_what_it_raises_while_it_is_drawn_is_named(where: str, error: BaseException) -> None:
    with painted(**{where: raising(error)}):
        said = refused(lambda: play(find_env(ID), *ONE))
    assert f"while it was drawn, it raised {type(error).__name__}" in said
    assert f"({__file__}, line " in said


def test_one_that_takes_no_render_mode_or_cannot_be_made_says_what_clips_need() -> None:
    with registered():
        assert "unexpected keyword argument 'render_mode'" in refused(lambda: first_picture(find_env(ID)))

    def broken(render_mode: str | None = None) -> gymnasium.Env:
        if render_mode:
            raise SystemExit("no display")
        return Stranger()

    with registered(broken):
        said = refused(lambda: first_picture(find_env(ID)))
    assert "making it with render_mode 'rgb_array' raised SystemExit: no display" in said
    assert "list 'rgb_array' in metadata['render_modes']" in said


def test_one_that_goes_elsewhere_is_not_drawn() -> None:
    with painted(action_space=SPACES["int32"]):
        said = refused(lambda: play(find_env(ID), SEED, np.ones((4, 2), np.int32), 2, np.full(3, 5, np.float32)))
    assert "led elsewhere" in said  # after two steps of 1 + 1 it observes 4


def test_pictures_that_change_their_size_are_named() -> None:
    with painted(render=lambda env: np.zeros((4 + env.num_steps, 4, 3), np.uint8)):
        assert "same shape" in refused(lambda: play(find_env(ID), *ONE))


def test_transparency_is_left_out_whole_numbers_are_taken_and_large_pictures_thinned() -> None:
    wide = np.arange(2 * 1300 * 4).reshape(2, 1300, 4) % 256
    assert picture(wide).dtype == np.uint8
    np.testing.assert_array_equal(picture(wide), wide[..., :3])
    with painted(render=wide):
        (drawn,) = first_picture(find_env(ID))
    # 1300 columns are more than twice 640: every third is kept, and every third row
    assert LARGEST == 640
    np.testing.assert_array_equal(drawn, wide[::3, ::3, :3])


def replay(folder: Path) -> int:
    return main(["replay", "x", "--runs-dir", str(folder / "runs"), "--seconds", "1"])


@pytest.mark.parametrize("kind", ["int32", "from -3"])
def test_the_command_films_what_the_agent_does(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    with painted(action_space=SPACES[kind], reward=np.array([0.5])):
        assert teach(tmp_path) == 0
        assert replay(tmp_path) == 0
    # a second of 20 steps, each worth 0.5
    assert "20 frames, true return 10.0 so far" in capsys.readouterr().out
    assert (tmp_path / "runs" / "x" / "replay.mp4").stat().st_size > 500


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"render": None}, "render() returned None"),
    "raises": ({"render": raising(RuntimeError("no\nGPU"))}, "raised RuntimeError: no GPU"),
    "old step": ({"step": lambda env: (env.observation(), 1.0, False, {})}, "step() returned 4 values, expected 5"),
    "odd reward": ({"reward": "1"}, "the reward is '1' (str)"),
    "shape": ({"reset": lambda env: (np.zeros(4), {})}, "has shape (4,), its space has (3,)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_the_command_refuses_what_cannot_be_filmed_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    does, expected = REFUSED[kind]
    with painted():
        assert teach(tmp_path) == 0
    capsys.readouterr()
    with painted(**does):
        assert replay(tmp_path) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"VideoFault: env '{ID}': ")
    assert said.count("\n") == 1
    assert expected in said


def test_the_command_refuses_an_environment_without_render_modes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with registered(metadata={}):
        assert teach(tmp_path) == 0
        capsys.readouterr()
        assert replay(tmp_path) == 2
    said = capsys.readouterr().err
    assert said.startswith("VideoFault: ")
    assert "list 'rgb_array' in metadata['render_modes']" in said
    assert said.count("\n") == 1
