"""Running mean and variance, merged batch by batch (Chan's parallel formula)."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class RunningStats(eqx.Module):
    """Mean and variance of everything seen so far, per component.

    >>> stats = RunningStats.of_shape((1,)).merge(jnp.array([[1.0], [3.0]]), jnp.ones(2))
    >>> float(stats.mean[0]), float(stats.variance[0])
    (2.0, 1.0)
    """

    count: Float[Array, ""]
    mean: Float[Array, "*shape"]
    variance: Float[Array, "*shape"]

    @classmethod
    def of_shape(cls, shape: tuple[int, ...]) -> "RunningStats":
        """Statistics of nothing yet: mean 0, variance 1."""
        return cls(jnp.zeros(()), jnp.zeros(shape), jnp.ones(shape))

    def merge(self, values: Float[Array, "batch *shape"], weight: Float[Array, " batch"]) -> "RunningStats":
        """The statistics after `values` too.

        With s the batch's share of everything seen, and d the difference of the two means: the mean moves by s d, and
        the variance is the average of the two variances, plus s (1 - s) d^2 for the distance between the means.

        Args:
            values: a batch.
            weight: how often each value counts; 0 leaves it out.

        Source: Chan, Golub & LeVeque 1979, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances.
        """
        count = weight.sum()
        divisor = jnp.where(count > 0, count, 1.0)
        weights = weight.reshape(weight.shape + (1,) * (values.ndim - 1))
        mean = (values * weights).sum(0) / divisor
        variance = (jnp.square(values - mean[None]) * weights).sum(0) / divisor
        total = self.count + count
        new = count / jnp.where(total > 0, total, 1.0)
        delta = mean - self.mean
        merged_variance = (1.0 - new) * self.variance + new * variance + new * (1.0 - new) * jnp.square(delta)
        return RunningStats(
            total, self.mean + new * delta, jnp.where(count > 0, merged_variance, self.variance)
        )  # fmt: skip

    def normalize(self, values: Float[Array | np.ndarray, "..."], *, clip: float = 10.0) -> Float[Array, "..."]:
        """(values - mean) / std, within +-clip: what was constant so far and moves must not drown everything else."""
        ones = (1,) * (values.ndim - self.mean.ndim)
        mean, variance = self.mean.reshape(ones + self.mean.shape), self.variance.reshape(ones + self.mean.shape)
        return jnp.clip((values - mean) / jnp.sqrt(variance + 1e-8), -clip, clip)
