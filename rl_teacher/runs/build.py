"""From a configuration to live objects: the one place that knows the concrete classes."""

import dataclasses
import difflib
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from jaxtyping import PRNGKeyArray

from rl_teacher.agent_config import discount_of
from rl_teacher.agents.ppo import PPO
from rl_teacher.agents.sac import SAC
from rl_teacher.agents.trpo import TRPO
from rl_teacher.config import (
    DEFAULT_HUMAN_PRETRAIN_LABELS,
    DEFAULT_LABELS,
    RewardModelConfig,
    RunConfig,
    TeacherConfig,
)
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import EnvSpec, find_env, input_names, make_envs
from rl_teacher.errors import UnknownChoice, UnsupportedSpace
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.pool import Pool
from rl_teacher.preferences.schedules import (
    FIRST_LABELS,
    NoLabels,
    Schedule,
    ScheduleOptions,
    build_schedule,
    default_pretrain_labels,
    labels_required,
)
from rl_teacher.preferences.selection import SCORES
from rl_teacher.protocols import Agent, RewardModel, Teacher
from rl_teacher.rewards.baselines import ConstantReward, UntrainedReward
from rl_teacher.rewards.ensemble import RewardEnsemble
from rl_teacher.rewards.gaussian_process import GaussianProcessReward
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.rollouts.collect import Collector
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.rollouts.film import Film
from rl_teacher.rollouts.tape import ActionTape
from rl_teacher.runs.action_space import action_spec
from rl_teacher.runs.clip_length import steps_of_segment, with_clip_length
from rl_teacher.runs.presets import PRESETS, with_preset
from rl_teacher.teachers.scripted import load_teacher
from rl_teacher.teachers.synthetic import PRESETS as TEACHERS
from rl_teacher.teachers.synthetic import SyntheticTeacher, preset

if TYPE_CHECKING:
    from rl_teacher.human.desk import Desk

AGENTS = {"ppo": "ppo", "trpo": "trpo", "sac": "sac", "pposgd_mpi": "ppo", "parallel_trpo": "trpo"}
PREDICTORS = ("rl", "synth", "human")
REWARD_MODELS = ("gp", "ensemble", "constant", "untrained")
SCHEDULES = ("auto", "annealed", "hyperbolic", "constant_steps", "constant_seconds", "rounds")


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


def complete(config: RunConfig) -> tuple[RunConfig, list[str]]:
    """The configuration with names resolved, presets applied and label counts filled in; and what to tell the user.

    Raises:
        ConfigError: see errors.py; nothing was created yet.
    """
    notes = []
    choose("-p/--predictor", config.predictor, PREDICTORS)
    choose("-a/--agent", config.agent, tuple(AGENTS))
    choose("--schedule", config.schedule, SCHEDULES)
    choose("--preset", config.preset, tuple(PRESETS))
    choose("--pretrain-rollouts", config.pretrain_rollouts, ("random_actions", "policy"))
    choose("--selection.rule", config.selection.rule, tuple(SCORES))
    choose("--reward.model", config.reward.model, REWARD_MODELS)
    if ":" not in config.teacher:
        choose("--teacher", config.teacher, tuple(TEACHERS))
    config = dataclasses.replace(config, agent=AGENTS[config.agent])
    if config.predictor == "human":
        config = dataclasses.replace(config, server=config.server or os.environ.get("RL_TEACHER_SERVER", ""))
    config = with_preset(config)
    if config.preset == "paper" and config.agent != "trpo":
        notes.append(f"The paper's agent is TRPO, this run's is {config.agent}. Use -a trpo for the paper's.")
    if config.predictor != "rl" and config.n_labels is None:
        if config.pretrain_labels is None and config.predictor == "synth":
            config = dataclasses.replace(config, n_labels=DEFAULT_LABELS)
            notes.append(f"No label limit given (-l). Using {DEFAULT_LABELS} synthetic labels.")
        elif config.pretrain_labels is None:
            config = dataclasses.replace(config, pretrain_labels=DEFAULT_HUMAN_PRETRAIN_LABELS)
        if config.n_labels is None:
            notes.append("No label limit given. We will request one label every few seconds.")
    if config.predictor != "rl" and config.pretrain_labels is None:
        assert config.n_labels is not None, "one of the two counts is known by now"
        at_least = FIRST_LABELS if config.preset == "default" else 0
        first = default_pretrain_labels(config.n_labels, at_least=at_least)
        config = dataclasses.replace(config, pretrain_labels=first)
    spec = find_env(config.env_id)
    config, clip_notes = with_clip_length(config, spec)
    return with_discount(config, spec.dt), notes + clip_notes


def with_discount(config: RunConfig, dt: float | None) -> RunConfig:
    """The configuration with the discounts that were not set; `dt` is the simulated time of a step [s], where known."""
    return dataclasses.replace(
        config,
        ppo=dataclasses.replace(config.ppo, discount=discount_of(config.ppo, dt)),
        trpo=dataclasses.replace(config.trpo, discount=discount_of(config.trpo, dt)),
    )


def choose(flag: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a value that is not among the choices, naming close ones."""
    if value not in choices:
        close = difflib.get_close_matches(value, choices, n=2)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise UnknownChoice(f"{flag}: got {value!r}.{hint} Choose one of {', '.join(choices)}.")


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
    actions = action_spec(spec, envs.single_observation_space, envs.single_action_space)

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


def fresh_agent(config: RunConfig, obs_shape: tuple[int, ...], actions: ActionSpec) -> Agent:
    """An agent that has seen nothing."""
    key = Streams(config.seed).key("agent")
    if config.agent == "ppo":
        return PPO.build(obs_shape, actions, config.ppo, key)
    if config.agent == "trpo":
        return TRPO.build(obs_shape, actions, config.trpo, key)
    return SAC.build(
        obs_shape, actions, config.sac, key,
        num_timesteps=config.num_timesteps, with_true_reward=config.predictor == "rl",
    )  # fmt: skip


def build_reward_model(run: Run) -> RewardModel:
    """A reward model that knows nothing; with `-p rl`, the true reward."""
    if run.config.predictor == "rl":
        return TrueReward()
    return fresh_reward_model(
        run.config.reward, run.collector.obs_shape, run.actions.size,
        center=run.spec.is_fixed_horizon, key=run.streams.key("reward"),
    )  # fmt: skip


def fresh_reward_model(
    config: RewardModelConfig, obs_shape: tuple[int, ...], num_actions: int, *, center: bool, key: PRNGKeyArray
) -> RewardModel:
    """A model of the kind that `config` names; `center` shifts its reward to mean 0."""
    if config.model == "constant":
        return ConstantReward.build(config)
    if config.model == "gp":
        return GaussianProcessReward.build(obs_shape, num_actions, config, center=center, key=key)
    is_untrained = config.model == "untrained"
    ensemble = RewardEnsemble.build(
        obs_shape, num_actions, config, center=center, key=key, last_scale=1.0 if is_untrained else 0.01
    )
    return UntrainedReward(ensemble) if is_untrained else ensemble


def build_teacher(config: RunConfig, spec: EnvSpec) -> Teacher | None:
    """The teacher of the run; None with `-p rl`, and with `-p human` until runs/people.py has invited them."""
    if config.predictor != "synth":
        return None
    if ":" in config.teacher:
        return load_teacher(config.teacher, spec.dt or 1.0 / spec.clip_fps)
    changed = {
        f.name: value
        for f in dataclasses.fields(TeacherConfig)
        if (value := getattr(config.synthetic, f.name)) not in (None, False)
    }
    settings = dataclasses.replace(preset(config.teacher), **changed)
    return SyntheticTeacher(config.teacher, settings, config.seed)


def build_label_schedule(config: RunConfig) -> Schedule:
    """How many comparisons are wanted when."""
    if config.predictor == "rl":
        return NoLabels()
    kind = config.schedule
    if kind == "auto":
        by_time = "constant_seconds" if config.predictor == "human" else "constant_steps"
        kind = "annealed" if config.n_labels is not None else by_time
    assert config.pretrain_labels is not None, "complete() fills in the label counts"
    return build_schedule(
        kind, pretrain_labels=config.pretrain_labels, num_labels=config.n_labels, horizon_steps=config.num_timesteps,
        options=ScheduleOptions(),
    )  # fmt: skip
