"""Returns of whole episodes, true and predicted, across rollouts."""

from collections import deque
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from rl_teacher.core.arrays import Rollout
from rl_teacher.core.correlation import correlation

WINDOW = 100
"""Episodes over which returns and correlations are averaged, as in the program of 2017."""


class EpisodeTracker:
    """Running returns of the episodes under way, and the last finished ones."""

    def __init__(self, num_envs: int, horizon: int | None, *, is_fixed_horizon: bool) -> None:
        self._true: Float[np.ndarray, " env"] = np.zeros(num_envs)
        self._predicted: Float[np.ndarray, " env"] = np.zeros(num_envs)
        self._horizon = horizon
        self._is_fixed_horizon = is_fixed_horizon
        self._finished: deque[tuple[float, float, int]] = deque(maxlen=WINDOW)
        self.num_finished = 0

    def add(self, rollout: Rollout, predicted_reward: Float[np.ndarray, "time env"]) -> None:
        """Follow one rollout; episodes that were cut short on purpose to spread the resets are left out."""
        true = np.where(rollout.counted, rollout.true_reward, 0.0).astype(np.float64)
        predicted = np.where(rollout.counted, predicted_reward, 0.0).astype(np.float64)
        ends = np.argwhere(rollout.ended)
        start: Int[np.ndarray, " env"] = np.zeros(len(self._true), np.int64)
        for t, env in ends:  # in time order: argwhere goes by rows
            self._true[env] += true[start[env] : t + 1, env].sum()
            self._predicted[env] += predicted[start[env] : t + 1, env].sum()
            length = int(rollout.episode_step[t, env]) + 1
            if not self._was_cut(length, is_terminated=bool(rollout.terminated[t, env])):
                self._finished.append((self._true[env], self._predicted[env], length))
                self.num_finished += 1
            self._true[env] = self._predicted[env] = 0.0
            start[env] = t + 1
        for env in range(len(self._true)):
            self._true[env] += true[start[env] :, env].sum()
            self._predicted[env] += predicted[start[env] :, env].sum()

    def _was_cut(self, length: int, *, is_terminated: bool) -> bool:
        """Whether an episode was ended early to spread the resets: a time limit that came before the horizon."""
        is_short = self._horizon is not None and length < self._horizon
        return is_short and (self._is_fixed_horizon or not is_terminated)

    def mean_true_return(self, last: int = WINDOW) -> float:
        """Mean true return of the last finished episodes; nan before the first."""
        values = [episode[0] for episode in self._finished][-last:]
        return float(np.mean(values)) if values else float("nan")

    def metrics(self) -> dict[str, float]:
        """The tags of the program of 2017 and more, over the last 100 finished episodes."""
        if not self._finished:
            return {}
        true, predicted, lengths = (np.array(column) for column in zip(*self._finished, strict=True))
        return {
            "agent/true_reward_per_episode": float(true.mean()),
            "agent/predicted_reward_per_episode": float(predicted.mean()),
            "agent/episode_length": float(lengths.mean()),
            "agent/episodes": float(self.num_finished),
            "predictor/correlations": correlation(true, predicted),
        }

    def snapshot(self) -> dict[str, np.ndarray]:
        """For a checkpoint."""
        finished = np.array(self._finished, np.float64).reshape(-1, 3)
        return {
            "true": self._true.copy(), "predicted": self._predicted.copy(), "finished": finished,
            "num_finished": np.array(self.num_finished),
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """From a checkpoint."""
        self._true, self._predicted = snapshot["true"].copy(), snapshot["predicted"].copy()
        self._finished = deque(((a, b, int(c)) for a, b, c in snapshot["finished"]), maxlen=WINDOW)
        self.num_finished = int(snapshot["num_finished"])
