"""What clips of a data set are drawn from, in which order, and what is said where there is nothing."""

import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from made import ACT, STEPS, write_set

from rl_teacher.commands.label.clips import Source, clip_source
from rl_teacher.commands.label.described import described
from rl_teacher.commands.label.rollouts import EpisodeRollouts
from rl_teacher.commands.obs_clips import as_picture
from rl_teacher.core.segment import Segment
from rl_teacher.core.streams import Streams
from rl_teacher.data.data_sets import open_episodes
from rl_teacher.data.episodes import Episode, EpisodeSet
from rl_teacher.data.sample import take_sample
from rl_teacher.errors import DataRefused, VideoFault
from rl_teacher.preferences.segments import cut_segments
from rl_teacher.rewards.portable_actions import BoxSpace
from rl_teacher.video.decode import pictures_of
from rl_teacher.video.encode import encode_clip
from rl_teacher.video.jobs import Frames, Replay, States

LENGTH = 10


def opened(found: EpisodeSet, env_id: str = "", videos: Path | None = None) -> tuple[Source, Segment]:
    """The source of clips of a data set, and a segment of it."""
    sample = take_sample(found, seed=1)
    what = described(found, sample, env_id, None)
    source = clip_source(found, sample, what, videos=videos, px=64, segment_steps=LENGTH)
    rollouts = EpisodeRollouts(sample, what.frames.actions, LENGTH, Streams(1))
    cut = cut_segments(
        rollouts.drawn("label", 1), LENGTH, 4, np.random.default_rng(1), origin="x", iteration=1,
        shows_ends=sample.ends, is_recorded=True,
    )  # fmt: skip
    return source, cut.row(0)


def pictures(shape: tuple[int, ...], dtype: type = np.uint8) -> EpisodeSet:
    """Three episodes of pictures, each number of which is that of its step."""
    steps = np.arange(STEPS).astype(dtype).reshape(STEPS, *(1 for _ in shape))
    obs = np.broadcast_to(steps, (STEPS, *shape)).copy()
    flags = np.zeros(STEPS, bool)
    action = np.zeros((STEPS, ACT), np.float32)
    episodes = [Episode(i, obs, obs, action, np.zeros(STEPS), flags, flags, i * STEPS) for i in range(3)]
    return EpisodeSet(
        "seen", "minari", "", shape, BoxSpace((-1.0,) * ACT, (1.0,) * ACT), 3 * STEPS, lambda: iter(episodes)
    )


def test_states_of_a_robot_that_we_know_are_drawn_by_its_model(tmp_path: Path) -> None:
    rows = 12 * STEPS
    qpos = np.arange(rows * 6, dtype=np.float64).reshape(rows, 6)
    path = write_set(tmp_path / "hopper_medium-v2.hdf5", infos__qpos=qpos, infos__qvel=-qpos)
    source, segment = opened(open_episodes(str(path)))
    content = source.content(segment)
    assert isinstance(content, States)
    assert content.model.name == "hopper.xml"
    first = segment.episode * STEPS + segment.start
    np.testing.assert_array_equal(content.sim_states[:, :6], qpos[first : first + LENGTH])
    np.testing.assert_array_equal(content.sim_states[:, 6:], -qpos[first : first + LENGTH])
    assert source.backend is not None
    assert content.width == 64


def test_where_nothing_can_be_drawn_one_line_says_what_is_missing_for_each(tmp_path: Path) -> None:
    rows = 12 * STEPS
    path = write_set(tmp_path / "made.hdf5")
    with pytest.raises(DataRefused) as found:
        opened(open_episodes(str(path)))
    for word in (
        "of shape (3,) are no pictures",
        "no simulator states",
        "no seeds",
        "--videos DIR",
        "--teacher oracle",
    ):
        assert word in str(found.value)
    states = np.zeros((rows, 4))
    path = write_set(tmp_path / "hopper-wrong.hdf5", infos__qpos=states, infos__qvel=states)
    with pytest.raises(DataRefused, match="states of 8 numbers, where the model of Hopper has 12"):
        opened(open_episodes(str(path)))
    path = write_set(tmp_path / "other.hdf5", infos__qpos=states, infos__qvel=states)
    with pytest.raises(DataRefused, match="but of none of our nine robots"):
        opened(open_episodes(str(path)))


@pytest.mark.parametrize("shape", [(12, 16), (12, 16, 1), (12, 16, 3), (4, 12, 16), (3, 12, 16)])
def test_pictures_that_are_observed_are_what_clips_show(shape: tuple[int, ...]) -> None:
    source, segment = opened(pictures(shape))
    content = source.content(segment)
    assert isinstance(content, Frames)
    assert content.pixels.shape == (LENGTH, 180, 240, 3)  # 12 x 16 enlarged 15 times
    np.testing.assert_array_equal(content.pixels[:, 0, 0, 0], np.arange(segment.start, segment.start + LENGTH))


def test_of_four_pictures_in_a_row_the_newest_is_shown() -> None:
    stacked = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 300, 300), np.uint8)
    assert (as_picture(stacked) == 3).all()
    colors = np.stack([np.full((300, 300), i, np.uint8) for i in (7, 8, 9)], -1)
    np.testing.assert_array_equal(as_picture(colors), colors)


def test_numbers_in_the_shape_of_a_picture_are_none() -> None:
    with pytest.raises(DataRefused, match="are no pictures"):
        opened(pictures((12, 16, 3), np.float32))


def test_videos_beside_the_set_come_first(tmp_path: Path) -> None:
    levels = np.linspace(20, 230, STEPS).astype(np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (STEPS, 32, 32, 3)).copy()
    for number in range(3):
        (tmp_path / f"{number}.mp4").write_bytes(encode_clip(frames, 30, with_webm=False).mp4)
    source, segment = opened(pictures((12, 16)), videos=tmp_path)
    content = source.content(segment)
    assert isinstance(content, Frames)
    seen = content.pixels.mean((1, 2, 3))
    assert np.abs(seen - levels[segment.start : segment.start + LENGTH]).max() < 4
    (tmp_path / "1.mp4").unlink()
    with pytest.raises(DataRefused, match=r"has no 1\.mp4"):
        opened(pictures((12, 16)), videos=tmp_path)


def test_a_video_that_is_too_short_or_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "0.mp4"
    path.write_bytes(encode_clip(np.zeros((5, 32, 32, 3), np.uint8), 30, with_webm=False).mp4)
    with pytest.raises(VideoFault, match="expected 40, one for each step"):
        pictures_of(path, 20, 20)
    path.write_bytes(b"no video")
    with pytest.raises(VideoFault, match="cannot be read as a video"):
        pictures_of(path, 0, 1)


@pytest.mark.slow
@pytest.mark.render
def test_episodes_are_played_again_from_their_seeds_if_that_leads_where_it_led(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import h5py
    import minari
    from minari.data_collector import EpisodeBuffer

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env, buffers = gymnasium.make("rl_teacher.envs.register:rl_teacher/ShortReacher-v1"), []
    env.action_space.seed(0)
    for i, seed in enumerate((3, 4)):
        seen, actions, rewards = [env.reset(seed=seed)[0]], [], []
        for _ in range(20):
            actions.append(env.action_space.sample())
            obs, reward, *_ = env.step(actions[-1])
            seen.append(obs)
            rewards.append(float(reward))
        flags = [False] * 20
        buffers.append(
            EpisodeBuffer(
                id=i, seed=seed, observations=np.stack(seen), actions=np.stack(actions), rewards=rewards,
                terminations=flags, truncations=[*flags[1:], True],
            )
        )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Minari's own
        minari.create_dataset_from_buffers(
            "rlt/reach-v0", buffer=buffers, env=env, author="a", author_email="a@b.c", code_permalink="x",
            algorithm_name="random", data_format="hdf5",
        )  # fmt: skip
    env.close()
    source, segment = opened(open_episodes("rlt/reach-v0"))
    content = source.content(segment)
    assert isinstance(content, Replay)
    assert (content.seed, len(content.actions)) == (3 + segment.episode, segment.start + LENGTH)
    with h5py.File(tmp_path / "rlt" / "reach-v0" / "data" / "main_data.hdf5", "r+") as file:
        file["episode_0"].attrs["seed"] = 99
    with pytest.raises(DataRefused, match="playing the same actions from the same seed led elsewhere"):
        opened(open_episodes("rlt/reach-v0"))
