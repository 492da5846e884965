"""From a configuration to live objects: the one place that knows the concrete classes."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rl_teacher.config.run import RunConfig
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import find_env, input_names, make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import UnsupportedSpace
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.pool import Pool
from rl_teacher.preferences.schedules import (
    Schedule,
    labels_required,
)
from rl_teacher.protocols import Agent, RewardModel, Teacher
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.rollouts.action_history import ActionTape
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.rollouts.last_episode import Film
from rl_teacher.rollouts.local import Collector
from rl_teacher.training.parts import build_label_schedule, build_teacher, fresh_agent, fresh_reward_model
from rl_teacher.training.segment_length import steps_of_segment

if TYPE_CHECKING:
    from rl_teacher.people.feedback_session import Desk


class Filmer(Protocol):
    """Draws films of the agent; nothing waits for it."""

    def film(self, step: int, film: Film) -> None:
        """What the agent did after `step` environment steps."""
        ...


@dataclass(slots=True)
class Run:
    """What does not change while a run goes on, and the parts that keep state of their own."""

    config: RunConfig
    spec: EnvSpec
    actions: ActionSpec
    input_names: tuple[str, ...]
    """Of each number that a reward model sees: those of the observation, then those of the action."""
    streams: Streams
    schedule: Schedule
    teacher: Teacher | None
    """None with `-p rl`: nobody is asked."""
    segment_steps: int
    rollout_steps: int
    """Time axis of a rollout: as configured, or longer if a segment would not fit."""
    pretrain_labels: int
    collector: Collector
    make_envs: Callable[[int, str], Collector]
    """(number of environments, stream) -> fresh environments of the same kind, not those of training."""
    pool: Pool
    dataset: Dataset
    episodes: EpisodeTracker
    started_at: float = field(default_factory=time.monotonic)
    seconds_before: float = 0.0
    """Seconds of training before a resume."""
    first_stats: RunningStats | None = None
    """Observation statistics of the pretraining rollouts: what the reward model starts with."""
    mean_random_reward: float = 0.0
    """Mean true reward per step of random actions, measured in pretraining."""
    tape: ActionTape | None = None
    """With `-p human` and an environment of Gymnasium: what its episodes are played again from."""
    filmer: Filmer | None = None
    """Who shows what the agent does as it learns; None with `-V`."""
    desk: "Desk | None" = None
    """With `-p human`: the feedback server's end here."""
    label_link: str = ""
    """With `-p human`: where people answer."""
    life: str = ""
    """With `-p human`: a name for this process, so that no id that it makes was used before a crash."""

    @property
    def num_envs(self) -> int:
        """Environments of training."""
        return self.collector.num_envs

    @property
    def origin(self) -> str:
        """What ids are made from: all that decides what a segment holds, so that a run's name changes no result."""
        return f"{self.spec.canonical_id}/{self.config.seed}{self.life and '/' + self.life}"

    @property
    def labels_required(self) -> int:
        """Answers that pretraining waits for: 75 % of its labels."""
        return labels_required(self.pretrain_labels)

    def seconds(self) -> float:
        """Seconds of training, those before a resume included."""
        return self.seconds_before + time.monotonic() - self.started_at


def build_run(config: RunConfig) -> Run:
    """All live parts of a run but agent and reward model; `config` is complete."""
    spec = find_env(config.env_id)
    streams = Streams(config.seed)
    segment_steps = steps_of_segment(config, spec)
    settings = config.agent_config
    rollout_steps = settings.rollout_steps
    if config.predictor != "rl":
        rollout_steps = max(rollout_steps, segment_steps)
    num_envs = max(1, min(settings.num_envs, config.num_timesteps))
    envs = make_envs(spec, num_envs, seed=config.seed, num_threads=config.workers, stagger=True)
    actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)

    if config.agent == "sac" and actions.distribution.is_discrete:
        raise UnsupportedSpace(f"env {spec.env_id!r}: -a sac needs continuous actions, these are choices. Use -a ppo.")

    def fresh(num: int, stream: str) -> Collector:
        seed = int(streams.generator(stream).integers(2**31))
        return Collector(make_envs(spec, num, seed=seed, num_threads=config.workers), actions)

    return Run(
        config=config, spec=spec, actions=actions, streams=streams,
        input_names=input_names(spec, math.prod(envs.single_observation_space.shape or ()), actions.size),
        schedule=build_label_schedule(config), teacher=build_teacher(config, spec),
        segment_steps=segment_steps, rollout_steps=rollout_steps, pretrain_labels=config.pretrain_labels or 0,
        collector=Collector(envs, actions), make_envs=fresh,
        pool=Pool(config.selection.pool_iterations), dataset=Dataset(),
        episodes=EpisodeTracker(num_envs, spec.horizon, is_fixed_horizon=spec.is_fixed_horizon),
    )  # fmt: skip


def build_agent(run: Run) -> Agent:
    """The agent of a run at its start."""
    return fresh_agent(run.config, run.collector.obs_shape, run.actions)


def build_reward_model(run: Run) -> RewardModel:
    """A reward model that knows nothing; with `-p rl`, the true reward."""
    if run.config.predictor == "rl":
        return TrueReward()
    return fresh_reward_model(
        run.config.reward, run.collector.obs_shape, run.actions.size,
        center=run.spec.is_fixed_horizon, key=run.streams.key("reward"),
    )  # fmt: skip
