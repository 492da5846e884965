"""Teachers that answer from the true reward: B-Pref's six kinds, and the oracle of the program of 2017.

Source: Lee et al. 2021, arXiv:2111.03026 (B-Pref), and `reward_model.py` of rll-research/BPref. There 1 means
that the second segment is preferred; here an answer is a `Preference` for the left or the right one.
"""

import difflib
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from rl_teacher.core.segment import Segment
from rl_teacher.errors import NotFinite, UnknownChoice, require
from rl_teacher.records import Comparison, Label, Preference, SegmentId
from rl_teacher.teachers.pending import PendingLabels, TeacherState, read


@dataclass(frozen=True, slots=True)
class SyntheticTeacherConfig:
    """How a synthetic teacher answers; the defaults are the oracle."""

    rationality: float | None = None
    """Beta [1/reward]: P(left) = sigmoid(beta * (return left - return right)); unset: always right."""
    discount: float = 1.0
    """Gamma of a myopic teacher [1], in (0, 1]: the last step weighs 1, earlier ones powers of gamma."""
    mistake_prob: float = 0.0
    """Share of answers that are flipped [1], in [0, 1]."""
    skip_threshold: float = 0.0
    """Epsilon of skipping [1], >= 0: can't tell if both returns are at most this share of the mean return."""
    equal_threshold: float = 0.0
    """Epsilon of ties [1], >= 0: returns closer than this share of the mean return are equal."""
    ties_go_right: bool = False
    """Answer right when both returns are the same, as the program of 2017 did; otherwise that is a tie."""
    rationality_per_std: bool = False
    """Measure beta per standard deviation of the segment returns at hand, instead of per unit of reward."""
    bpref_compat: bool = False
    """Square both epsilons after the first round, as B-Pref's code does by mistake."""

    def __post_init__(self) -> None:
        rationality = self.rationality
        require(
            rationality is None or (math.isfinite(rationality) and rationality > 0),
            "synthetic.rationality", rationality, "above 0, or unset for a teacher who is always right",
        )  # fmt: skip
        require(0 < self.discount <= 1, "synthetic.discount", self.discount, "in (0, 1]")
        require(0 <= self.mistake_prob <= 1, "synthetic.mistake_prob", self.mistake_prob, "in [0, 1]")
        require(0 <= self.skip_threshold < math.inf, "synthetic.skip_threshold", self.skip_threshold, "at least 0")
        require(0 <= self.equal_threshold < math.inf, "synthetic.equal_threshold", self.equal_threshold, "at least 0")
        require(
            rationality is not None or not self.rationality_per_std,
            "synthetic.rationality_per_std", self.rationality_per_std, "False while synthetic.rationality is unset",
        )  # fmt: skip


PRESETS: Mapping[str, SyntheticTeacherConfig] = {
    "oracle": SyntheticTeacherConfig(),
    "stochastic": SyntheticTeacherConfig(rationality=1.0),
    "mistake": SyntheticTeacherConfig(mistake_prob=0.1),
    "skip": SyntheticTeacherConfig(skip_threshold=0.1),
    "equal": SyntheticTeacherConfig(equal_threshold=0.1),
    "myopic": SyntheticTeacherConfig(discount=0.9),
    "openai2017": SyntheticTeacherConfig(ties_go_right=True),
}
"""B-Pref's table, and the oracle of the program of 2017."""


def preset(kind: str) -> SyntheticTeacherConfig:
    """The parameters of the teacher called `kind`.

    Raises:
        UnknownChoice: there is none of this name.
    """
    if kind not in PRESETS:
        close = difflib.get_close_matches(kind, PRESETS, n=2)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise UnknownChoice(
            f"No synthetic teacher named {kind!r}.{hint} There are {', '.join(PRESETS)}; a teacher of your own is "
            "path/to/file.py:function (docs/teachers.md)."
        )
    return PRESETS[kind]


class Thresholds(NamedTuple):
    """Below what a teacher skips, or sees no difference; in returns above those of the random policy."""

    skip: float
    """Both segments' excess returns at most this: can't tell [reward]. 0 skips nothing."""
    equal: float
    """Returns closer than this: a tie [reward]. 0 ties nothing."""
    mean_random_reward: float
    """Mean true reward per step of the random policy, subtracted from every step [reward]."""


def thresholds(
    mean_episode_return: float | None,
    segment_steps: int,
    episode_steps: int,
    mean_random_reward: float,
    config: SyntheticTeacherConfig,
    *,
    is_first_round: bool = True,
) -> Thresholds:
    """max(0, epsilon * (mean_episode_return - mean_random_reward * episode_steps) * segment_steps / episode_steps).

    Args:
        mean_episode_return: mean true return of the last training episodes [reward]; None before any has ended,
            then nothing is skipped or equal.
        segment_steps: steps of a segment.
        episode_steps: steps of an episode.
        mean_random_reward: mean true reward per step of the random policy [reward]; 0 gives B-Pref's formula.
        config: the epsilons.
        is_first_round: whether nothing was asked before; matters to `bpref_compat` alone.

    Returns:
        Both thresholds, never negative.

    Source: B-Pref, section 3; the random policy's reward is ours, for tasks with negative returns.
    """
    if mean_episode_return is None:
        return Thresholds(0.0, 0.0, mean_random_reward)
    require(segment_steps >= 1, "segment_steps", segment_steps, "at least 1")
    require(episode_steps >= 1, "episode_steps", episode_steps, "at least 1")
    excess_return = mean_episode_return - mean_random_reward * episode_steps
    margin = max(0.0, excess_return * segment_steps / episode_steps)
    power = 2 if config.bpref_compat and not is_first_round else 1
    skip, equal = config.skip_threshold**power * margin, config.equal_threshold**power * margin
    return Thresholds(skip, equal, mean_random_reward)


def answer(
    left_true_reward: Float[np.ndarray, "comparison step"],
    right_true_reward: Float[np.ndarray, "comparison step"],
    config: SyntheticTeacherConfig,
    limits: Thresholds,
    uniforms: Float[np.ndarray, "comparison 2"],
    *,
    return_std: float = 1.0,
) -> Shaped[np.ndarray, " comparison"]:
    """The preferences of a teacher who sees the true rewards.

    In B-Pref's order: the better weighted return wins, surely or with P(left) = sigmoid(beta * gap); mistakes
    flip; returns too close make a tie, whatever was answered; returns too low make "can't tell", whatever else.

    Args:
        left_true_reward: of each step of the left segments [reward].
        right_true_reward: the same for the right segments [reward].
        config: the teacher's parameters.
        limits: what is too low and too close.
        uniforms: two numbers in [0, 1) per comparison: for the choice and for the mistake [1].
        return_std: standard deviation of segment returns [reward], read only with `rationality_per_std`.

    Returns:
        A `Preference` per comparison (an array of objects).
    """
    left, right = left_true_reward.astype(np.float64), right_true_reward.astype(np.float64)
    num_steps = left.shape[1]
    left_return, right_return = left.sum(axis=1), right.sum(axis=1)

    # The last step weighs 1: gamma^(H - t) for t = 1..H.
    weights = config.discount ** np.arange(num_steps - 1, -1, -1, dtype=np.float64)
    gap = (left * weights).sum(axis=1) - (right * weights).sum(axis=1)

    if config.rationality is None:
        preferences = np.where(gap > 0, _LEFT, np.where(gap < 0, _RIGHT, _RIGHT if config.ties_go_right else _TIE))
    else:
        unit = return_std if config.rationality_per_std and return_std > 0 else 1.0
        left_prob = 0.5 + 0.5 * np.tanh(0.5 * config.rationality * gap / unit)  # sigmoid that cannot overflow
        preferences = np.where(uniforms[:, 0] < left_prob, _LEFT, _RIGHT)

    is_mistake = uniforms[:, 1] < config.mistake_prob
    preferences = np.where(is_mistake, _FLIPPED[preferences], preferences)

    is_equal = np.abs(left_return - right_return) < limits.equal
    preferences = np.where(is_equal, _TIE, preferences)

    best_excess = np.maximum(left_return, right_return) - num_steps * limits.mean_random_reward
    is_skipped = (best_excess <= limits.skip) & (limits.skip > 0)  # B-Pref too skips nothing at threshold 0
    return _PREFERENCES[np.where(is_skipped, _CANT_TELL, preferences)]


_LEFT, _RIGHT, _TIE, _CANT_TELL = range(4)
_PREFERENCES = np.array([Preference.LEFT, Preference.RIGHT, Preference.TIE, Preference.CANT_TELL], dtype=object)
_FLIPPED = np.array([_RIGHT, _LEFT, _TIE, _CANT_TELL])


def uniforms(seed: int, comparisons: Sequence[Comparison]) -> Float[np.ndarray, "comparison 2"]:
    """Two numbers in [0, 1) per comparison, a function of the run's seed and the comparison's id alone."""
    drawn = [np.random.Generator(np.random.Philox(key=_philox_key(seed, one.id))).random(2) for one in comparisons]
    return np.array(drawn, dtype=np.float64).reshape(-1, 2)


def _philox_key(seed: int, comparison_id: str) -> Shaped[np.ndarray, " 2"]:
    digest = hashlib.sha256(f"{seed}/{comparison_id}".encode()).digest()
    return np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)


class SyntheticTeacher:
    """Answers from the true reward, inside `ask`; the labels are handed over at the next `poll`.

    Args:
        kind: what the labeler is called: "synthetic:<kind>".
        config: how it answers.
        seed: the run's seed.
    """

    def __init__(self, kind: str, config: SyntheticTeacherConfig, seed: int) -> None:
        self.labeler = f"synthetic:{kind}"
        self._config = config
        self._seed = seed
        self._pending = PendingLabels()
        self._mean_episode_return: float | None = None
        self._episode_steps = 1
        self._mean_random_reward = 0.0
        self._has_asked = False
        self._is_first_round = True

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, Segment]) -> None:
        """Answer all comparisons at once.

        `segments` holds those that are compared; the standard deviation of `rationality_per_std` is that of all.

        Raises:
            NotFinite: a true reward is nan or infinite.
        """
        if not comparisons:
            return
        left = _true_rewards([one.left for one in comparisons], segments)
        right = _true_rewards([one.right for one in comparisons], segments)
        limits = thresholds(
            self._mean_episode_return, left.shape[1], self._episode_steps, self._mean_random_reward, self._config,
            is_first_round=self._is_first_round,
        )  # fmt: skip
        return_std = _return_std(segments) if self._config.rationality_per_std else 1.0
        drawn = uniforms(self._seed, comparisons)
        preferences = answer(left, right, self._config, limits, drawn, return_std=return_std)
        self._pending.add({one.id: preference for one, preference in zip(comparisons, preferences, strict=True)})
        self._has_asked = True

    def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
        """The labels given since the last poll; there is nothing to wait for."""
        return self._pending.take(self.labeler)

    @property
    def answers_at_once(self) -> bool:
        """Yes."""
        return True

    def room(self) -> int:
        """None is needed: it holds nothing open."""
        return 0

    def observe(self, mean_episode_return: float | None, episode_steps: int, mean_random_reward: float) -> None:
        """Begin a round: from here on the thresholds follow these values (see `thresholds`).

        Raises:
            ConfigError: a value is out of range.
        """
        is_known = mean_episode_return is None or math.isfinite(mean_episode_return)
        require(is_known, "mean_episode_return", mean_episode_return, "a finite number, or None")
        require(episode_steps >= 1, "episode_steps", episode_steps, "at least 1")
        require(math.isfinite(mean_random_reward), "mean_random_reward", mean_random_reward, "a finite number")
        self._mean_episode_return = None if mean_episode_return is None else float(mean_episode_return)
        self._episode_steps = int(episode_steps)
        self._mean_random_reward = float(mean_random_reward)
        self._is_first_round = not self._has_asked

    def state(self) -> TeacherState:
        """What a checkpoint keeps: pending labels, what was observed, whether this is the first round."""
        observed: TeacherState = {}
        if self._mean_episode_return is not None:
            observed["mean_episode_return"] = self._mean_episode_return
        return observed | {
            "episode_steps": self._episode_steps,
            "mean_random_reward": self._mean_random_reward,
            "has_asked": self._has_asked,
            "is_first_round": self._is_first_round,
            "pending": self._pending.to_json(),
        }

    def restore(self, state: TeacherState) -> None:
        """Go on from `state`.

        Raises:
            CheckpointError: it is not a state of this teacher.
        """
        mean_episode_return = state.get("mean_episode_return")
        self._mean_episode_return = None if mean_episode_return is None else float(mean_episode_return)
        self._episode_steps = int(read(state, "episode_steps"))
        self._mean_random_reward = float(read(state, "mean_random_reward"))
        self._has_asked = bool(read(state, "has_asked"))
        self._is_first_round = bool(read(state, "is_first_round"))
        self._pending.restore(str(read(state, "pending")))


def _true_rewards(
    ids: Sequence[SegmentId], segments: Mapping[SegmentId, Segment]
) -> Float[np.ndarray, "comparison step"]:
    rewards = np.stack([np.asarray(segments[one].true_reward, dtype=np.float64) for one in ids])
    bad = np.argwhere(~np.isfinite(rewards))
    if len(bad):
        row, step = bad[0]
        raise NotFinite(
            f"Segment {ids[row]}, step {step}: the true reward is {rewards[row, step]}, expected a finite number. "
            "A synthetic teacher cannot judge it; mend the environment, then run the same command with --resume."
        )
    return rewards


def _return_std(segments: Mapping[SegmentId, Segment]) -> float:
    return float(np.std([np.sum(segment.true_reward, dtype=np.float64) for segment in segments.values()]))
