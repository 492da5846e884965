"""Refuse nan and infinity from an environment, saying which entry of which environment it was."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.errors import NotFinite

NOTHING_LOST = "Nothing was lost; fix the env, then run the same command with --resume."


def require_finite(observations: npt.NDArray[Any], rewards: npt.NDArray[Any], env_id: str, step: int) -> None:
    """Raise NotFinite unless every observation (num_envs, *obs) and true reward (num_envs,) is finite as float32.

    Args:
        observations: of all environments, before ended episodes are reset.
        rewards: true rewards of the same step.
        env_id: named in the error.
        step: steps of all environments together until now, named in the error.
    """
    if is_finite(observations).all() and is_finite(rewards).all():
        return
    for what, values in (("observation", observations), ("reward", rewards)):
        bad = np.argwhere(~is_finite(values))
        if len(bad):
            env, *entry = (int(index) for index in bad[0])
            place = f"{what}{entry}" if entry else what
            value = values[tuple(bad[0])]
            too_large = ", more than float32 holds" if np.isfinite(value) else ""
            raise not_finite(env_id, env, len(rewards), step, f"{place} is {value}{too_large}")


def is_finite(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where values are finite as float32, which is what agents and reward models compute with."""
    with np.errstate(over="ignore"):
        return np.isfinite(values.astype(np.float32, copy=False))


def not_finite(env_id: str, env: int, num_envs: int, step: int, what: str) -> NotFinite:
    """The error for one environment; `what` says which value it was."""
    return NotFinite(f"env '{env_id}', env {env} of {num_envs}, step {step:,}: {what}. {NOTHING_LOST}")
