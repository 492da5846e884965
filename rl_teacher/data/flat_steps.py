"""Steps of many episodes one behind the other, as D4RL and tables of transitions keep them, cut into episodes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rl_teacher.data.episodes import AnyArray, Episode, Flags
from rl_teacher.errors import DataDamaged


@dataclass(frozen=True, slots=True)
class FlatSteps:
    """All steps of a data set."""

    obs: AnyArray
    """(step, *obs)"""
    action: AnyArray
    reward: AnyArray
    terminated: Flags
    truncated: Flags
    next_obs: AnyArray | None = None
    """None where the files have none: then the next row of an episode is what was observed next."""
    episode_id: AnyArray | None = None
    """A number or a text for each step, which changes from one episode to the next."""
    sim_state: AnyArray | None = None

    def __len__(self) -> int:
        return len(self.reward)

    def starts(self) -> list[int]:
        """First row of each episode, and the number of all rows."""
        num = len(self)
        ended = (self.terminated | self.truncated)[:-1]
        if self.episode_id is not None:
            ended = ended | (self.episode_id[1:] != self.episode_id[:-1])
        return [0, *(np.flatnonzero(ended) + 1).tolist(), num] if num else [0]

    def episodes(self) -> Iterator[Episode]:
        """One after the other; the last one may be neither terminated nor truncated."""
        starts = self.starts()
        for number, (first, last) in enumerate(pairwise(starts)):
            rows = slice(first, last)
            obs = self.obs[rows]
            follows = np.concatenate([obs[1:], obs[-1:]]) if self.next_obs is None else self.next_obs[rows]
            yield Episode(
                number, obs, follows, self.action[rows], self.reward[rows], self.terminated[rows],
                self.truncated[rows], first, None if self.sim_state is None else self.sim_state[rows],
            )  # fmt: skip


def require_as_many(where: str, arrays: Mapping[str, AnyArray | None]) -> None:
    """Whether all arrays have as many rows as the first.

    Raises:
        DataDamaged: one of them has not.
    """
    sizes = {name: len(array) for name, array in arrays.items() if array is not None}
    first = next(iter(sizes))
    for name, size in sizes.items():
        if size != sizes[first]:
            raise DataDamaged(
                f"{where}: {name} has {size:,} rows and {first} {sizes[first]:,}, expected as many. Get the file anew."
            )
    if not sizes[first]:
        raise DataDamaged(f"{where}: holds no step at all. Is it the right file?")
