"""From settings to the live parts of a run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from rl_teacher.config.run import RunConfig
from rl_teacher.core.arrays import Rollout
from rl_teacher.core.streams import Streams
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.protocols import Agent, RolloutHistory, Teacher
from rl_teacher.rollouts.episodes import EpisodeTracker
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.training.checkpointing import Checkpoints
from rl_teacher.training.clock import Clock
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.parts import build_label_schedule, fresh_agent, fresh_reward_model, sees_after
from rl_teacher.training.reporter import Audience, Reporter, VideoMaker
from rl_teacher.training.run import Run
from rl_teacher.training.world import World


def build_run(
    config: RunConfig,
    world: World,
    folder: Path,
    teacher: Teacher | None,
    interrupt: Interrupt,
    *,
    log: Callable[[str], None],
    audience: Audience | None = None,
    videos: VideoMaker | None = None,
    history: RolloutHistory | None = None,
    life: str = "",
) -> Run:
    """All live parts of a run but the agent, which an iteration changes.

    Args:
        config: complete.
        world: where the agent acts.
        folder: of the run.
        teacher: who answers; None with `-p rl`.
        interrupt: knows whether somebody has pressed Ctrl-C.
        log: gets lines for the terminal.
        audience: with `-p human`, the people who teach.
        videos: draws what the agent does as it learns.
        history: with `-p human` and an environment of Gymnasium: what its episodes are played again from.
        life: with `-p human`, a name for this process, so that no id that it makes was used before a crash.
    """
    spec, streams, clock = world.spec, Streams(config.seed), Clock()
    episodes = EpisodeTracker(world.collector.num_envs, spec.horizon, is_fixed_horizon=spec.is_fixed_horizon)
    learner = None
    if teacher is not None:
        learner = build_learner(
            config, spec, folder, teacher, obs_shape=world.collector.obs_shape, num_actions=world.actions.size,
            segment_steps=world.segment_steps, history=history, life=life,
        )  # fmt: skip
    reporter = Reporter(
        config, spec, world.input_names, folder, episodes=episodes, learner=learner, clock=clock, audience=audience,
        videos=videos, log=log,
    )  # fmt: skip
    checkpoints = Checkpoints(
        folder, collector=world.collector, episodes=episodes, learner=learner, clock=clock, reporter=reporter
    )
    return Run(config, world, streams, learner, episodes, clock, reporter, checkpoints, interrupt)


def build_learner(
    config: RunConfig,
    spec: EnvSpec,
    folder: Path,
    teacher: Teacher,
    *,
    obs_shape: tuple[int, ...],
    num_actions: int,
    segment_steps: int,
    history: RolloutHistory | None = None,
    shown: Callable[[Rollout], Bool[np.ndarray, "time env"]] | None = None,
    life: str = "",
    is_recorded: bool = False,
) -> PreferenceLearner:
    """The learner of a run that asks somebody, with its label log in `folder`.

    Args:
        config: complete.
        spec: of the environment.
        folder: of the run.
        teacher: who answers.
        obs_shape: of one observation.
        num_actions: numbers that an action has for the reward model.
        segment_steps: steps of a segment.
        history: see `build_run`.
        shown: says of which steps there are pictures, where not all have one.
        life: see `build_run`.
        is_recorded: whether rollouts show episodes of a data set, which come again.
    """
    assert config.pretrain_labels is not None, "complete() fills in the label counts"
    streams = Streams(config.seed)
    reward_model = fresh_reward_model(
        config.reward,
        obs_shape,
        num_actions,
        center=spec.is_fixed_horizon,
        key=streams.key("reward"),
        turns=spec.turns,
    )
    return PreferenceLearner(
        reward_model=reward_model,
        teacher=teacher,
        schedule=build_label_schedule(config),
        label_log=LabelLog(folder),
        selection=config.selection,
        segment_steps=segment_steps,
        pretrain_labels=config.pretrain_labels,
        streams=streams,
        # All that decides what a segment holds, so that a run's name changes no result.
        origin=f"{spec.canonical_id}/{config.seed}{life and '/' + life}",
        env_id=spec.env_id,
        clip_fps=spec.clip_fps,
        episode_steps=spec.horizon or 1000,
        shows_ends=not spec.is_fixed_horizon,
        shows_after=sees_after(config.reward, obs_shape),
        history=history,
        shown=shown,
        is_recorded=is_recorded,
        seeks_rare=spec.is_game,
    )


def build_agent(config: RunConfig, world: World) -> Agent:
    """The agent of a run at its start."""
    return fresh_agent(config, world.collector.obs_shape, world.actions, is_fixed_horizon=world.spec.is_fixed_horizon)
