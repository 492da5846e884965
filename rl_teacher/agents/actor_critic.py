"""The policy and value networks that PPO and TRPO share, and the normalizers that belong to them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.core.distributions import Distribution
from rl_teacher.core.networks import MLP, orthogonal_mlp
from rl_teacher.core.running_stats import RunningStats


class ActorCritic(eqx.Module):
    """Two separate networks over the same normalized observation."""

    policy: MLP
    log_std: Float[Array, " act"]
    """State-independent log standard deviations; not used by categorical policies."""
    value: MLP
    """Predicts (discounted return - mean) / std of the value statistics."""

    @classmethod
    def build(
        cls,
        num_obs: int,
        distribution: Distribution,
        hidden: tuple[int, ...],
        init_log_std: float | None,
        key: PRNGKeyArray,
    ) -> "ActorCritic":
        """Fresh networks: orthogonal weights, tanh; a policy that starts at its center (last layer times 0.01)."""
        policy_key, value_key = jax.random.split(key)
        outputs = distribution.num_params
        log_std = -0.5 * np.log(outputs) if init_log_std is None else init_log_std
        return cls(
            orthogonal_mlp((num_obs, *hidden, outputs), "tanh", last_scale=0.01, key=policy_key),
            jnp.asarray(np.full(outputs, log_std, np.float32)),
            orthogonal_mlp((num_obs, *hidden, 1), "tanh", last_scale=1.0, key=value_key),
        )

    def values(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Normalized values."""
        return self.value(x)[..., 0]


def flatten_obs(obs: Num[Array, "..."], num_batch_axes: int) -> Float[Array, "..."]:
    """Observations of any shape as vectors."""
    return obs.reshape(*obs.shape[:num_batch_axes], -1).astype(jnp.float32)


def rescale_value_head(net: MLP, old: RunningStats, new: RunningStats) -> MLP:
    """The network whose de-normalized output under `new` equals this one's under `old`.

    Source: PopArt, van Hasselt et al. 2016, arXiv:1602.07714, eq. 4.
    """
    old_std, new_std = jnp.sqrt(old.variance + 1e-8), jnp.sqrt(new.variance + 1e-8)
    weight = net.weights[-1] * (old_std / new_std)
    bias = (old_std * net.biases[-1] + old.mean - new.mean) / new_std
    return MLP((*net.weights[:-1], weight), (*net.biases[:-1], bias), net.activation)


def denormalize(values: Float[Array, "*batch"], stats: RunningStats) -> Float[Array, "*batch"]:
    """Values in the reward's units."""
    return values * jnp.sqrt(stats.variance + 1e-8) + stats.mean
