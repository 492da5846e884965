"""Refuse nan and infinity from an environment, saying which entry of which environment it was."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rl_teacher.envs.numbering import Numbering
from rl_teacher.errors import NotFinite

LARGEST = 1e16
"""Statistics add up squares of a million frames and more; of larger numbers float32 could not hold the sum."""
NOTHING_LOST = "Nothing was lost; fix the env, then run the same command with --resume."


def require_finite(
    observations: npt.NDArray[Any],
    rewards: npt.NDArray[Any],
    env_id: str,
    step: int,
    numbering: Numbering | None = None,
) -> None:
    """Raise NotFinite unless every observation (num_envs, *obs) and true reward (num_envs,) can be computed with.

    Args:
        observations: of all environments, before ended episodes are reset.
        rewards: true rewards of the same step.
        env_id: named in the error.
        step: steps of all environments together until now, named in the error.
        numbering: which environments these are; all, unless it is given.
    """
    if is_finite(observations).all() and is_finite(rewards).all():
        return
    for what, values in (("observation", observations), ("reward", rewards)):
        bad = np.argwhere(~is_finite(values))
        if len(bad):
            env, *entry = (int(index) for index in bad[0])
            place = f"{what}{entry}" if entry else what
            value = values[tuple(bad[0])]
            too_large = f", whose square float32 cannot add up: at most {LARGEST:g} is learned from"
            raise not_finite(
                env_id,
                (numbering or Numbering(0, len(rewards))).name(env),
                step,
                f"{place} is {value}{too_large if np.isfinite(value) else ''}",
            )


def is_finite(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where agents and reward models can compute with values, which they do as float32: neither nan nor too large."""
    return np.asarray(np.abs(values) <= LARGEST)  # nan is not


def not_finite(env_id: str, name: str, step: int, what: str) -> NotFinite:
    """The error for the environment `name`; `what` says which value it was."""
    return NotFinite(f"env '{env_id}', {name}, step {step:,}: {what}. {NOTHING_LOST}")
