"""Records of arrays that flow through the loop: rollouts, segments, labeled comparisons.

Axes: time and env index a rollout, step lies inside a segment, side is left or right, member is one
network of an ensemble. obs and act stand for the shape of one observation and of one action.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, Float64, Int, Num, Shaped

from rl_teacher.core.frame_stacks import FrameStacks, packed
from rl_teacher.core.mapped import gathered
from rl_teacher.core.segment import Segment

LIVED, LAST, ENDED = 0, 1, 2
"""Phase of a frame: the episode goes on after it, ends with it, or has ended before it.

After its end an episode is in an absorbing state, whose reward is 0, forever: what a step is worth is measured from
there. A time limit is no end.
"""


class RewardInput(eqx.Module):
    """What a reward may look at, made by `Rollout.blind`; agents hand it on unopened.

    >>> frames = RewardInput(obs=np.zeros((5, 3), np.float32), action=np.ones((5, 1), np.float32))
    >>> effort = lambda x: -np.square(x.action).sum(-1)  # a reward of your own: of each of 5 steps
    >>> effort(frames)
    array([-1., -1., -1., -1., -1.], dtype=float32)
    """

    obs: Num[Array | np.ndarray, "..."]
    """Observations before the step, not normalized, (*batch, *obs)."""
    action: Float[Array | np.ndarray, "*batch act"]
    """Clamped action in policy units, or one-hot."""
    true_reward: Float[Array | np.ndarray, "*batch"] | None = None
    """Only with `-p rl`, where the true reward comes in through the same door."""
    phase: Int[Array | np.ndarray, "*batch"] | None = None
    """LIVED, LAST or ENDED for each frame, where episodes can end early; None where they have one length."""
    next_obs: Num[Array | np.ndarray, "..."] | None = None
    """Observations after the step, (*batch, *obs), where episodes can end early, or things meet in small pictures.

    At the end of an episode its last observation, not the first one of the next.
    """


class BlindRollout(eqx.Module):
    """What an agent learns from: a rollout without the true reward."""

    obs: Num[Array | np.ndarray, "time env *obs"]
    action: Num[Array | np.ndarray, "time env *act"]
    """As the policy drew it: unclamped, or the index of a discrete action."""
    last_obs: Num[Array | np.ndarray, "env *obs"]
    """Observation after the last counted step of each environment."""
    final_obs: Num[Array | np.ndarray, "time env *obs"]
    """Where an episode ended: its last observation, before the reset. Zero elsewhere."""
    terminated: Bool[Array | np.ndarray, "time env"]
    truncated: Bool[Array | np.ndarray, "time env"]
    counted: Bool[Array | np.ndarray, "time env"]
    """False: padding after the last wanted step of a run; never learned from."""
    reward_input: RewardInput


class Rollout(eqx.Module):
    """Consecutive steps of all environments under one policy, as NumPy arrays of the host."""

    obs: Num[np.ndarray, "time env *obs"]
    action: Num[np.ndarray, "time env *act"]
    last_obs: Num[np.ndarray, "env *obs"]
    final_obs: Num[np.ndarray, "time env *obs"]
    terminated: Bool[np.ndarray, "time env"]
    truncated: Bool[np.ndarray, "time env"]
    counted: Bool[np.ndarray, "time env"]
    reward_action: Float[np.ndarray, "time env act"]
    """What the reward model sees of the action: clamped to the bounds, or one-hot."""
    env_action: Shaped[np.ndarray, "time env ..."]
    """What the environment was given, in its own units."""
    true_reward: Float[np.ndarray, "time env"]
    sim_state: Float64[np.ndarray, "time env state"]
    """[qpos, qvel] before each step; zero columns for environments without one."""
    episode: Int[np.ndarray, "time env"]
    """Number of the episode in its environment, from 0."""
    episode_step: Int[np.ndarray, "time env"]
    """Steps since the reset."""

    @property
    def num_steps(self) -> int:
        """Environment steps that count."""
        return int(self.counted.sum())

    @property
    def ended(self) -> Bool[np.ndarray, "time env"]:
        """Where an episode ended, for whatever reason."""
        return np.asarray((self.terminated | self.truncated) & self.counted)

    def phase(self) -> Int[np.ndarray, "time env"]:
        """LAST where an episode ended for good, LIVED elsewhere."""
        return np.where(self.terminated, LAST, LIVED).astype(np.int8)

    def blind(self, *, show_true_reward: bool, show_ends: bool = False, show_after: bool = False) -> BlindRollout:
        """The same without the true reward, which only `-p rl` puts into the reward's input.

        Args:
            show_true_reward: put it there.
            show_ends: put there which steps end an episode, and what is observed after each.
            show_after: put there what is observed after each step.
        """
        shown = self.true_reward if show_true_reward else None
        phase = self.phase() if show_ends else None
        next_obs = next_observations(self) if show_ends or show_after else None
        return BlindRollout(
            obs=self.obs, action=self.action, last_obs=self.last_obs, final_obs=self.final_obs,
            terminated=self.terminated, truncated=self.truncated, counted=self.counted,
            reward_input=RewardInput(self.obs, self.reward_action, shown, phase, next_obs),
        )  # fmt: skip


def next_observations(rollout: Rollout | BlindRollout) -> Num[np.ndarray, "time env *obs"]:
    """Observations after each step: at the end of an episode its last one, not the first one of the next."""
    obs, last_obs, counted = np.asarray(rollout.obs), np.asarray(rollout.last_obs)[None], np.asarray(rollout.counted)
    is_last = counted & ~np.concatenate([counted[1:], np.zeros_like(counted[:1])])
    ended = np.asarray(rollout.terminated | rollout.truncated)
    follows = np.where(_like(is_last, obs), last_obs, np.concatenate([obs[1:], last_obs]))
    return np.where(_like(ended, obs), np.asarray(rollout.final_obs), follows)


def _like(flags: Bool[np.ndarray, "time env"], obs: np.ndarray) -> Bool[np.ndarray, "time env ..."]:
    """Flags with as many axes as observations."""
    return flags.reshape(*flags.shape, *(1 for _ in obs.shape[2:]))


class Segments(eqx.Module):
    """Segments of equal length, one row each, as NumPy arrays of the host."""

    id: Shaped[np.ndarray, " segment"]
    """SegmentId as text."""
    obs: Num[np.ndarray, "segment step *obs"]
    reward_action: Float[np.ndarray, "segment step act"]
    env_action: Shaped[np.ndarray, "segment step ..."]
    true_reward: Float[np.ndarray, "segment step"]
    sim_state: Float64[np.ndarray, "segment step state"]
    env: Int[np.ndarray, " segment"]
    episode: Int[np.ndarray, " segment"]
    start: Int[np.ndarray, " segment"]
    """Step of the episode at which the segment starts."""
    iteration: Int[np.ndarray, " segment"]
    """Iteration of the policy that acted: its version."""
    end: Int[np.ndarray, " segment"]
    """Steps until its episode ended, the last one included; NO_END if it did not end in the segment."""
    next_obs: Num[np.ndarray, "segment step *next_obs"]
    """Observations after each step, where a reward is told of them; else no numbers, (segment, step, 0)."""

    def __len__(self) -> int:
        return len(self.id)

    def row(self, index: int) -> Segment:
        """One of them."""
        return Segment(
            obs=self.obs[index], reward_action=self.reward_action[index], env_action=self.env_action[index],
            true_reward=self.true_reward[index], sim_state=self.sim_state[index], env=int(self.env[index]),
            episode=int(self.episode[index]), start=int(self.start[index]), iteration=int(self.iteration[index]),
            end=int(self.end[index]), next_obs=self.next_obs[index] if self.next_obs.size else None,
        )  # fmt: skip

    def take(self, rows: Int[np.ndarray, " n"]) -> "Segments":
        """These rows, copied."""
        return Segments(*(getattr(self, name)[rows] for name in SEGMENT_FIELDS))

    def phase(self) -> Int[np.ndarray, "segment step"]:
        """LIVED, LAST or ENDED for each step."""
        step, end = np.arange(self.true_reward.shape[1]), self.end[:, None]
        phases = np.where(step < end - 1, LIVED, np.where(step == end - 1, LAST, ENDED))
        return np.where(end == NO_END, LIVED, phases).astype(np.int8)

    def reward_input(self) -> RewardInput:
        """What a reward may look at; without phases where no episode ended."""
        has_ends, next_obs = bool((self.end != NO_END).any()), self.next_obs if self.next_obs.size else None
        return RewardInput(self.obs, self.reward_action, phase=self.phase() if has_ends else None, next_obs=next_obs)

    def fields(self) -> dict[str, np.ndarray]:
        """The arrays by name, without `end` where no episode ended, and without `next_obs` where there are none.

        Observations that are stacks of frames are single frames, `obs_frames`.
        """
        left_out = {"end": not (self.end != NO_END).any(), "next_obs": not self.next_obs.size}
        arrays = {name: getattr(self, name) for name in SEGMENT_FIELDS if not left_out.get(name)}
        if (stacks := packed(self.obs)) is not None:
            del arrays["obs"]
            arrays[OBS_FRAMES] = stacks.frames
        return arrays

    @classmethod
    def from_fields(cls, arrays: Mapping[str, np.ndarray], prefix: str = "") -> "Segments":
        """What `fields` gave, perhaps with a prefix before each name."""
        shape = arrays[f"{prefix}true_reward"].shape
        left_out = {"end": np.full(shape[0], NO_END), "next_obs": np.zeros((*shape, 0))}
        given = {f"{prefix}{name}": array for name, array in left_out.items()} | dict(arrays)
        if (frames := given.pop(prefix + OBS_FRAMES, None)) is not None:
            given[f"{prefix}obs"] = np.asarray(FrameStacks(frames, frames.shape[1] - shape[1] + 1))
        return cls(*(given[prefix + name] for name in SEGMENT_FIELDS))


NO_END = -1
OBS_FRAMES = "obs_frames"
SEGMENT_FIELDS = (
    "id", "obs", "reward_action", "env_action", "true_reward", "sim_state", "env", "episode", "start", "iteration",
    "end", "next_obs",
)  # fmt: skip


def concatenate(parts: list[Segments]) -> Segments:
    """All rows of all parts, in order."""
    return Segments(*(np.concatenate([getattr(part, name) for part in parts]) for name in SEGMENT_FIELDS))


class LabeledBatch(eqx.Module):
    """Labeled comparisons that are trained on, as NumPy arrays of the host."""

    obs: Num[np.ndarray, "comparison 2 step *obs"] | FrameStacks
    """Left at index 0 of the second axis, right at 1; stacks of frames are made where they are looked at."""
    action: Float[np.ndarray, "comparison 2 step act"]
    """As a reward model sees it."""
    true_return: Float[np.ndarray, "comparison 2"]
    """Only for metrics."""
    target: Float[np.ndarray, " comparison"]
    """P(left preferred): 1, 0, or 0.5 for a tie."""
    key: Int[np.ndarray, " comparison"]
    """A number made from each comparison's id, from which members draw their fixed weights."""
    phase: Int[np.ndarray, "comparison 2 step"] | None = None
    """LIVED, LAST or ENDED; None where no labeled segment saw an end."""
    next_obs: Num[np.ndarray, "comparison 2 step *obs"] | None = None
    """Observations after each step; None where no reward is told of them."""

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Int[np.ndarray, " n"]) -> "LabeledBatch":
        """These comparisons, copied into memory."""
        taken: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            column = getattr(self, field.name)
            taken[field.name] = None if column is None else gathered(column, rows)
        return LabeledBatch(**taken)

    def reward_input(self) -> RewardInput:
        """What a reward may look at, axes (comparison, side, step)."""
        return RewardInput(np.asarray(self.obs), self.action, phase=self.phase, next_obs=self.next_obs)
