"""`rl-teacher relabel`: a data set once more, with the rewards that a learned reward gives."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.d4rl_files import write_d4rl
from rl_teacher.data.data_sets import open_episodes
from rl_teacher.data.episodes import AnyArray, Episode, EpisodeSet
from rl_teacher.data.minari_files import find_minari, is_id, minari_root, write_minari
from rl_teacher.data.transitions import write_transitions
from rl_teacher.errors import DataDamaged, DataMismatch, FolderUnwritable, RewardShapeError
from rl_teacher.rewards.portable import PortableReward
from rl_teacher.rewards.portable_actions import DiscreteSpace, Space


@dataclass(slots=True)
class Relabeled:
    """What came of it."""

    to: Path
    env_id: str
    """Of the data set; empty where its files do not say."""
    episodes: int = 0
    steps: int = 0
    sums: AnyArray = field(default_factory=lambda: np.zeros(5))
    """Of the new rewards, the old ones, both squared, and their products."""

    def add(self, new: AnyArray, old: AnyArray) -> None:
        """Count an episode."""
        self.episodes += 1
        self.steps += len(new)
        x, y = new.astype(np.float64), old.astype(np.float64)
        self.sums += (x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum())

    @property
    def mean(self) -> float:
        """Of the new rewards."""
        return float(self.sums[0] / self.steps)

    @property
    def std(self) -> float:
        """Of the new rewards."""
        return math.sqrt(max(0.0, float(self.sums[2]) / self.steps - self.mean**2))

    @property
    def correlation(self) -> float | None:
        """Of the new rewards with the old ones; None where one of them is constant."""
        x, y, xx, yy, xy = (float(one) / self.steps for one in self.sums)
        spread = math.sqrt(max(0.0, xx - x * x) * max(0.0, yy - y * y))
        return (xy - x * y) / spread if spread > 1e-12 else None


def relabel(reward: PortableReward, place: str, to: str, *, keep_reward: bool = False) -> Relabeled:
    """Write a data set again with other rewards; the one that is read stays as it is.

    The reward of a step is that of the observation before it and of the action as the environment was given it, and,
    where the reward was learned where episodes can end early, of the observation after it and of whether it ended.
    Terminations and truncations stay.

    Args:
        reward: that is learned.
        place: id or path of the data set.
        to: the new one: an id where `place` is one, else a path.
        keep_reward: keep the environment's rewards beside the new ones, as `true_reward`.

    Raises:
        DataMismatch: there is no such data set, or it is of other spaces than the reward.
        DataDamaged: it cannot be read, or holds what is no number.
        FolderUnwritable: there is something at `to`, or it cannot be written.
    """
    found = open_episodes(place)
    _require_fit(reward, found)
    target, new_id = _target(place, to)
    told = Relabeled(target, found.env_id)
    origin = origin_of(reward, place)

    def score(episode: Episode) -> AnyArray:
        new = scored(reward, episode, place)
        told.add(new, episode.reward)
        return new

    if found.form == "minari":
        folder = find_minari(place)
        assert folder is not None, "it was opened"
        write_minari(folder, target, new_id, score, origin, keep_reward=keep_reward)
        return told
    rewards = np.concatenate([score(episode) for episode in found.read()])
    write = write_d4rl if found.form == "d4rl" else write_transitions
    write(Path(place).expanduser(), target, rewards, origin, keep_reward=keep_reward)
    return told


def scored(reward: PortableReward, episode: Episode, place: str) -> AnyArray:
    """The rewards of an episode's steps, float32.

    Raises:
        DataMismatch: it is of other spaces.
        DataDamaged: an observation or an action is no number.
    """
    for name, array in (("observation", episode.obs), ("action", episode.action), ("observation", episode.next_obs)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            step = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataDamaged(
                f"{place}, episode {episode.number}, step {step}: its {name} holds a nan or an infinity, expected "
                "numbers. Leave the episode out."
            )
    try:
        return reward(episode.obs, episode.action, next_obs=episode.next_obs, terminated=episode.terminated)
    except RewardShapeError as error:
        raise DataMismatch(f"{place}, episode {episode.number}: {error}") from error


def origin_of(reward: PortableReward, place: str) -> dict[str, Any]:
    """What the new data set says of its rewards."""
    return {
        "reward_sha256": reward.version, "reward_kind": reward.kind, "reward_env_id": reward.env_id,
        "labels": reward.labels, "looks_at": dict(reward.looks_at), "relabeled_from": place,
    }  # fmt: skip


def _require_fit(reward: PortableReward, found: EpisodeSet) -> None:
    """Whether a data set can be of the environment in which the reward was learned."""
    about = reward.about
    if found.obs_shape != about.obs_shape and math.prod(found.obs_shape) != math.prod(about.obs_shape):
        raise DataMismatch(
            f"{found.place}: its observations have shape {found.obs_shape}, expected {about.obs_shape} as in "
            f"{about.env_id}, where the reward was learned. Name a data set of this environment."
        )
    if found.action is not None and not _alike(found.action, about.action):
        raise DataMismatch(
            f"{found.place}: its actions are {_told(found.action)}, expected {_told(about.action)} as in "
            f"{about.env_id}, where the reward was learned. Name a data set of this environment."
        )
    if about.ends and not found.has_truncations:
        raise DataMismatch(
            f"{found.place}: does not say where episodes were cut off (timeouts), and this reward depends on what is "
            "observed after a step. Use a newer version of the set."
        )


def _alike(one: Space, other: Space) -> bool:
    if isinstance(one, DiscreteSpace) or isinstance(other, DiscreteSpace):
        return one == other
    bounds = ((one.low, other.low), (one.high, other.high))
    return all(np.array_equal(np.array(a, np.float32), np.array(b, np.float32)) for a, b in bounds)


def _told(space: Space) -> str:
    if isinstance(space, DiscreteSpace):
        return f"{space.n} choices from {space.start}"
    return f"{space.size} numbers from {list(space.low)} to {list(space.high)}"


def _target(place: str, to: str) -> tuple[Path, str]:
    """Where the new data set goes, and the id by which Minari will know it."""
    by_id = is_id(place) and not Path(place).expanduser().exists()
    if by_id and not is_id(to):
        raise DataMismatch(f"--to {to}: expected an id as Minari has it, such as hopper/learned-v0, as {place} is one.")
    target = minari_root() / to if by_id else Path(to).expanduser()
    if target.exists():
        raise FolderUnwritable(f"--to {target}: is there already. Choose another name.")
    return target, to if by_id else target.name
