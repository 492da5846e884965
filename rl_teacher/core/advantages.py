"""Generalized advantage estimation that knows a time limit from a death."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def generalized_advantages(
    reward: Float[Array, "time env"],
    value: Float[Array, "time env"],
    last_value: Float[Array, " env"],
    final_value: Float[Array, "time env"],
    terminated: Bool[Array, "time env"],
    truncated: Bool[Array, "time env"],
    counted: Bool[Array, "time env"],
    *,
    discount: float,
    gae_lambda: float,
) -> Float[Array, "time env"]:
    """Advantages by GAE(lambda): a truncated episode bootstraps from its final observation, a terminated one does not.

    The sum over l >= 0 of (discount * lambda)^l delta_{t+l}, where delta_t = r_t + discount * v_{t+1} - v_t, and
    v_{t+1} is 0 after termination, final_value after truncation, last_value after the last counted step. It stops
    at every end.

    Args:
        reward: of each step, scaled as the values are.
        value: of the observation before each step.
        last_value: of the observation after the last counted step.
        final_value: of the last observation of an episode, read only where `truncated`.
        terminated: the episode ended in a state of no future.
        truncated: the episode was cut by a time limit.
        counted: False for padding, whose advantage is 0. Padding follows all counted steps.
        discount: gamma, in [0, 1].
        gae_lambda: lambda, in [0, 1].

    Source: Schulman et al. 2016, arXiv:1506.02438, eq. 16; truncation: Pardo et al. 2018, arXiv:1712.00378.
    """
    following = jnp.concatenate([value[1:], last_value[None]])
    is_last = counted & ~jnp.concatenate([counted[1:], jnp.zeros_like(counted[:1])])
    following = jnp.where(is_last, last_value[None], following)
    following = jnp.where(truncated, final_value, following)
    following = jnp.where(terminated, 0.0, following)
    delta = reward + discount * following - value
    goes_on = (~(terminated | truncated)).astype(value.dtype)

    def backward(
        later: Float[Array, " env"], step: tuple[Float[Array, " env"], Float[Array, " env"], Bool[Array, " env"]]
    ) -> tuple[Float[Array, " env"], Float[Array, " env"]]:
        delta_t, goes_on_t, counted_t = step
        advantage = jnp.where(counted_t, delta_t + discount * gae_lambda * goes_on_t * later, 0.0)
        return advantage, advantage

    _, advantages = jax.lax.scan(
        backward, jnp.zeros_like(last_value), (delta, goes_on, counted), reverse=True, unroll=8
    )
    return advantages
