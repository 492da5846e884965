"""Running mean and variance, merged batch by batch (Chan's parallel formula)."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class RunningStats(eqx.Module):
    """Mean and variance of everything seen so far, per component."""

    count: Float[Array, ""]
    mean: Float[Array, "*shape"]
    variance: Float[Array, "*shape"]

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> "RunningStats":
        """Statistics of nothing yet: mean 0, variance 1."""
        return cls(jnp.zeros(()), jnp.zeros(shape), jnp.ones(shape))

    def merge(self, values: Float[Array, "batch *shape"], weight: Float[Array, " batch"]) -> "RunningStats":
        """The statistics after `values` too, each counted `weight` times (0 leaves it out).

        Source: Chan, Golub, LeVeque 1979, pairwise update of mean and variance.
        """
        count = weight.sum()
        weights = weight.reshape(weight.shape + (1,) * (values.ndim - 1))
        mean = (values * weights).sum(0) / jnp.maximum(count, 1.0)
        variance = (jnp.square(values - mean) * weights).sum(0) / jnp.maximum(count, 1.0)
        total = self.count + count
        delta = mean - self.mean
        share = count / jnp.maximum(total, 1.0)
        merged_mean = self.mean + delta * share
        merged_variance = (
            self.variance * (self.count / jnp.maximum(total, 1.0))
            + variance * share
            + jnp.square(delta) * (share * (1.0 - share))
        )
        nothing = count == 0
        return RunningStats(
            total,
            jnp.where(nothing, self.mean, merged_mean),
            jnp.where(nothing, self.variance, merged_variance),
        )

    def normalize(self, values: Float[Array, "..."], *, clip: float = 10.0) -> Float[Array, "..."]:
        """(values - mean) / std, clipped to +-clip."""
        return jnp.clip((values - self.mean) / jnp.sqrt(self.variance + 1e-8), -clip, clip)
