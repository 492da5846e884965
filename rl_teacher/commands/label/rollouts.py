"""Episodes of a data set as rollouts: what a PreferenceLearner cuts segments from, as if an agent had just acted."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.streams import Streams
from rl_teacher.data.episodes import AnyArray, Episode
from rl_teacher.data.sample import Sample

LEAST_STEPS = 16_384
"""Of a rollout, where the sample has as many: over them a reward is normalized."""
SEGMENTS = 512
"""That a rollout has room for at least, side by side."""
MOST_BYTES = 256 * 2**20
"""Of the observations of a rollout [byte]."""


@dataclass(frozen=True, slots=True)
class EpisodeRollouts:
    """Makes rollouts of a sample of a data set, one environment wide.

    Args:
        sample: of the set.
        actions: of its environment.
        segment_steps: of a segment.
        streams: all randomness.
    """

    sample: Sample
    actions: ActionSpec
    segment_steps: int
    streams: Streams

    def before(self) -> Iterator[Rollout]:
        """As many as are asked for, for the first questions."""
        for attempt in itertools.count():
            yield self.drawn("label first", attempt)

    def drawn(self, what: str, number: int) -> Rollout:
        """Whole episodes in an order that is drawn, until there are enough steps; of long ones a part.

        Args:
            what: the rollout is for.
            number: of the rollout; the same two give the same rollout.
        """
        draws = self.streams.generator(what, number)
        wanted = self._num_steps()
        most = max(wanted // 4, 2 * self.segment_steps)
        parts, total = [], 0
        for which in draws.permutation(list(self.sample.episodes)).tolist():
            if total >= wanted:
                break
            episode = self.sample.episodes[which]
            num = len(episode) - (self.sample.ends and _lacks_its_end(episode))
            start = int(draws.integers(0, max(0, num - most) + 1))
            parts.append((episode, slice(start, min(start + most, num))))
            total += parts[-1][1].stop - start
        return self._joined(parts)

    def _num_steps(self) -> int:
        of_a_step = next(iter(self.sample.episodes.values())).obs[0].nbytes
        wanted = max(LEAST_STEPS, SEGMENTS * self.segment_steps)
        return max(2 * self.segment_steps, min(wanted, MOST_BYTES // max(1, int(of_a_step))))

    def _joined(self, parts: list[tuple[Episode, slice]]) -> Rollout:
        def of(name: str) -> AnyArray:
            return np.concatenate([getattr(episode, name)[rows] for episode, rows in parts])

        env_action = self._as_given(of("action"))
        lengths = [rows.stop - rows.start for _, rows in parts]
        num, lasts = sum(lengths), np.cumsum(lengths) - 1
        obs, next_obs = as_seen(of("obs")), as_seen(of("next_obs"))
        truncated, terminated = np.zeros(num, bool), of("terminated")
        truncated[lasts] = ~terminated[lasts]
        final = np.zeros_like(next_obs)
        final[lasts] = next_obs[lasts]
        numbers = np.repeat([episode.number for episode, _ in parts], lengths)
        steps = np.concatenate([np.arange(rows.start, rows.stop) for _, rows in parts])
        states = [episode.sim_state for episode, _ in parts]
        sim_state = np.zeros((num, 0)) if any(one is None for one in states) else of("sim_state").astype(np.float64)
        reward_action = self.actions.from_env(env_action)
        return Rollout(
            obs=obs[:, None], action=reward_action[:, None], last_obs=next_obs[-1:], final_obs=final[:, None],
            terminated=terminated[:, None], truncated=truncated[:, None], counted=np.ones((num, 1), bool),
            reward_action=reward_action[:, None], env_action=env_action[:, None],
            true_reward=of("reward").astype(np.float32)[:, None], sim_state=sim_state[:, None],
            episode=numbers[:, None], episode_step=steps[:, None],
        )  # fmt: skip

    def _as_given(self, action: AnyArray) -> AnyArray:
        """Choices as whole numbers, vectors as they are."""
        return action.astype(np.int64) if self.actions.distribution.is_discrete else action


def as_seen(obs: AnyArray) -> AnyArray:
    """Observations as our environments give them: bytes as they are, all else as float32."""
    return obs if obs.dtype == np.uint8 else obs.astype(np.float32)


def _lacks_its_end(episode: Episode) -> bool:
    """Whether nobody wrote down what was observed after its last step, which is then left out where ends matter."""
    return (
        len(episode) > 1 and not bool(episode.terminated[-1]) and np.array_equal(episode.next_obs[-1], episode.obs[-1])
    )
