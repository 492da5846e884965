"""A policy bound to its parameters for one rollout: the function that is called at every environment step."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.agents.actor_critic import ActorCritic
from rl_teacher.agents.observations import acting_inputs, acting_scale
from rl_teacher.core.distributions import Distribution
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.vision import Scale, picture_scale


@dataclass(frozen=True, slots=True)
class Actor:
    """What a collector needs of an agent; satisfies protocols.Actor."""

    noise: Callable[[PRNGKeyArray, int, int], Num[np.ndarray, "time env ..."]]
    """Noise of a whole rollout of (time, env), drawn at once so that no step pays for it."""
    act: Callable[[Num[np.ndarray, "env ..."], Num[np.ndarray, "env ..."]], Num[np.ndarray, "env ..."]]
    """Observations and one row of noise -> actions in policy units."""
    mode: Callable[[Num[np.ndarray, "env ..."]], Num[np.ndarray, "env ..."]]
    """Observations -> the most likely actions."""


def actor_of(networks: ActorCritic, obs_stats: RunningStats, distribution: Distribution) -> Actor:
    """The actor of these networks. Plain tuples of arrays go to the compiled function: they dispatch fastest."""
    params: Any = (networks.policy.weights, networks.policy.biases, networks.log_std, *acting_scale(obs_stats))
    sample, likeliest = _act, _mode
    if networks.torso is not None:
        params = (networks, picture_scale(obs_stats.mean, obs_stats.variance))
        sample, likeliest = _act_on_pictures, _mode_of_pictures

    def noise(key: PRNGKeyArray, num_steps: int, num_envs: int) -> Num[np.ndarray, "time env ..."]:
        return np.asarray(distribution.noise(key, (num_steps, num_envs)))

    def act(obs: Num[np.ndarray, "env ..."], row: Num[np.ndarray, "env ..."]) -> Num[np.ndarray, "env ..."]:
        return np.asarray(sample(params, obs, row, distribution))

    def mode(obs: Num[np.ndarray, "env ..."]) -> Num[np.ndarray, "env ..."]:
        return np.asarray(likeliest(params, obs, distribution))

    return Actor(noise, act, mode)


PictureParams = tuple[ActorCritic, Scale]


@partial(jax.jit, static_argnums=3)
def _act_on_pictures(
    params: PictureParams, obs: Num[Array, "env ..."], noise: Float[Array, "env act"], distribution: Distribution
) -> Num[Array, "env ..."]:
    networks, scale = params
    return distribution.sample(networks.heads(obs, scale)[0], networks.log_std, noise)


@partial(jax.jit, static_argnums=2)
def _mode_of_pictures(
    params: PictureParams, obs: Num[Array, "env ..."], distribution: Distribution
) -> Num[Array, "env ..."]:
    networks, scale = params
    return distribution.mode(networks.heads(obs, scale)[0])


Params = tuple[tuple[Array, ...], tuple[Array, ...], Array, Array, Array]


@partial(jax.jit, static_argnums=3)
def _act(
    params: Params, obs: Num[Array, "env ..."], noise: Float[Array, "env act"], distribution: Distribution
) -> Num[Array, "env ..."]:
    return distribution.sample(_outputs(params, obs), params[2], noise)


@partial(jax.jit, static_argnums=2)
def _mode(params: Params, obs: Num[Array, "env ..."], distribution: Distribution) -> Num[Array, "env ..."]:
    return distribution.mode(_outputs(params, obs))


def _outputs(params: Params, obs: Num[Array, "env ..."]) -> Float[Array, "env p"]:
    weights, biases, _, mean, inverse_std = params
    x = acting_inputs(obs, (mean, inverse_std))
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = jnp.tanh(x @ weight + bias[None])
    return x @ weights[-1] + biases[-1][None]
