"""Steps of Gymnasium's environments, side by side or single, as outcomes, whatever their autoreset mode."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple, Protocol, runtime_checkable

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from jaxtyping import Float, Num, Shaped

from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError, EnvFault
from rl_teacher.integrations.clip_size import CLIP_SIZE
from rl_teacher.integrations.observations import Flattener
from rl_teacher.integrations.steps import Outcome

FINAL = "final_obs"
"""Where SAME_STEP has the last observations of episodes."""


def autoreset_mode(envs: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """When environments begin anew: not knowing it, first observations would be taken for last ones.

    Raises:
        ConfigError: they do not say.
    """
    found = envs.metadata.get("autoreset_mode")
    if isinstance(found, AutoresetMode):
        return found
    raise ConfigError(
        f"{envs}: metadata['autoreset_mode'] is {found!r}, expected one of {', '.join(map(str, AutoresetMode))}. Set "
        "it to what they do: AutoresetMode.SAME_STEP where the step that ends an episode begins the next one."
    )


class Made(NamedTuple):
    """What a step came to, and what of it the agent may see once it is cleaned."""

    outcome: Outcome
    obs: Any
    """A copy, since some environments use their arrays again."""
    infos: dict[str, Any]


class VectorSteps:
    """Steps environments side by side; satisfies steps.Stepper.

    Args:
        envs: whose they are.
        spec: of one of them.
        flatten: makes arrays of observations.
        seed: of the first reset of `reset`.

    Raises:
        ConfigError: they do not say when they begin anew.
    """

    def __init__(self, envs: VectorEnv[Any, Any, Any], spec: EnvSpec, flatten: Flattener, seed: int) -> None:
        self._envs, self._spec, self._flatten, self._mode = envs, spec, flatten, autoreset_mode(envs)
        self._seed: int | None = seed
        self.obs: np.ndarray | None = None
        """Acted on next, (env, *obs); None before the first reset."""
        self.ended = np.zeros(envs.num_envs, bool)
        """Whose last step ended an episode, and who was not reset since."""

    def reset(self) -> Num[np.ndarray, "env *obs"]:
        """Begin anew everywhere; the first time with the seed."""
        seed, self._seed, self.ended[:] = self._seed, None, False
        self.obs = self._flatten(self._envs.reset(seed=seed)[0])
        return self.obs

    def step(self, env_action: Shaped[np.ndarray, "env ..."]) -> Outcome:
        """A step, and resets of those that ended, where nobody else resets them."""
        outcome = self.make(env_action).outcome
        if self._mode is not AutoresetMode.DISABLED or not self.ended.any():
            return outcome
        obs, _ = self._envs.reset(options={"reset_mask": self.ended.copy()})
        self.ended[:] = False
        self.obs = self._flatten(obs)
        return outcome._replace(obs=self.obs)

    def render(self, envs: Sequence[int]) -> Sequence[Any]:
        """What these environments look like now; of those in other processes all are drawn, but for ClipSize."""
        inner: Any = self._envs.unwrapped
        if isinstance(inner, SyncVectorEnv):
            return [inner.envs[env].render() for env in envs]
        if not self._envs.metadata.get(CLIP_SIZE):
            pictures = inner.render()
        else:
            inner.set_attr("is_drawn", [env in envs for env in range(self._envs.num_envs)])
            pictures = inner.call("clip_picture")
        return [None if pictures is None else pictures[env] for env in envs]

    def make(self, actions: Shaped[np.ndarray, "env ..."]) -> Made:
        """A step.

        Raises:
            ResetNeeded: an environment has ended, and nobody has reset it.
        """
        if self._mode is AutoresetMode.DISABLED and self.ended.any():
            raise ResetNeeded(
                f"env {self._spec.env_id!r}: environments {np.flatnonzero(self.ended).tolist()} of {len(self.ended)} "
                "have ended, and their autoreset mode is DISABLED. Call reset(options={'reset_mask': terminated | "
                "truncated}) before step()."
            )
        state = _sim_states(self._envs.unwrapped) if self._spec.is_task else None
        obs, true_reward, *ends, infos = self._envs.step(actions)
        terminated, truncated = (np.array(one, bool) for one in ends)
        alive = ~self.ended if self._mode is AutoresetMode.NEXT_STEP else None
        self.ended = terminated | truncated
        self.obs = flat = self._flatten(obs)
        next_obs = self._final(flat, infos) if self._mode is AutoresetMode.SAME_STEP and self.ended.any() else flat
        true = np.array(true_reward, np.float32)
        return Made(Outcome(flat, next_obs, true, terminated, truncated, alive, state), deepcopy(obs), infos)

    def _final(self, flat: np.ndarray, infos: dict[str, Any]) -> np.ndarray:
        """Where the steps led: at the ends of episodes their last observations, which infos have."""
        if FINAL not in infos:
            raise EnvFault(
                f"env {self._spec.env_id!r}: an episode ended in autoreset mode SAME_STEP, and infos have no "
                f"{FINAL!r}, expected the last observations. The environment, or a wrapper in it, must put them there."
            )
        final, found = infos[FINAL], flat.copy()
        if isinstance(final, np.ndarray) and final.dtype == object:  # those of Gymnasium, one by one
            for env in np.flatnonzero(self.ended):
                found[env] = self._flatten.one(final[env])
        else:
            found[self.ended] = self._flatten(final)[self.ended]
        return found


class SingleSteps:
    """Steps an environment, as if it were the only one of many; satisfies steps.Stepper.

    Args:
        env: which one.
        spec: of it.
        flatten: makes arrays of observations.
        seed: of the first reset of `reset`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], spec: EnvSpec, flatten: Flattener, seed: int) -> None:
        self._env, self._spec, self._flatten = env, spec, flatten
        self._seed: int | None = seed
        self.obs: np.ndarray | None = None
        """Acted on next, (1, *obs); None where an episode must begin first."""

    def reset(self) -> Num[np.ndarray, "env *obs"]:
        """Begin anew; the first time with the seed."""
        seed, self._seed = self._seed, None
        self.obs = self._flatten.one(self._env.reset(seed=seed)[0])[None]
        return self.obs

    def step(self, env_action: Shaped[np.ndarray, "env ..."]) -> Outcome:
        """A step, and a reset where it ended an episode."""
        outcome = self.make(env_action[0]).outcome
        is_over = (outcome.terminated | outcome.truncated).any()
        return outcome._replace(obs=self.reset()) if is_over else outcome

    def render(self, envs: Sequence[int]) -> Sequence[Any]:
        """What it looks like now."""
        return [self._env.render() for _ in envs]

    def make(self, action: Any) -> Made:
        """A step."""
        state = np.array(self._env.get_wrapper_attr("sim_state")())[None] if self._spec.is_task else None
        obs, true_reward, terminated, truncated, info = self._env.step(action)
        self.obs, true = self._flatten.one(obs)[None], np.array([true_reward], np.float32)
        outcome = Outcome(
            self.obs, self.obs, true, np.array([bool(terminated)]), np.array([bool(truncated)]), None, state
        )
        return Made(outcome, deepcopy(obs), info)


@runtime_checkable
class _HasSimState(Protocol):
    def sim_state(self) -> Float[np.ndarray, "env state"]: ...


def _sim_states(inner: Any) -> Float[np.ndarray, "env state"]:
    """The simulators of our own tasks side by side, copied."""
    return np.array(inner.sim_state()) if isinstance(inner, _HasSimState) else np.stack(inner.call("sim_state"))
