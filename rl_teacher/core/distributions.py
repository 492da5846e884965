"""Action distributions of a policy: diagonal Gaussian and categorical, as pure functions of their parameters.

Entropies and divergences are in nats: Cover & Thomas 2006, Elements of Information Theory, chapters 2 and 8.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

LOG_2PI = float(np.log(2 * np.pi))


@runtime_checkable
class Distribution(Protocol):
    """A family of action distributions; `params` is what the policy network puts out."""

    @property
    def num_params(self) -> int:
        """Outputs that the policy network must have."""
        ...

    @property
    def is_discrete(self) -> bool:
        """Whether an action is one of several choices."""
        ...

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "*batch act"]:
        """Noise for a whole rollout, drawn at once."""
        ...

    def sample(
        self, params: Float[Array, "*batch p"], log_std: Float[Array, " act"], noise: Float[Array, "*batch act"]
    ) -> Num[Array, "..."]:
        """The action that this noise picks."""
        ...

    def mode(self, params: Float[Array, "*batch p"]) -> Num[Array, "..."]:
        """The most likely action."""
        ...

    def log_prob(
        self, params: Float[Array, "*batch p"], log_std: Float[Array, " act"], action: Num[Array, "..."]
    ) -> Float[Array, "*batch"]:
        """Log density or log probability of an action."""
        ...

    def entropy(self, params: Float[Array, "*batch p"], log_std: Float[Array, " act"]) -> Float[Array, "*batch"]:
        """Entropy [nats]."""
        ...

    def kl(
        self,
        old: Float[Array, "*batch p"],
        old_log_std: Float[Array, " act"],
        new: Float[Array, "*batch p"],
        new_log_std: Float[Array, " act"],
    ) -> Float[Array, "*batch"]:
        """KL(old | new) [nats]."""
        ...


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Independent normals: the network gives the means, the log standard deviations do not depend on the state.

    Source: Huang et al. 2022, "The 37 Implementation Details of Proximal Policy Optimization", continuous 1 to 3.
    """

    num_params: int
    """Components of an action."""

    @property
    def is_discrete(self) -> bool:
        """No: vectors."""
        return False

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "*batch act"]:
        """Standard normal noise."""
        return jax.random.normal(key, (*shape, self.num_params))

    def sample(
        self, params: Float[Array, "*batch act"], log_std: Float[Array, " act"], noise: Float[Array, "*batch act"]
    ) -> Float[Array, "*batch act"]:
        """Mean + std * noise."""
        return params + _align(jnp.exp(log_std), params) * noise

    def mode(self, params: Float[Array, "*batch act"]) -> Float[Array, "*batch act"]:
        """The mean."""
        return params

    def log_prob(
        self, params: Float[Array, "*batch act"], log_std: Float[Array, " act"], action: Float[Array, "*batch act"]
    ) -> Float[Array, "*batch"]:
        """Sum over components of the log normal density."""
        scaled = (action - params) * _align(jnp.exp(-log_std), params)
        return -0.5 * jnp.square(scaled).sum(-1) - log_std.sum() - 0.5 * LOG_2PI * self.num_params

    def entropy(self, params: Float[Array, "*batch act"], log_std: Float[Array, " act"]) -> Float[Array, "*batch"]:
        """Sum of log_std + ln sqrt(2 pi e), the same in every state."""
        value = log_std.sum() + 0.5 * (LOG_2PI + 1.0) * self.num_params
        return jnp.broadcast_to(value, params.shape[:-1])

    def kl(
        self,
        old: Float[Array, "*batch act"],
        old_log_std: Float[Array, " act"],
        new: Float[Array, "*batch act"],
        new_log_std: Float[Array, " act"],
    ) -> Float[Array, "*batch"]:
        """Sum over components of ln(s_new / s_old) + (s_old^2 + (m_old - m_new)^2) / (2 s_new^2) - 1/2."""
        ratio = _align(jnp.exp(2 * (old_log_std - new_log_std)), old)
        gap = jnp.square((old - new) * _align(jnp.exp(-new_log_std), old))
        return (_align(new_log_std - old_log_std, old) + 0.5 * (ratio + gap - 1.0)).sum(-1)


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of several actions; the network gives logits, the log standard deviations are not used."""

    num_params: int
    """Choices."""

    @property
    def is_discrete(self) -> bool:
        """Yes."""
        return True

    def noise(self, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "*batch act"]:
        """Gumbel noise: argmax(logits + noise) is a sample.

        Source: the Gumbel-max trick; Maddison, Tarlow & Minka 2014, A* Sampling, arXiv:1411.0030, section 2.
        """
        return jax.random.gumbel(key, (*shape, self.num_params))

    def sample(
        self, params: Float[Array, "*batch act"], log_std: Float[Array, " none"], noise: Float[Array, "*batch act"]
    ) -> Int[Array, "*batch"]:
        """The Gumbel-max sample."""
        return jnp.argmax(params + noise, -1)

    def mode(self, params: Float[Array, "*batch act"]) -> Int[Array, "*batch"]:
        """The largest logit."""
        return jnp.argmax(params, -1)

    def log_prob(
        self, params: Float[Array, "*batch act"], log_std: Float[Array, " none"], action: Int[Array, "*batch"]
    ) -> Float[Array, "*batch"]:
        """Log softmax at the action."""
        log_probs = jax.nn.log_softmax(params)
        return jnp.take_along_axis(log_probs, action[..., None].astype(jnp.int32), -1)[..., 0]

    def entropy(self, params: Float[Array, "*batch act"], log_std: Float[Array, " none"]) -> Float[Array, "*batch"]:
        """-sum p ln p."""
        log_probs = jax.nn.log_softmax(params)
        return -(jnp.exp(log_probs) * log_probs).sum(-1)

    def kl(
        self,
        old: Float[Array, "*batch act"],
        old_log_std: Float[Array, " none"],
        new: Float[Array, "*batch act"],
        new_log_std: Float[Array, " none"],
    ) -> Float[Array, "*batch"]:
        """Sum of p_old (ln p_old - ln p_new)."""
        old_log_probs, new_log_probs = jax.nn.log_softmax(old), jax.nn.log_softmax(new)
        return (jnp.exp(old_log_probs) * (old_log_probs - new_log_probs)).sum(-1)


def _align(per_action: Float[Array, " act"], params: Float[Array, "*batch act"]) -> Float[Array, "..."]:
    """The same values with leading axes of size one, so that no rank is promoted silently."""
    return per_action.reshape((1,) * (params.ndim - 1) + per_action.shape)
