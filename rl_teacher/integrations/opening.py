"""A reward in training, from what a user's program says: the same for every library."""

from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium import spaces

from rl_teacher.envs.spec import EnvSpec
from rl_teacher.integrations.pictures import Draw
from rl_teacher.integrations.reward_training import RewardTraining
from rl_teacher.integrations.settings import Teacher, settings


def open_training(
    name: str, spec: EnvSpec, library: str, *, obs_space: spaces.Space[Any], action_space: spaces.Space[Any],
    num_envs: int, labels: int, steps: int, teacher: Teacher, draw: Draw | None, log: Callable[[str], None],
    others: dict[str, Any], has_state: bool = False, has_pictures: bool = True,
    copies: list[gymnasium.Env[Any, Any]] | None = None,
) -> RewardTraining:  # fmt: skip
    """Settings checked, folder open, teacher found; nothing is played yet.

    Args:
        name: of the run and of its folder.
        spec: of the environment, with what the user says of the length of its episodes.
        library: whose agent it is, such as 'stable-baselines3'.
        obs_space: see `RewardTraining`, as all that is not named here.
        action_space: see there.
        num_envs: see there.
        labels: budget, met exactly.
        steps: of the whole training.
        teacher: who answers.
        draw: see there.
        log: see there.
        others: more settings of a run, by name.
        has_state: see there.
        has_pictures: see there.
        copies: see there.

    Raises:
        ConfigError: settings contradict themselves, or are none.
        RunExists: the name is taken, and the run is not resumed.
        UnsupportedSpace: nothing here learns from such observations or actions.
    """
    config, notes = settings(name, spec, library, labels=labels, steps=steps, teacher=teacher, **others)
    training = RewardTraining(
        config, spec, obs_space=obs_space, action_space=action_space, num_envs=num_envs,
        script=teacher if callable(teacher) else None, has_state=has_state, has_pictures=has_pictures, copies=copies,
        draw=draw, log=log,
    )  # fmt: skip
    for line in (spec.description, *notes):
        log(line)
    return training
