"""The two tools of a trust-region step: conjugate gradients and a backtracking line search, on flat vectors."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

MatVec = Callable[[Float[Array, " n"]], Float[Array, " n"]]


def conjugate_gradients(product: MatVec, b: Float[Array, " n"], *, num_steps: int) -> Float[Array, " n"]:
    """x with product(x) close to b, for a symmetric positive definite product, after num_steps steps.

    Args:
        product: x -> A x; A itself is never needed.
        b: right side.
        num_steps: exact after as many as there are entries, close much earlier.

    Source: Hestenes & Stiefel 1952, Methods of Conjugate Gradients for Solving Linear Systems; Nocedal & Wright 2006,
    Numerical Optimization, algorithm 5.2. For TRPO: Schulman et al. 2015, arXiv:1502.05477, appendix C.
    """

    def step(
        carry: tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, " n"], Float[Array, ""]], _: None
    ) -> tuple[tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, " n"], Float[Array, ""]], None]:
        x, residual, direction, squared = carry
        along = product(direction)
        size = _ratio(squared, direction @ along)
        x, residual = x + size * direction, residual - size * along
        new_squared = residual @ residual
        direction = residual + _ratio(new_squared, squared) * direction
        return (x, residual, direction, new_squared), None

    (x, *_), _ = jax.lax.scan(step, (jnp.zeros_like(b), b, b, b @ b), None, length=num_steps)
    return x


def line_search(
    accept: Callable[[Float[Array, " n"]], Bool[Array, ""]],
    start: Float[Array, " n"],
    full_step: Float[Array, " n"],
    *,
    shrink: float,
    num_tries: int,
) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """The first of start + shrink^k full_step, k = 0 .. num_tries - 1, that is accepted.

    Args:
        accept: whether a point will do.
        start: where to begin.
        full_step: the longest step, tried first.
        shrink: by which each next step is shorter, below 1 [1].
        num_tries: how many are tried.

    Returns:
        The point, and the share shrink^k of the full step; `start` and 0 if nothing was accepted.
    """

    def going_on(carry: tuple[Array, Array, Array]) -> Bool[Array, ""]:
        k, accepted, _ = carry
        return (~accepted) & (k < num_tries)

    def attempt(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, _, share = carry
        accepted = accept(start + share * full_step)
        return k + 1, accepted, jnp.where(accepted, share, share * shrink)

    _, accepted, share = jax.lax.while_loop(going_on, attempt, (jnp.array(0), jnp.array(False), jnp.array(1.0)))
    share = jnp.where(accepted, share, 0.0)
    return start + share * full_step, share


def _ratio(a: Float[Array, ""], b: Float[Array, ""]) -> Float[Array, ""]:
    """a / b; 0 where b is no longer positive, which is where conjugate gradients have converged."""
    return jnp.where(b > 0, a / jnp.where(b > 0, b, 1.0), 0.0)
