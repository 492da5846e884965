"""From the few words of a training script to the settings of a run: the same names, defaults and checks."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

from rl_teacher.config.run import RunConfig
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError
from rl_teacher.oneline import written
from rl_teacher.teachers.scripted import Script
from rl_teacher.training.complete import complete
from rl_teacher.training.segment_length import with_clip_length

PEOPLE = "people"
"""The word for a teacher who is everybody that opens the labeling page."""
Teacher = str | Script
"""oracle, mistake and so on; people; path/to/file.py:function; or a function of two segments."""
LEAST_TURNS = 50
"""So many turns a training has at least: in each, questions are asked and the reward may be fitted."""
MOST_TURN_STEPS = 4096
"""Steps of a turn, however long the training is: those of our own PPO."""


def settings(
    name: str, spec: EnvSpec, agent: str, *, labels: int, steps: int, teacher: Teacher, **others: Any
) -> tuple[RunConfig, list[str]]:
    """The settings of a reward that is learned beside somebody's agent, complete; and what to tell the user.

    Args:
        name: of the run and of its folder.
        spec: of the environment.
        agent: whose training it is, such as 'stable-baselines3'.
        labels: budget, met exactly.
        steps: environment steps of the whole training, over which the questions are spread.
        teacher: who answers.
        others: more fields of RunConfig, such as seed, resume, pretrain_labels, clip_length, reward or human.

    Raises:
        ConfigError: something in them contradicts itself.
    """
    if not callable(teacher) and not isinstance(teacher, str):
        raise ConfigError(
            f"teacher: got {written(teacher)}, expected a name (docs/teachers.md), 'people', or a function."
        )
    called = teacher if isinstance(teacher, str) and teacher != PEOPLE else "oracle"
    given = {"name": name, "n_labels": _whole(labels), "num_timesteps": _whole(steps), **others}
    _check(given)
    predictor = "human" if teacher == PEOPLE else "synth"
    asked = RunConfig(env_id=spec.env_id, predictor=predictor, teacher=called, **given)
    config, notes = complete(asked, spec)
    said = name_of(teacher) if callable(teacher) else config.teacher
    return with_clip_length(dataclasses.replace(config, agent=agent, teacher=said), spec), notes


CALLED = {"n_labels": "labels", "num_timesteps": "steps"}
"""Fields of RunConfig that have a name of their own here."""


def _whole(value: Any) -> Any:
    """2e5 as the whole number that it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(given: Mapping[str, Any]) -> None:
    """Refuse what is no setting, or no value of its type: a training script has no flags that would."""
    hints = get_type_hints(RunConfig)
    for name, value in given.items():
        if name not in hints:
            raise ConfigError(f"{name!r} is no setting of a reward. Use one of: {', '.join(sorted(hints))}.")
        kinds = get_args(hints[name]) or (hints[name],)
        fits = isinstance(value, (*kinds, int) if float in kinds else kinds)
        if not fits or (isinstance(value, bool) and bool not in kinds):
            expected = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
            raise ConfigError(f"{CALLED.get(name, name)}: got {written(value)}, expected {expected}.")


def name_of(script: Callable[..., Any]) -> str:
    """What a function is called in settings and labels."""
    return f"{getattr(script, '__module__', '?')}.{getattr(script, '__qualname__', type(script).__name__)}"


def turn_steps(num_timesteps: int) -> int:
    """Environment steps after which a turn is due."""
    return max(1, min(MOST_TURN_STEPS, num_timesteps // LEAST_TURNS))


def with_length(spec: EnvSpec, fixed_length: bool | None) -> EnvSpec:
    """The same, with what the user says of the length of episodes; None: as it is."""
    return spec if fixed_length is None else dataclasses.replace(spec, is_fixed_horizon=fixed_length)
