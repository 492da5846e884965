"""From the settings that a user gave to those that a run has: names resolved, counts filled in."""

import dataclasses
import os

from rl_teacher.config.agents import discount_of, settled
from rl_teacher.config.choices import choose
from rl_teacher.config.presets import require_preset
from rl_teacher.config.run import DEFAULT_HUMAN_PRETRAIN_LABELS, DEFAULT_LABELS, RunConfig, of_today
from rl_teacher.config.user_code import is_user_code, load_class
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.preferences.rounds import RULES
from rl_teacher.preferences.schedules import FIRST_LABELS, default_pretrain_labels
from rl_teacher.protocols import Agent, RewardModel
from rl_teacher.teachers.synthetic import PRESETS as TEACHERS
from rl_teacher.training.parts import (
    AGENT_KEYWORDS,
    AGENTS,
    PREDICTORS,
    PRETRAIN_ROLLOUTS,
    REWARD_MODEL_KEYWORDS,
    REWARD_MODELS,
    SCHEDULES,
    build_label_schedule,
)
from rl_teacher.training.task_sentence import with_task


def complete(config: RunConfig, spec: EnvSpec) -> tuple[RunConfig, list[str]]:
    """The configuration with names resolved and counts filled in; and what to tell the user.

    Where the length of a clip was not set, it stays so, and `training.segment_length.with_clip_length` fills it in.

    Args:
        config: as the user gave it.
        spec: of the environment, from `find_env(config.env_id)`.

    Raises:
        ConfigError: see errors.py; nothing was created yet.
    """
    notes = []
    config = dataclasses.replace(config, **of_today({"preset": config.preset, "teacher": config.teacher}))
    choose("-p/--predictor", config.predictor, PREDICTORS)
    if is_user_code(config.agent):
        load_class("-a/--agent", config.agent, Agent, AGENT_KEYWORDS)
    else:
        choose("-a/--agent", config.agent, tuple(AGENTS))
    choose("--schedule", config.schedule.kind, SCHEDULES)
    choose("--pretrain-rollouts", config.pretrain_rollouts, PRETRAIN_ROLLOUTS)
    choose("--selection.rule", config.selection.rule, RULES)
    if is_user_code(config.reward.model):
        load_class("--reward.model", config.reward.model, RewardModel, REWARD_MODEL_KEYWORDS)
    else:
        choose("--reward.model", config.reward.model, REWARD_MODELS)
    if not is_user_code(config.teacher):
        choose("--teacher", config.teacher, tuple(TEACHERS))
    config = dataclasses.replace(config, agent=AGENTS.get(config.agent, config.agent))
    require_preset(config)
    if config.predictor == "human":
        config = dataclasses.replace(config, server=config.server or os.environ.get("RL_TEACHER_SERVER", ""))
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
    config, said = with_task(config, spec)
    notes += said
    build_label_schedule(config)  # what contradicts itself is refused here, before a folder is made
    if config.reward.model == "auto" and not spec.shows_pictures:
        config = dataclasses.replace(config, reward=dataclasses.replace(config.reward, model="gp"))
    ppo = settled(config.ppo, sees_pictures=spec.shows_pictures, num_steps=config.num_timesteps)
    config = dataclasses.replace(config, ppo=ppo)
    return with_discount(config, spec.dt), notes


def with_discount(config: RunConfig, dt: float | None) -> RunConfig:
    """The configuration with the discounts that were not set; `dt` is the simulated time of a step [s], where known."""
    return dataclasses.replace(
        config,
        ppo=dataclasses.replace(config.ppo, discount=discount_of(config.ppo, dt)),
        trpo=dataclasses.replace(config.trpo, discount=discount_of(config.trpo, dt)),
    )
