"""Pieces of episodes from RLlib's env runners, as steps of environments side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float, Num, Shaped

from rl_teacher.errors import ConfigError
from rl_teacher.integrations.reward_training import RewardTraining
from rl_teacher.integrations.rllib_env import ROW, Layout, Rows
from rl_teacher.integrations.settings import turn_steps
from rl_teacher.integrations.steps import Outcome

FEW_TURNS = 4
"""Turns' worth of steps in which every environment should have made some."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive steps of one episode, as the environment saw them."""

    rows: Rows
    """Of each step."""
    obs: Float[np.ndarray, "time ..."]
    """Before each step."""

    def __len__(self) -> int:
        return len(self.obs)


def take_chunk(episode: Any, layout: Layout, num_extra: int) -> Chunk:
    """What BlindEnv told of the steps of an episode, which is taken out of its infos.

    Args:
        episode: RLlib's, a SingleAgentEpisode; its steps before this chunk, which it may look back to, are left out.
        layout: of the rows.
        num_extra: steps at its end that are none.

    Raises:
        ConfigError: it is of another environment.
    """
    infos = episode.infos.data
    told = [info.get(ROW) for info in infos[episode.infos.lookback : len(infos) - num_extra]]
    if any(row is None for row in told):
        raise ConfigError(
            f"rl-teacher: steps come without the info {ROW!r}. Either they are from another environment: train in "
            "AlgorithmConfig.environment(taught.env), and let no connector change infos. Or they are from a replay "
            "buffer (DQN, SAC): use an algorithm that learns from fresh episodes, such as PPO."
        )
    # New dicts: where env runner and learner are one process, the next chunk begins with the last one of this.
    episode.infos.data = [{name: value for name, value in info.items() if name != ROW} for info in infos]
    rows = layout.unpack(np.stack(told))
    steps = Rows(*(getattr(rows, field.name)[1:] for field in fields(Rows)))
    return Chunk(steps, rows.next_obs[:-1])


class Columns:
    """Gives each environment of the env runners a place beside the others, and shows their steps to the teacher.

    Args:
        training: is shown the steps.
        layout: of the rows.
        obs_dtype: of observations.
        act_dtype: of actions.
    """

    def __init__(self, training: RewardTraining, layout: Layout, obs_dtype: Any, act_dtype: Any) -> None:
        self._training, self.layout = training, layout
        self._obs_dtype, self._act_dtype = obs_dtype, act_dtype
        self._columns: dict[int, int] = {}
        """Environment -> its place."""
        self._last: dict[int, tuple[int, int, bool]] = {}
        """Environment -> episode and step of its newest step, and whether the episode has ended."""
        self._most_idle_steps = FEW_TURNS * turn_steps(training.config.num_timesteps) + training.steps

    def obs(self, told: Num[np.ndarray, "..."]) -> Num[np.ndarray, "..."]:
        """Observations in the environment's dtype."""
        return np.asarray(told.astype(self._obs_dtype))

    def env_action(self, rows: Rows) -> Shaped[np.ndarray, "time ..."]:
        """Actions in the environment's dtype."""
        return np.asarray(rows.env_action.astype(self._act_dtype))

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Show steps to the teacher, in the order in which each environment made them.

        Raises:
            ConfigError: steps come again, or there are more or fewer environments than were announced.
        """
        ordered = sorted(chunks, key=lambda chunk: (int(chunk.rows.episode[0]), int(chunk.rows.step[0])))
        waiting = self._by_environment(ordered)
        while waiting:  # of each environment as many steps as follow each other without a reset from outside
            self._show([self._joined(waiting, env) for env in list(waiting)])
        if len(self._columns) < self._training.num_envs and self._training.steps > self._most_idle_steps:
            raise ConfigError(
                f"rl-teacher: steps of {len(self._columns)} environments came, expected num_envs="
                f"{self._training.num_envs}. Say num_envs=num_envs_per_env_runner * max(1, num_env_runners)."
            )

    def _by_environment(self, chunks: Sequence[Chunk]) -> dict[int, list[Chunk]]:
        found: dict[int, list[Chunk]] = {}
        for chunk in chunks:
            found.setdefault(int(chunk.rows.env[0]), []).append(chunk)
        for env in found.keys() - self._columns.keys():
            self._place(env, found.keys())
        return found

    def _place(self, env: int, busy: Any) -> None:
        """Give a new environment a free place, or that of one that is not heard of any more."""
        num_envs = self._training.num_envs
        if len(self._columns) < num_envs:
            self._columns[env] = len(self._columns)
            return
        gone = [one for one in self._columns if one not in busy]
        if not gone:
            raise ConfigError(
                f"rl-teacher: steps of more than num_envs={num_envs} environments came. Say "
                "num_envs=num_envs_per_env_runner * max(1, num_env_runners)."
            )
        self._columns[env] = self._columns.pop(gone[0])
        if not self._last.pop(gone[0])[2]:
            self._cut(self._columns[env])

    def _joined(self, waiting: dict[int, list[Chunk]], env: int) -> list[Chunk]:
        """The next chunks of an environment, up to where it was reset in the middle of an episode."""
        chunks = waiting[env]
        taken: list[Chunk] = []
        while chunks:
            rows = chunks[0].rows
            begins = int(rows.episode[0]), int(rows.step[0])
            episode, step, has_ended = self._last.get(env, (-1, 0, True))
            if begins <= (episode, step):
                raise ConfigError(
                    "rl-teacher: steps came a second time, as from a replay buffer. Use an algorithm that learns from "
                    "fresh episodes: PPO, APPO, IMPALA."
                )
            if not has_ended and begins != (episode, step + 1):
                if taken:
                    break
                self._cut(self._columns[env])
            taken.append(chunks.pop(0))
            ended = bool(rows.terminated[-1] or rows.truncated[-1])
            self._last[env] = int(rows.episode[-1]), int(rows.step[-1]), ended
        if not chunks:
            del waiting[env]
        return taken

    def _cut(self, column: int) -> None:
        self._training.cut(np.arange(self._training.num_envs) == column)

    def _show(self, by_environment: Sequence[Sequence[Chunk]]) -> None:
        """Show steps side by side; where an environment has fewer than the others, it makes none at the end."""
        lengths = np.zeros(self._training.num_envs, np.int64)
        for chunks in by_environment:
            lengths[self._columns[int(chunks[0].rows.env[0])]] = sum(map(len, chunks))
        alive = np.arange(lengths.max())[:, None] < lengths
        made = {int(chunks[0].rows.env[0]): chunks for chunks in by_environment}

        def side_by_side(shape: tuple[int, ...], dtype: Any, part: Any) -> np.ndarray:
            found = np.zeros((*alive.shape, *shape), dtype)
            for env, chunks in made.items():
                column = self._columns[env]
                found[: lengths[column], column] = np.concatenate([part(chunk) for chunk in chunks])
            return found

        obs = side_by_side(self.layout.obs_shape, self._obs_dtype, lambda chunk: chunk.obs)
        next_obs = side_by_side(self.layout.obs_shape, self._obs_dtype, lambda chunk: chunk.rows.next_obs)
        action = side_by_side(self.layout.act_shape, self._act_dtype, lambda chunk: chunk.rows.env_action)
        true_reward = side_by_side((), np.float32, lambda chunk: chunk.rows.true_reward)
        terminated = side_by_side((), bool, lambda chunk: chunk.rows.terminated)
        truncated = side_by_side((), bool, lambda chunk: chunk.rows.truncated)
        for t in range(len(alive)):
            outcome = Outcome(next_obs[t], next_obs[t], true_reward[t], terminated[t], truncated[t], alive[t])
            self._training.pay(obs[t], action[t], outcome)
