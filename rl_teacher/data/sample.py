"""A sample of a data set that fits into memory: episodes to cut segments from, chosen evenly among all."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rl_teacher.data.episodes import Episode, EpisodeSet
from rl_teacher.errors import DataDamaged

MOST_STEPS = 200_000
"""That are kept."""
MOST_BYTES = 2**30
"""That these may take [byte]."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Episodes of a data set, and what was seen of all of them."""

    episodes: Mapping[int, Episode]
    """By number; those of a set of any size, chosen evenly."""
    obs_dtype: np.dtype[np.generic]
    num_episodes: int
    """Of the set."""
    num_steps: int
    """Of the set."""
    longest: int
    """Steps of its longest episode."""
    ends: bool
    """Whether any episode was terminated, and not only cut off."""
    is_even: bool
    """Whether all episodes but the last have one length."""


def take_sample(found: EpisodeSet, seed: int, most_steps: int = MOST_STEPS, most_bytes: int = MOST_BYTES) -> Sample:
    """Read a data set once, and keep as many of its episodes as fit.

    Each episode draws a number, and those of the smallest stay: so each is kept with the same probability, however
    many there are. The same seed keeps the same ones.

    Args:
        found: the data set.
        seed: of the draws.
        most_steps: that are kept; the last episode may go beyond.
        most_bytes: that they may take [byte].

    Raises:
        DataDamaged: it cannot be read, holds no step, or something that is no number.
    """
    draws = np.random.default_rng(seed)
    kept: list[tuple[float, Episode]] = []
    """A heap with the largest draw, its sign changed, in front."""
    steps = size = num = total = 0
    ends, lengths = False, []
    for episode in found.read():
        require_numbers(episode, found.place)
        num, total = num + 1, total + len(episode)
        ends |= bool(episode.terminated.any())
        lengths.append(len(episode))
        heapq.heappush(kept, (-float(draws.random()), _of_its_own(episode)))
        steps, size = steps + len(episode), size + _size(episode)
        while len(kept) > 2 and (steps > most_steps or size > most_bytes):
            _, dropped = heapq.heappop(kept)
            steps, size = steps - len(dropped), size - _size(dropped)
    if not total:
        raise DataDamaged(f"{found.place}: holds no step at all. Is it the right set?")
    by_number = {episode.number: episode for _, episode in kept if len(episode)}
    episodes = {number: by_number[number] for number in sorted(by_number)}
    dtype = next(iter(episodes.values())).obs.dtype
    return Sample(episodes, dtype, num, total, max(lengths), ends, len({*lengths[:-1]} | {max(lengths)}) == 1)


def require_numbers(episode: Episode, place: str) -> None:
    """Whether all that a reward sees of an episode, and its rewards, are numbers.

    Raises:
        DataDamaged: something is not.
    """
    arrays = {
        "observation": episode.obs, "next observation": episode.next_obs, "action": episode.action,
        "reward": episode.reward,
    }  # fmt: skip
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            step = int(np.argwhere(~np.isfinite(array))[0][0])
            raise DataDamaged(
                f"{place}, episode {episode.number}, step {step}: its {name} holds a nan or an infinity, expected "
                "numbers. Leave the episode out."
            )


def _of_its_own(episode: Episode) -> Episode:
    """The same where its arrays are views of those of the whole set, which would else stay in memory."""
    copied = {
        name: None if (array := getattr(episode, name)) is None else np.array(array)
        for name in ("obs", "next_obs", "action", "reward", "terminated", "truncated", "sim_state")
    }
    return Episode(number=episode.number, first_row=episode.first_row, seed=episode.seed, **copied)  # type: ignore[arg-type]  # of the same kinds


def _size(episode: Episode) -> int:
    """Of its arrays [byte]."""
    arrays = (episode.obs, episode.next_obs, episode.action, episode.sim_state)
    return sum(array.nbytes for array in arrays if array is not None)
