"""From the word in a setting to the class: which agents, reward models, teachers and schedules there are."""

import dataclasses
import math

from jaxtyping import PRNGKeyArray

from rl_teacher.agents.ppo import PPO
from rl_teacher.agents.sac import SAC
from rl_teacher.agents.trpo import TRPO
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig, TeacherConfig
from rl_teacher.config.user_code import build_from, is_user_code
from rl_teacher.core.actions import ActionSpec
from rl_teacher.core.streams import Streams
from rl_teacher.core.vision import is_picture
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import UnsupportedSpace
from rl_teacher.preferences.schedules import NoLabels, Schedule, build_schedule
from rl_teacher.protocols import Agent, RewardModel, Teacher
from rl_teacher.rewards.baselines import ConstantReward, UntrainedReward
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.gp.meetings import MOST_NUMBERS, met_in
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.rewards.pictures.model import PictureReward
from rl_teacher.teachers.scripted import load_teacher
from rl_teacher.teachers.synthetic import SyntheticTeacher, preset

AGENTS = {"ppo": "ppo", "trpo": "trpo", "sac": "sac", "pposgd_mpi": "ppo", "parallel_trpo": "trpo"}
PREDICTORS = ("rl", "synth", "human")
REWARD_MODELS = ("auto", "gp", "cnn", "ensemble", "constant", "untrained")
AGENT_KEYWORDS = ("obs_shape", "actions", "config", "key")
REWARD_MODEL_KEYWORDS = ("obs_shape", "num_actions", "config", "center", "key")
"""With these `build` of a class of the user's is called."""
PRETRAIN_ROLLOUTS = ("held_actions", "random_actions", "policy")
SCHEDULES = ("auto", "annealed", "hyperbolic", "constant_steps", "constant_seconds", "rounds")


def fresh_agent(config: RunConfig, obs_shape: tuple[int, ...], actions: ActionSpec, *, is_fixed_horizon: bool) -> Agent:
    """An agent that has seen nothing; unless `is_fixed_horizon`, a learned reward is told which steps end episodes."""
    key = Streams(config.seed).key("agent")
    if is_user_code(config.agent):
        made: Agent = build_from(
            "-a/--agent", config.agent, Agent, obs_shape=obs_shape, actions=actions, config=config, key=key
        )
        return made
    if config.agent == "ppo":
        return PPO.build(obs_shape, actions, config.ppo, key)
    if config.agent == "trpo":
        return TRPO.build(obs_shape, actions, config.trpo, key)
    return SAC.build(
        obs_shape, actions, config.sac, key,
        num_timesteps=config.num_timesteps, with_true_reward=config.predictor == "rl",
        shows_ends=config.predictor != "rl" and not is_fixed_horizon,
    )  # fmt: skip


def fresh_reward_model(
    config: RewardModelConfig, obs_shape: tuple[int, ...], num_actions: int, *, center: bool, key: PRNGKeyArray,
    turns: tuple[int, ...] = (),
) -> RewardModel:  # fmt: skip
    """A model of the kind that `config` names.

    Args:
        config: its settings.
        obs_shape: of one observation.
        num_actions: numbers that an action has for the model.
        center: shift its reward to mean 0.
        key: draws what is random in it.
        turns: numbers of an observation that are angles of what can turn all the way round (`EnvSpec.turns`).
    """
    if is_user_code(config.model):
        made: RewardModel = build_from(
            "--reward.model", config.model, RewardModel,
            obs_shape=obs_shape, num_actions=num_actions, config=config, center=center, key=key,
        )  # fmt: skip
        return made
    config = dataclasses.replace(config, model=reward_model_of(config.model, obs_shape))
    if config.model == "cnn":
        return PictureReward.build(obs_shape, config, center=center, key=key)
    if config.model == "constant":
        return ConstantReward.build(config)
    if config.model == "gp":
        return GaussianProcessReward.build(obs_shape, num_actions, config, center=center, key=key, turns=turns)
    is_untrained = config.model == "untrained"
    ensemble = RewardEnsemble.build(
        obs_shape, num_actions, config, center=center, key=key, last_scale=1.0 if is_untrained else 0.01
    )
    return UntrainedReward(ensemble) if is_untrained else ensemble


def reward_model_of(word: str, obs_shape: tuple[int, ...]) -> str:
    """The reward model that a setting means where observations have this shape.

    >>> reward_model_of("auto", (42, 42, 4)), reward_model_of("auto", (10, 10, 4)), reward_model_of("auto", (11,))
    ('cnn', 'gp', 'gp')

    Raises:
        UnsupportedSpace: a convolutional network was asked for, and observations are no pictures.
    """
    if word == "cnn" and not is_picture(obs_shape):
        raise UnsupportedSpace(
            f"--reward.model: got 'cnn' for observations of shape {obs_shape}, expected pictures (height, width, "
            "channels) of at least 8 x 8. Use --reward.model gp."
        )
    if word == "auto":
        return "cnn" if is_picture(obs_shape) and math.prod(obs_shape) > MOST_NUMBERS else "gp"
    return word


def sees_after(config: RewardModelConfig, obs_shape: tuple[int, ...]) -> bool:
    """Whether the reward model depends on what is observed after a step even where no episode can end early.

    >>> sees_after(RewardModelConfig(), (10, 10, 4)), sees_after(RewardModelConfig(), (11,))
    (True, False)
    """
    is_process = not is_user_code(config.model) and reward_model_of(config.model, obs_shape) == "gp"
    return is_process and met_in(obs_shape, config) is not None


def build_teacher(config: RunConfig, spec: EnvSpec) -> Teacher | None:
    """The teacher of the run; None with `-p rl`, and with `-p human`, whose teacher is people."""
    if config.predictor != "synth":
        return None
    if is_user_code(config.teacher):
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
    kind = config.schedule.kind
    if kind == "auto":
        by_time = "constant_seconds" if config.predictor == "human" else "constant_steps"
        kind = "annealed" if config.n_labels is not None else by_time
    assert config.pretrain_labels is not None, "complete() fills in the label counts"
    return build_schedule(
        kind, pretrain_labels=config.pretrain_labels, num_labels=config.n_labels, horizon_steps=config.num_timesteps,
        options=config.schedule,
    )  # fmt: skip
