"""Teach reinforcement-learning agents from human preferences.

A run, as `rl-teacher teach -p synth -l 100 -e ShortHopper-v1 -n hop -t 1e6` does it:

    from rl_teacher import RunConfig, train

    train(RunConfig(env_id="ShortHopper-v1", predictor="synth", name="hop", n_labels=100, num_timesteps=1_000_000))

The names below are public. Each is imported when it is first used, so that `import rl_teacher` costs nothing. The loop
itself is `rl_teacher.teach.teach`: here `teach` is the module, and a function of the same name would hide it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rl_teacher.commands.train import train
    from rl_teacher.config.agents import PPOConfig, SACConfig, TRPOConfig
    from rl_teacher.config.presets import preset
    from rl_teacher.config.reward import RewardModelConfig
    from rl_teacher.config.run import HumanConfig, RunConfig, SelectionConfig, TeacherConfig
    from rl_teacher.config.schedule import ScheduleConfig
    from rl_teacher.core.actions import ActionSpec
    from rl_teacher.core.arrays import BlindRollout, LabeledBatch, RewardInput, Rollout, Segments
    from rl_teacher.core.running_stats import RunningStats
    from rl_teacher.core.segment import Segment
    from rl_teacher.envs.catalog import find_env, make_envs
    from rl_teacher.envs.spec import EnvSpec
    from rl_teacher.errors import RlTeacherError
    from rl_teacher.preferences.learner import PreferenceLearner
    from rl_teacher.protocols import (
        Actor,
        Agent,
        Collector,
        Envs,
        FitData,
        HasPortable,
        HasRelevances,
        HasSaliency,
        LabelLog,
        PortableParts,
        Relevance,
        RewardFn,
        RewardModel,
        Teacher,
        UpdateResult,
    )
    from rl_teacher.records import Comparison, Label, Preference
    from rl_teacher.rewards.portable import PortableReward, load_reward
    from rl_teacher.teachers.act import Act
    from rl_teacher.teachers.scripted import SegmentView

# Module -> its public names: the same as above, which is for type checkers and readers.
_PUBLIC = {
    "commands.train": ("train",),
    "config.agents": ("PPOConfig", "SACConfig", "TRPOConfig"),
    "config.presets": ("preset",),
    "config.reward": ("RewardModelConfig",),
    "config.run": ("HumanConfig", "RunConfig", "SelectionConfig", "TeacherConfig"),
    "config.schedule": ("ScheduleConfig",),
    "core.actions": ("ActionSpec",),
    "core.arrays": ("BlindRollout", "LabeledBatch", "RewardInput", "Rollout", "Segments"),
    "core.running_stats": ("RunningStats",),
    "core.segment": ("Segment",),
    "envs.catalog": ("find_env", "make_envs"),
    "envs.spec": ("EnvSpec",),
    "errors": ("RlTeacherError",),
    "preferences.learner": ("PreferenceLearner",),
    "protocols": (
        "Actor", "Agent", "Collector", "Envs", "FitData", "HasPortable", "HasRelevances", "HasSaliency", "LabelLog",
        "PortableParts", "Relevance", "RewardFn", "RewardModel", "Teacher", "UpdateResult",
    ),
    "records": ("Comparison", "Label", "Preference"),
    "rewards.portable": ("PortableReward", "load_reward"),
    "teachers.act": ("Act",),
    "teachers.scripted": ("SegmentView",),
}  # fmt: skip

__all__ = [
    "Act", "ActionSpec", "Actor", "Agent", "BlindRollout", "Collector", "Comparison", "EnvSpec", "Envs", "FitData",
    "HasPortable", "HasRelevances", "HasSaliency", "HumanConfig", "Label", "LabelLog", "LabeledBatch", "PPOConfig",
    "PortableParts", "PortableReward", "Preference", "PreferenceLearner", "Relevance", "RewardFn", "RewardInput",
    "RewardModel",
    "RewardModelConfig", "RlTeacherError", "Rollout", "RunConfig", "RunningStats", "SACConfig", "ScheduleConfig",
    "Segment", "SegmentView", "Segments", "SelectionConfig", "TRPOConfig", "Teacher", "TeacherConfig", "UpdateResult",
    "find_env", "load_reward", "make_envs", "preset", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _PUBLIC.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value  # the next time, Python finds it without this function
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
