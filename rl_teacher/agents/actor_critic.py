"""The policy and value networks that PPO and TRPO share, and the normalizers that belong to them.

*37 details* is Huang et al. 2022, "The 37 Implementation Details of Proximal Policy Optimization", with the number of
the core detail or of the one for continuous actions.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num, PRNGKeyArray

from rl_teacher.core.distributions import Distribution
from rl_teacher.core.networks import MLP, orthogonal_mlp
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.vision import PictureNet, Scale, standardized


class ActorCritic(eqx.Module):
    """Two separate networks over the same normalized observation: 37 details, core 13 and continuous 4.

    Of pictures both see the features of one convolutional network, as a second would double the work: 37 details, Atari
    8.
    """

    policy: MLP
    log_std: Float[Array, " act"]
    """Log standard deviations, the same in every state: 37 details, continuous 2; not used by categorical policies."""
    value: MLP
    """Predicts (discounted return - mean) / std of the value statistics."""
    torso: PictureNet | None = None
    """Between a picture and the two; None where observations are vectors."""

    @classmethod
    def build(
        cls,
        num_inputs: int,
        distribution: Distribution,
        hidden: tuple[int, ...],
        init_log_std: float | None,
        key: PRNGKeyArray,
    ) -> "ActorCritic":
        """Fresh networks with orthogonal weights and tanh.

        Args:
            num_inputs: numbers that the networks are given.
            distribution: of the actions; says how many outputs the policy has.
            hidden: units of each hidden layer.
            init_log_std: log standard deviation of the actions; None: noise of the same length whatever their number.
            key: draws the weights.

        Source: 37 details, core 2: a last layer of the policy times 0.01, so that at first no action is preferred and
        nothing is clipped; of the value times 1.
        """
        policy_key, value_key = jax.random.split(key)
        outputs = distribution.num_params
        log_std = -0.5 * np.log(outputs) if init_log_std is None else init_log_std
        return cls(
            policy=orthogonal_mlp((num_inputs, *hidden, outputs), "tanh", last_scale=0.01, key=policy_key),
            log_std=jnp.asarray(np.full(outputs, log_std, np.float32)),
            value=orthogonal_mlp((num_inputs, *hidden, 1), "tanh", last_scale=1.0, key=value_key),
        )

    @classmethod
    def of_pictures(
        cls,
        shape: tuple[int, ...],
        distribution: Distribution,
        num_features: int,
        init_log_std: float | None,
        key: PRNGKeyArray,
    ) -> "ActorCritic":
        """Fresh networks over pictures: one convolutional network, and a layer for each of policy and value.

        Args:
            shape: (height, width, channels) of a picture.
            distribution: of the actions.
            num_features: numbers between picture and actions.
            init_log_std: as for `build`.
            key: draws the weights.
        """
        torso_key, key = jax.random.split(key)
        heads = cls.build(num_features, distribution, (), init_log_std, key)
        return cls(heads.policy, heads.log_std, heads.value, PictureNet.build(shape, num_features, torso_key))

    def heads(
        self, x: Num[Array, "..."], scale: Scale | None = None
    ) -> tuple[Float[Array, "*batch p"], Float[Array, "*batch"]]:
        """Parameters of the actions' distribution, and normalized values.

        Args:
            x: normalized vectors (*batch, feature); with a `scale`, pictures (picture, height, width, channel).
            scale: what pictures are standardized by.
        """
        seen = x if self.torso is None or scale is None else self.torso(standardized(x, scale))
        return self.policy(seen), self.values(seen)

    def values(self, x: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Normalized values of vectors."""
        return self.value(x)[..., 0]


def rescale_value_head(net: MLP, old: RunningStats, new: RunningStats) -> MLP:
    """The network whose de-normalized output under `new` equals this one's under `old`: only its last layer changes.

    Without it, every change of the statistics would make all predictions wrong at once.

    Source: PopArt, van Hasselt et al. 2016, arXiv:1602.07714, proposition 1.
    """
    old_std, new_std = jnp.sqrt(old.variance + 1e-8), jnp.sqrt(new.variance + 1e-8)
    weight = net.weights[-1] * (old_std / new_std)
    bias = (old_std * net.biases[-1] + old.mean - new.mean) / new_std
    return MLP((*net.weights[:-1], weight), (*net.biases[:-1], bias), net.activation)


def denormalize(values: Float[Array, "*batch"], stats: RunningStats) -> Float[Array, "*batch"]:
    """Values in the reward's units."""
    return values * jnp.sqrt(stats.variance + 1e-8) + stats.mean
