"""The scale of a reward model's output: comparisons fix neither its size nor its offset."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Scale(eqx.Module):
    """Shift and factor of each member, frozen until the next fit."""

    shift: Float[Array, " member"]
    factor: Float[Array, " member"]

    @classmethod
    def identity(cls, num_members: int) -> "Scale":
        """No change."""
        return cls(jnp.zeros(num_members), jnp.ones(num_members))

    def apply(self, raw: Float[Array, "member *batch"]) -> Float[Array, "member *batch"]:
        """(raw - shift) * factor, each member its own."""
        ones = (1,) * (raw.ndim - 1)
        return (raw - self.shift.reshape(-1, *ones)) * self.factor.reshape(-1, *ones)


def measure(raw: Float[np.ndarray, "member *window"], *, center: bool) -> Scale:
    """The scale that gives each member standard deviation 1 on a window of recent frames, and mean 0 if `center`.

    A shift by c pays c for every step survived, so it is only safe where episodes cannot end early.
    A member that says the same everywhere keeps its size: there is nothing to learn from it.
    """
    rows = raw.reshape(len(raw), -1).astype(np.float64)
    std = rows.std(axis=1)
    factor = np.where(std > 1e-6, 1.0 / np.maximum(std, 1e-6), 1.0)
    shift = rows.mean(axis=1) if center else np.zeros(len(rows))
    return Scale(jnp.asarray(shift, jnp.float32), jnp.asarray(factor, jnp.float32))
