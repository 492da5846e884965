"""Recorder: steps of environments that somebody else steps, until they make a rollout."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Num, Shaped

from rl_teacher.core.arrays import Rollout


class Transitions(NamedTuple):
    """One step of environments side by side. The recorder keeps the arrays: hand over copies of what is reused."""

    obs: Num[np.ndarray, "env *obs"]
    """Before the step."""
    next_obs: Num[np.ndarray, "env *obs"]
    """After it; where an episode ended, its last observation, not the first one of the next."""
    reward_action: Float[np.ndarray, "env act"]
    """As a reward model sees it: clamped, in policy units, or one-hot."""
    env_action: Shaped[np.ndarray, "env ..."]
    """As the environment was given it."""
    true_reward: Float[np.ndarray, " env"]
    terminated: Bool[np.ndarray, " env"]
    truncated: Bool[np.ndarray, " env"]
    paid: Float[np.ndarray, " env"]
    """The reward that was handed on."""
    sim_state: Float64[np.ndarray, "env state"]
    """Before the step; no columns for environments without one."""


class Recorded(NamedTuple):
    """What was recorded since the time before."""

    rollout: Rollout
    paid: Float[np.ndarray, "time env"]
    """The reward that was handed on with each step."""


class Recorder:
    """Collects steps into rollouts, whatever steps them.

    Some environments may make no step in a round: after the end of an episode, while it is reset, where Gymnasium's
    autoreset mode is NEXT_STEP. So each has a column of its own, and a rollout ends where the shortest column does; the
    rest goes into the next.

    >>> recorder = Recorder(num_envs=2)
    >>> zeros, no = np.zeros((2, 1)), np.zeros(2, bool)
    >>> step = Transitions(zeros, zeros + 1, zeros, zeros, np.ones(2), no, no, np.zeros(2), np.zeros((2, 0)))
    >>> recorder.add(step)
    >>> recorder.add(step, alive=np.array([True, False]))  # the second environment was reset
    >>> len(recorder), recorder.take().rollout.obs.shape, len(recorder)
    (1, (1, 2, 1), 0)
    """

    def __init__(self, num_envs: int, first_episode: int = 0) -> None:
        self._rounds: list[Transitions] = []
        self._places: list[tuple[np.ndarray, np.ndarray, Bool[np.ndarray, " env"]]] = []
        """Episode and step in it, and which environments made one, of each round."""
        self._lengths = np.zeros(num_envs, np.int64)
        """Steps of each column."""
        self._episode = np.full(num_envs, first_episode)
        self._episode_step = np.zeros(num_envs, np.int64)
        self._goes_on = np.zeros(num_envs, bool)
        """Whether the last step of a column belongs to an episode that has not ended."""

    def __len__(self) -> int:
        """Steps that each environment has made since the last rollout."""
        return int(self._lengths.min())

    @property
    def next_episode(self) -> int:
        """A number that no episode had so far."""
        return int(self._episode.max()) + 1

    @property
    def place(self) -> tuple[np.ndarray, np.ndarray]:
        """Episode of each environment, and the step in it that comes next."""
        return self._episode, self._episode_step

    def add(self, step: Transitions, alive: Bool[np.ndarray, " env"] | None = None) -> None:
        """Record a round.

        Args:
            step: rows of environments that made none are ignored.
            alive: which made one; None for all.
        """
        made = np.ones(len(step.obs), bool) if alive is None else alive.copy()
        self._rounds.append(step)
        self._places.append((self._episode.copy(), self._episode_step.copy(), made))
        self._lengths += made
        ended = (step.terminated | step.truncated) & made
        self._episode_step += made
        self._episode += ended
        self._episode_step[ended] = 0
        self._goes_on = np.where(made, ~ended, self._goes_on)

    def restart(self) -> None:
        """Begin anew everywhere; steps that no rollout has taken are forgotten."""
        self._rounds, self._places = [], []
        self._lengths[:] = 0
        self._episode += 1
        self._episode_step[:] = 0
        self._goes_on[:] = False

    def cut(self, which: Bool[np.ndarray, " env"] | None = None) -> bool:
        """These environments (None: all) were reset by their owner, in the middle of episodes: that is no end of them.

        Returns:
            Whether the last rollout that was taken went on into an episode that is cut now.
        """
        cut = self._goes_on & (np.ones_like(self._goes_on) if which is None else which)
        is_in_taken = bool((cut & (self._lengths == 0)).any())
        for env in np.flatnonzero(cut & (self._lengths > 0)):
            at = max(i for i, (_, _, made) in enumerate(self._places) if made[env])
            truncated = self._rounds[at].truncated.copy()
            truncated[env] = True
            self._rounds[at] = self._rounds[at]._replace(truncated=truncated)
        self._episode[cut] += 1
        self._episode_step[cut] = 0
        self._goes_on = self._goes_on & ~cut
        return is_in_taken

    def recent(self, num_rounds: int) -> list[Transitions]:
        """The newest rounds, oldest first; fewer if no more were recorded since the last rollout."""
        return self._rounds[-num_rounds:]

    def take(self) -> Recorded:
        """All steps that every environment has made; at least one."""
        length, made = len(self), np.stack([made for _, _, made in self._places])
        if made.all():
            columns, rows = Transitions(*map(np.stack, zip(*self._rounds, strict=True))), None
        else:
            rows = np.stack([np.flatnonzero(one)[:length] for one in made.T], axis=1)
            every = np.arange(made.shape[1])
            columns = Transitions(*(np.stack(part)[rows, every] for part in zip(*self._rounds, strict=True)))
        episode, episode_step = (
            np.stack(part) if rows is None else np.stack(part)[rows, np.arange(made.shape[1])]
            for part in list(zip(*self._places, strict=True))[:2]
        )
        self._keep_rest(made, length)
        ended = columns.terminated | columns.truncated
        like = ended.reshape(*ended.shape, *(1,) * (columns.obs.ndim - 2))
        return Recorded(
            Rollout(
                obs=columns.obs, action=columns.reward_action, last_obs=columns.next_obs[-1],
                final_obs=np.where(like, columns.next_obs, np.zeros_like(columns.next_obs)),
                terminated=columns.terminated, truncated=columns.truncated, counted=np.ones_like(ended),
                reward_action=columns.reward_action, env_action=columns.env_action,
                true_reward=columns.true_reward.astype(np.float32), sim_state=columns.sim_state,
                episode=episode, episode_step=episode_step,
            ),
            columns.paid,
        )  # fmt: skip

    def _keep_rest(self, made: Bool[np.ndarray, "round env"], length: int) -> None:
        """Forget what was taken; keep the rounds in which some environment went further than the slowest."""
        rest = made & (np.cumsum(made, axis=0) > length)
        kept = np.flatnonzero(rest.any(axis=1))
        self._rounds = [self._rounds[i] for i in kept]
        self._places = [(*self._places[i][:2], rest[i]) for i in kept]
        self._lengths -= length
