"""What the loop asks of its parts; nobody needs to import these to comply."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import gymnasium
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.core.arrays import BlindRollout, LabeledBatch, RewardInput, Rollout, Segments
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.segment import Segment
from rl_teacher.records import Comparison, ComparisonId, Label, SegmentId

RewardFn = Callable[[RewardInput], Float[Array | np.ndarray, "..."]]
"""A reward model seen through __call__ alone: a whole rollout in one call."""


AnyArray = npt.NDArray[Any]


@runtime_checkable
class Envs(Protocol):
    """A gymnasium.vector.VectorEnv in AutoresetMode.SAME_STEP whose state can be read, kept and restored.

    Arrays that `reset`, `step` and `restore` return are valid until the next call.
    """

    num_envs: int
    single_observation_space: gymnasium.Space[Any]
    single_action_space: gymnasium.Space[Any]
    observation_space: gymnasium.Space[Any]
    action_space: gymnasium.Space[Any]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[AnyArray, dict[str, Any]]:
        """Start a new episode everywhere: observations float32 (num_envs, *obs), and infos."""

    def step(self, actions: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray, dict[str, Any]]:
        """Observations, true rewards, terminations, truncations, infos; ended episodes are reset in the same step.

        Where any ended, infos["final_obs"], float32 (num_envs, *obs), has the observations before the resets.
        """

    def sim_state(self) -> npt.NDArray[np.float64]:
        """[qpos, qvel] of every environment now, (num_envs, nq + nv); (num_envs, 0) without MuJoCo. Copy it."""

    def snapshot(self) -> dict[str, AnyArray]:
        """Everything needed to continue bit for bit, as arrays."""

    def restore(self, snapshot: dict[str, AnyArray]) -> AnyArray:
        """Continue from a snapshot; returns its observations."""

    def close(self) -> None:
        """Release everything."""


@runtime_checkable
class Actor(Protocol):
    """A policy bound to its parameters for one rollout."""

    @property
    def noise(self) -> Callable[[PRNGKeyArray, int, int], Num[np.ndarray, "time env ..."]]:
        """Noise of a whole rollout."""
        ...

    @property
    def act(self) -> Callable[[Num[np.ndarray, "env ..."], Num[np.ndarray, "env ..."]], Num[np.ndarray, "env ..."]]:
        """Observations and a row of noise -> actions in policy units."""
        ...

    @property
    def mode(self) -> Callable[[Num[np.ndarray, "env ..."]], Num[np.ndarray, "env ..."]]:
        """Observations -> the most likely actions."""
        ...


@runtime_checkable
class Collector(Protocol):
    """Who steps the environments: ours in this process, or yours, wherever they are."""

    @property
    def num_envs(self) -> int:
        """Environments side by side."""
        ...

    @property
    def obs_shape(self) -> tuple[int, ...]:
        """Shape of one observation."""
        ...

    def collect(self, actor: Actor, num_steps: int, capacity: int, key: PRNGKeyArray) -> Rollout:
        """Act for exactly `num_steps` environment steps in all; the rollout's time axis is padded to `capacity`."""
        ...

    def restart(self, seed: int) -> None:
        """Begin new episodes everywhere, those of `seed`."""
        ...

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that is needed to go on bit for bit."""
        ...

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go on from a snapshot."""
        ...

    def close(self) -> None:
        """Free the environments."""
        ...


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an agent tells of an update."""

    predicted_reward: Float[np.ndarray, "time env"]
    """What the rollout was scored with."""
    metrics: Mapping[str, Float[Array, ""]]


@runtime_checkable
class Agent(Protocol):
    """Policy, critic, optimizer state and the rule that improves them: an immutable pytree.

    One of yours, `--agent path/to/file.py:Class`, is made by its class method `build`, called with the keywords
    `obs_shape`, `actions` (ActionSpec), `config` (RunConfig) and `key`: docs/agents.md#an-agent-of-your-own.
    """

    obs_stats: RunningStats

    def actor(self) -> Actor:
        """The policy for one rollout."""
        ...

    def update(
        self, rollout: BlindRollout, reward: RewardFn, progress: float, key: PRNGKeyArray
    ) -> tuple[Self, UpdateResult]:
        """The agent after learning from one rollout; `progress` is the share of the run that is over."""
        ...


@dataclass(frozen=True, slots=True)
class FitData:
    """What a reward model is fitted with."""

    labeled: LabeledBatch
    window: RewardInput
    """Recent frames, (frame, ...), over which the output is normalized."""
    obs_stats: RunningStats
    """The agent's observation statistics now: a snapshot that the reward model keeps until its next fit."""
    num_changes: int
    """How often the labels have changed so far: what `wants_fit` counts."""


@runtime_checkable
class RewardModel(Protocol):
    """Predicts a reward per step: an immutable pytree.

    One of yours, `--reward.model path/to/file.py:Class`, is made by its class method `build`, called with the keywords
    `obs_shape`, `num_actions`, `config` (RewardModelConfig), `center` and `key`:
    docs/rewards.md#a-reward-model-of-your-own.
    """

    def __call__(self, x: RewardInput) -> Float[Array | np.ndarray, "*batch"]:
        """The reward of every step of a batch."""
        ...

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each member's return of segments (segment, step, ...), not normalized: differences are logits."""
        ...

    def wants_fit(self, num_changes: int) -> bool:
        """Whether enough is new since the last fit: new labels, and old ones that were revised or withdrawn."""
        ...

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple[Self, dict[str, float]]:
        """The model after a fit: of `num_steps` gradient steps, if it takes any, or as many as the labels deserve."""
        ...


class Relevance(NamedTuple):
    """One thing that a learned reward depends on."""

    what: str
    """Such as 'more forward velocity of the torso'."""
    share: float
    """Of the mean square of all things' parts in the differences between the labeled segments [1]."""


@runtime_checkable
class HasRelevances(Protocol):
    """A reward model that can say what its reward depends on."""

    def relevances(self, names: Sequence[str]) -> list[Relevance]:
        """Everything that its reward depends on, largest first; `names` are those of observed numbers and actions."""
        ...


@runtime_checkable
class HasSaliency(Protocol):
    """A reward model of pictures that can say where it looks."""

    def saliency(self, x: RewardInput) -> Float[np.ndarray, "segment height width"]:
        """How much each pixel of segments (segment, step, ...) tells, over all their steps; at most 1 in each."""
        ...


class PortableParts(NamedTuple):
    """What a reward computes, as arrays that a program without JAX can use."""

    kind: str
    """A key of rewards.portable_kinds.KINDS, where the arrays of each are described."""
    arrays: Mapping[str, np.ndarray]
    ends: bool
    """Whether it depends on how a step ended, or on what was observed after it."""


@runtime_checkable
class HasPortable(Protocol):
    """A reward model that can be taken elsewhere, as NumPy alone."""

    def portable(self) -> PortableParts:
        """All that its reward is computed from, frozen now."""
        ...


@runtime_checkable
class HasOlderForms(Protocol):
    """A reward model of which older versions of the program kept other arrays."""

    def of_today(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What a version wrote, by the number of the leaf, in the form that this one expects of it."""
        ...


@runtime_checkable
class Teacher(Protocol):
    """Answers comparisons."""

    @property
    def answers_at_once(self) -> bool:
        """Whether all that is asked has its label at the next `poll`: so do programs, and people do not."""
        ...

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, Segment]) -> None:
        """Put comparisons to the teacher; `segments` holds every segment by id."""
        ...

    def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
        """New or revised labels; waits up to `timeout_s` for the first one [s], if any are to come."""
        ...

    def room(self) -> int:
        """How many more comparisons it wants to hold open now; asked only of those who do not answer at once."""
        ...

    def observe(self, mean_episode_return: float | None, episode_steps: int, mean_random_reward: float) -> None:
        """What a synthetic teacher's thresholds depend on, before each round."""
        ...

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of the teacher, as JSON values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        ...


@runtime_checkable
class LabelLog(Protocol):
    """Keeps what was asked and answered, on disk before it is used. A repeated line changes nothing."""

    def write_comparisons(
        self, iteration: int, comparisons: Sequence[Comparison], left: Segments, right: Segments
    ) -> None:
        """Keep comparisons with their segments, row by row."""
        ...

    def write_labels(self, labels: Sequence[Label]) -> None:
        """Keep answers."""
        ...

    def read(self, dataset: "Asked", *, before_iteration: float = ...) -> None:
        """Fill a dataset with all comparisons that were asked before an iteration, and their newest labels."""
        ...


class Asked(Protocol):
    """What a log fills: preferences.dataset.Dataset."""

    def add(self, comparisons: Sequence[Comparison], left: Segments, right: Segments) -> None:
        """Take in comparisons with their segments, row by row."""
        ...

    def label(self, labels: Iterable[Label]) -> Sequence[ComparisonId]:
        """Take in answers; the comparisons whose target changed."""
        ...


@runtime_checkable
class RolloutHistory(Protocol):
    """Follows all rollouts, so that an episode can be played again when somebody wants to see it."""

    def add(self, rollout: Rollout, iteration: int) -> None:
        """Follow a rollout of training (iteration > 0), or one before it that began with resets (iteration < 0)."""
        ...
