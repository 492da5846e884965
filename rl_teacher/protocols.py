"""What the loop asks of its parts; nobody needs to import these to comply."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.core.arrays import BlindRollout, LabeledBatch, RewardInput
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.records import Comparison, Label

RewardFn = Callable[[RewardInput], Float[Array | np.ndarray, "..."]]
"""A reward model seen through __call__ alone: a whole rollout in one call."""


@runtime_checkable
class Envs(Protocol):
    """Environments side by side: a gymnasium.vector.VectorEnv in SAME_STEP mode that can be photographed."""

    num_envs: int
    single_observation_space: Any
    single_action_space: Any

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a new episode everywhere."""
        ...

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step everywhere; where an episode ended the observation is the new one's first."""
        ...

    def sim_state(self) -> np.ndarray:
        """[qpos, qvel] of every environment now, float64 (env, state); zero columns if there is none."""
        ...

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that is needed to go on bit for bit."""
        ...

    def restore(self, snapshot: dict[str, np.ndarray]) -> np.ndarray:
        """Go on from a snapshot; returns the current observations."""
        ...

    def close(self) -> None:
        """Free the simulators."""
        ...


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


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an agent tells of an update."""

    predicted_reward: Float[np.ndarray, "time env"]
    """What the rollout was scored with."""
    metrics: Mapping[str, Float[Array, ""]]


@runtime_checkable
class Agent(Protocol):
    """Policy, critic, optimizer state and the rule that improves them: an immutable pytree."""

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


@runtime_checkable
class RewardModel(Protocol):
    """Predicts a reward per step: an immutable pytree."""

    def __call__(self, x: RewardInput) -> Float[Array | np.ndarray, "*batch"]:
        """The reward of every step of a batch."""
        ...

    def member_returns(self, x: RewardInput) -> Float[np.ndarray, "member segment"]:
        """Each member's predicted return of segments (segment, step, ...), on the scale of the labels: not normalized."""
        ...

    def wants_fit(self, num_labels: int) -> bool:
        """Whether enough is new since the last fit."""
        ...

    def fit(self, data: FitData, num_steps: int | None, key: PRNGKeyArray) -> tuple[Self, dict[str, float]]:
        """The model after fitting `num_steps` gradient steps, or as many as the labels deserve."""
        ...


@runtime_checkable
class Teacher(Protocol):
    """Answers comparisons."""

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[str, Any]) -> None:
        """Put comparisons to the teacher; `segments` holds every segment by id."""
        ...

    def poll(self, until: int = 0) -> Sequence[Label]:
        """New or revised labels; waits only while fewer than `until` exist in all."""
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
