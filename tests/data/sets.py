"""Small data sets as others' programs write them, and a reward for them that can be worked out by hand."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from rl_teacher.rewards.portable import PortableReward
from rl_teacher.rewards.portable_actions import BoxSpace, Space
from rl_teacher.rewards.portable_files import RewardAbout

OBS, ACT = 3, 2
BOX = BoxSpace((-2.0, -1.0), (2.0, 1.0))


def reward_of(action: Space = BOX, *, ends: bool = False, num_obs: int = OBS) -> PortableReward:
    """The first number of an observation + 10 times the first of an action in units of its bounds; where episodes can
    end, also the rise of the first number and 100 for the last step."""
    about = RewardAbout("gp", "Made-v0", (num_obs,), "float32", action, ends, (), 40, ())
    arrays = {
        "mean": np.zeros(num_obs, np.float32), "std": np.ones(num_obs, np.float32), "constant": np.zeros(1, np.float32),
        "linear_at": np.array([0, num_obs], np.int32), "linear": np.array([[1.0], [10.0]], np.float32),
    }  # fmt: skip
    if ends:
        arrays |= {
            "change_at": np.zeros(1, np.int32), "change": np.ones((1, 1), np.float32),
            "end": np.full(1, 100.0, np.float32),
        }  # fmt: skip
    return PortableReward(about, arrays)


class Played(NamedTuple):
    """An episode before it is written."""

    obs: np.ndarray
    """(T + 1, OBS)"""
    action: np.ndarray
    reward: np.ndarray
    terminated: bool
    """Else it was cut off."""


def played(lengths: tuple[int, ...] = (4, 6, 5), seed: int = 0) -> list[Played]:
    """Episodes, the first one terminated, the others cut off; some actions are beyond their bounds."""
    rng = np.random.default_rng(seed)
    return [
        Played(
            rng.normal(size=(num + 1, OBS)).astype(np.float32), rng.uniform(-3, 3, (num, ACT)).astype(np.float32),
            rng.normal(size=num), i == 0,
        )
        for i, num in enumerate(lengths)
    ]  # fmt: skip


def last(num: int, flag: bool) -> np.ndarray:
    return np.arange(num) == (num - 1 if flag else -1)


def expected(episodes: list[Played]) -> np.ndarray:
    """What `reward_of()` gives: actions are in units of 2 and cut off at 1 of them."""
    return np.concatenate([one.obs[:-1, 0] + 10 * np.clip(one.action[:, 0] / 2, -1, 1) for one in episodes])


def write_d4rl(path: Path, episodes: list[Played], *, timeouts: bool = True, **more: np.ndarray) -> Path:
    import h5py

    ends = [(len(one.reward), one.terminated) for one in episodes]
    with h5py.File(path, "w") as file:
        file["observations"] = np.concatenate([one.obs[:-1] for one in episodes])
        file["actions"] = np.concatenate([one.action for one in episodes])
        file["rewards"] = np.concatenate([one.reward for one in episodes]).astype(np.float32)
        file["terminals"] = np.concatenate([last(num, ended) for num, ended in ends])
        if timeouts:
            file["timeouts"] = np.concatenate([last(num, not ended) for num, ended in ends])
        for name, array in more.items():
            file[name.replace("__", "/")] = array
    return path


def write_transitions(path: Path, episodes: list[Played], *, row_group_size: int = 4, skip: str = "") -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sizes = [len(one.reward) for one in episodes]
    columns = {
        "observations": np.concatenate([one.obs[:-1] for one in episodes]).tolist(),
        "actions": np.concatenate([one.action for one in episodes]).tolist(),
        "rewards": np.concatenate([one.reward for one in episodes]),
        "terminations": np.concatenate([last(n, one.terminated) for n, one in zip(sizes, episodes, strict=True)]),
        "truncations": np.concatenate([last(n, not one.terminated) for n, one in zip(sizes, episodes, strict=True)]),
        "note": [f"row {i}" for i in range(sum(sizes))],
    }
    pq.write_table(pa.table({k: v for k, v in columns.items() if k != skip}), path, row_group_size=row_group_size)
    return path


def write_minari(root: Path, name: str, episodes: list[Played], form: str) -> None:
    """By Minari itself; MINARI_DATASETS_PATH must be `root`."""
    import gymnasium
    import minari
    from minari.data_collector import EpisodeBuffer

    buffers = [
        EpisodeBuffer(
            id=i, observations=one.obs, actions=one.action, rewards=list(one.reward),
            terminations=list(last(len(one.reward), one.terminated)),
            truncations=list(last(len(one.reward), not one.terminated)),
            infos={"qpos": one.obs[:, :2].astype(np.float64), "qvel": one.obs[:, 1:].astype(np.float64)},
        )
        for i, one in enumerate(episodes)
    ]  # fmt: skip
    root.mkdir(parents=True, exist_ok=True)
    minari.create_dataset_from_buffers(
        name, buffer=buffers, data_format=form, author="a", author_email="a@b.c", code_permalink="x",
        algorithm_name="random", observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (OBS,), np.float32),
        action_space=gymnasium.spaces.Box(np.array(BOX.low), np.array(BOX.high), (ACT,), np.float32),
    )  # fmt: skip
