"""Infos of Gymnasium's environments without what tells the true reward."""

import time
from collections.abc import Mapping, Set
from copy import deepcopy
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

KEPT_INFOS = frozenset({"final_obs", "action_mask"})
"""What an agent needs of infos, each with its mask `_name`; all else may tell the true reward, and is left out."""
STATISTICS = "episode"
"""Where Gymnasium's RecordEpisodeStatistics puts returns, which are true ones inside of our wrapper."""
NESTED = "final_info"
"""Infos of the last step of an episode, where the next one has begun."""


class EpisodeReturns:
    """Predicted returns of the episodes under way, in the form of RecordEpisodeStatistics.

    >>> returns = EpisodeReturns(2)
    >>> returns.add(np.array([0.5, 2.0]), np.ones(2, bool))
    >>> found = returns.ended(np.array([True, False]))
    >>> found["r"].tolist(), found["l"].tolist()
    ([0.5, 0.0], [1, 0])
    """

    def __init__(self, num_envs: int) -> None:
        self._returns, self._lengths = np.zeros(num_envs), np.zeros(num_envs, np.int64)
        self._began = np.full(num_envs, time.perf_counter())

    def add(self, paid: Float[np.ndarray, " env"], alive: Bool[np.ndarray, " env"]) -> None:
        """Follow a step; where an environment was only reset, nothing was paid."""
        self._returns += paid
        self._lengths += alive

    def ended(self, which: Bool[np.ndarray, " env"]) -> dict[str, np.ndarray]:
        """Returns 'r', lengths 'l' [steps] and times 't' [s] of episodes that ended; 0 elsewhere. They begin anew."""
        seconds = np.round(time.perf_counter() - self._began, 6)
        columns = {"r": self._returns, "l": self._lengths, "t": seconds}
        found = {name: np.where(which, column, np.zeros_like(column)) for name, column in columns.items()}
        self.restart(which)
        return found

    def restart(self, which: Bool[np.ndarray, " env"]) -> None:
        """New episodes have begun here."""
        self._returns[which], self._lengths[which] = 0, 0
        self._began[which] = time.perf_counter()


def cleaned(infos: Mapping[str, Any], kept: Set[str], statistics: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Copies of infos that an agent may see.

    Args:
        infos: of one environment, or of many side by side.
        kept: names.
        statistics: of episodes that have just ended, with 'episode' among their keys: where infos have such, these take
            their place.

    >>> cleaned({"x_velocity": 2.0, "action_mask": np.array([1, 0]), "final_info": {"episode": {"r": 9.0}}}, KEPT_INFOS)
    {'action_mask': array([1, 0])}
    """
    found: dict[str, Any] = {}
    for name, value in infos.items():
        if name in kept or (name.startswith("_") and name[1:] in kept):
            found[name] = deepcopy(value)
    if statistics is not None and STATISTICS in infos:
        found |= deepcopy(dict(statistics))
    if NESTED in kept or not isinstance(infos.get(NESTED), Mapping):
        return found
    if nested := cleaned(infos[NESTED], kept, statistics):
        found[NESTED] = nested
        if f"_{NESTED}" in infos:
            found[f"_{NESTED}"] = deepcopy(infos[f"_{NESTED}"])
    return found


def statistics_of(
    episodes: EpisodeReturns, which: Bool[np.ndarray, " env"], *, single: bool = False
) -> dict[str, Any] | None:
    """What RecordEpisodeStatistics would add where episodes ended, of predicted returns; None where none did.

    Args:
        episodes: begin anew where they ended.
        which: ended.
        single: as for one environment.
    """
    if not which.any():
        return None
    found = episodes.ended(which)
    if single:
        return {STATISTICS: {name: column[0].item() for name, column in found.items()}}
    return {STATISTICS: found, f"_{STATISTICS}": which}
