"""What a Gaussian-process reward is made of: functions of one number, products of two, and functions of all.

A weighted sum of finitely many functions with independent normal weights is a Gaussian process, whose kernel is the sum
of their products: Rasmussen & Williams 2006, section 2.1.2. So a kernel becomes a list of functions here.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from rl_teacher.core.arrays import ENDED, LAST

BLOCKS = ("linear", "additive", "product", "joint")
"""Of what is seen of a frame; where episodes can end early, survival and ending follow."""
ADDITIVE_LENGTH = 2.0
"""Over how many standard deviations a function of one number bends."""
JOINT_LENGTH = 1.0
"""The same for a function of all numbers, times the root of how many they are: their distances grow like it."""
NODES = 8
"""Waves for each number: cosine and sine at the four positive frequencies of a quadrature rule with eight nodes."""
MAX_ADDITIVE_INPUTS = 1024
"""With more numbers, as in pictures, functions of single ones are left out."""
MAX_PRODUCT_INPUTS = 64
"""With more numbers, products of two are left out: there would be more than 2,016."""
PRODUCT_HYPERPRIOR = 1.0
"""Exponent of the hyperprior of products, and of what an ending owes to single inputs.

With 0 they mislead Reacher's first 25 labels (accuracy 0.71 instead of 0.81), with 2 they are found later.
"""


class Basis(eqx.Module):
    """Functions of a frame, in four blocks; a reward is a weighted sum of them."""

    joint_weights: Float[Array, "input joint"]
    joint_phases: Float[Array, " joint"]
    num_inputs: int = eqx.field(static=True)
    shows_ends: bool = eqx.field(static=True, default=False)
    """Whether episodes can end early, and the reward depends on it."""

    @classmethod
    def build(cls, num_inputs: int, num_joint: int, key: PRNGKeyArray, *, shows_ends: bool = False) -> "Basis":
        """A basis whose joint functions are drawn.

        Args:
            num_inputs: numbers of a frame.
            num_joint: random waves of all inputs together.
            key: draws their directions and phases.
            shows_ends: whether episodes can end early.

        Source: Rahimi & Recht 2007, Random Features for Large-Scale Kernel Machines, algorithm 1: sums of many such
        waves have the kernel exp(-|x - y|^2 / (2 length^2)).
        """
        one, two = jax.random.split(key)
        weights = jax.random.normal(one, (num_inputs, num_joint)) / (JOINT_LENGTH * np.sqrt(num_inputs))
        return cls(weights, jax.random.uniform(two, (num_joint,), maxval=2 * np.pi), num_inputs, shows_ends)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Functions in each block: those of BLOCKS, then one for a step that was lived, and those of the last one."""
        num = self.num_inputs
        additive = NODES * num if num <= MAX_ADDITIVE_INPUTS else 0
        products = num * (num - 1) // 2 if num <= MAX_PRODUCT_INPUTS else 0
        seen = (num, additive, products, self.joint_phases.shape[0])
        return (*seen, 1, 1 + num) if self.shows_ends else seen

    @property
    def groups(self) -> Int[np.ndarray, " feature"]:
        """Which functions are used, or left out, together: one linear, an input's waves, one product, all joint.

        And each function of survival and ending by itself.
        """
        linear, additive, products, joint, *ends = self.sizes
        of_block = (
            np.arange(linear), np.arange(additive) // NODES, np.arange(products), np.zeros(joint, int),
            *map(np.arange, ends),
        )  # fmt: skip
        counts = np.cumsum([0, linear, additive // NODES, products, 1, *ends])[: len(of_block)]
        return np.concatenate([first + group for first, group in zip(counts, of_block, strict=True)])

    @property
    def hyperprior(self) -> Float[np.ndarray, " group"]:
        """Exponent of each group's hyperprior, see `ard.maximize_evidence`: products are many, most tasks need none."""
        linear, additive, products, _, *ends = self.sizes
        others = np.zeros(linear + additive // NODES)
        known = np.concatenate([others, np.full(products, PRODUCT_HYPERPRIOR), np.zeros(1)])
        if not ends:
            return known
        return np.concatenate([known, np.zeros(2), np.full(ends[1] - 1, PRODUCT_HYPERPRIOR)])

    @property
    def candidate_models(self) -> tuple[Bool[np.ndarray, " group"], ...]:
        """Groups that a reward may be made of (`averaging.average_models`): all of them, or only the linear ones.

        Curves alone would explain many answers as well, but say nothing of what is faster, or higher, than all that was
        labeled, where an agent soon is.
        """
        at = np.arange(self.groups[-1] + 1)
        of_ends = at > len(at) - 1 - sum(self.sizes[len(BLOCKS) :])
        return np.ones(len(at), bool), (at < self.num_inputs) | of_ends

    def block(
        self, index: int, x: Float[Array, "*batch input"], phase: Int[Array, "*batch"] | None
    ) -> Float[Array, "*batch feature"]:
        """The functions of one block; all are 0 after the end of an episode, so that nothing is worth anything there.

        Args:
            index: of the block.
            x: what is seen of each frame.
            phase: LIVED, LAST or ENDED; None where nothing ended.
        """
        if index < len(BLOCKS):
            values = (self._linear, self._additive, self._product, self._joint)[index](x)
            return values if phase is None else values * (phase < ENDED)[..., None]
        lived = jnp.ones(x.shape[:-1]) if phase is None else (phase < ENDED).astype(jnp.float32)
        if index == len(BLOCKS):
            return lived[..., None]
        is_last = jnp.zeros(x.shape[:-1]) if phase is None else (phase == LAST).astype(jnp.float32)
        return jnp.concatenate([jnp.ones_like(x[..., :1]), x], -1) * is_last[..., None]

    def _linear(self, x: Float[Array, "*batch input"]) -> Float[Array, "*batch feature"]:
        return x

    def _additive(self, x: Float[Array, "*batch input"]) -> Float[Array, "*batch feature"]:
        """Waves of each input, whose kernel is the mean over inputs of exp(-(x - y)^2 / (2 length^2)).

        The kernel is the average of cos(w (x - y)) over normal frequencies w. Eight nodes of Gauss-Hermite quadrature
        take its place, of which those below 0 say the same as those above; cos(w (x - y)) is the product of the cosines
        plus that of the sines. It holds up to distances of some four lengths.

        Source: quadrature Fourier features, Mutny & Krause 2018, Efficient High Dimensional Bayesian Optimization with
        Additivity and Quadrature Fourier Features; also Dao, De Sa & Re 2017, arXiv:1709.02605. Sums of functions of
        single numbers: Duvenaud, Nickisch & Rasmussen 2011, arXiv:1112.4394.
        """
        if not self.sizes[1]:
            return jnp.zeros((*x.shape[:-1], 0), x.dtype)
        nodes, share = np.polynomial.hermite_e.hermegauss(NODES)
        upper = nodes > 0
        ones = (1,) * x.ndim
        frequency = jnp.asarray(nodes[upper] / ADDITIVE_LENGTH, jnp.float32).reshape(*ones, -1)
        share = share[upper] / share[upper].sum() / self.num_inputs
        amplitude = jnp.asarray(np.sqrt(share), jnp.float32).reshape(*ones, -1)
        angle = x[..., None] * frequency
        waves = jnp.stack([amplitude * jnp.cos(angle), amplitude * jnp.sin(angle)], -1)
        return waves.reshape(*x.shape[:-1], -1)

    def _product(self, x: Float[Array, "*batch input"]) -> Float[Array, "*batch feature"]:
        """Each number times each other one: with the linear block, the quadratic polynomials without squares."""
        if not self.sizes[2]:
            return jnp.zeros((*x.shape[:-1], 0), x.dtype)
        one, other = np.triu_indices(self.num_inputs, 1)
        return x[..., one] * x[..., other]

    def _joint(self, x: Float[Array, "*batch input"]) -> Float[Array, "*batch feature"]:
        """sqrt(2 / number) cos(w x + b), random w and b: see `build`."""
        phases = self.joint_phases.reshape(*(1,) * (x.ndim - 1), -1)
        return jnp.cos(x @ self.joint_weights + phases) * np.float32(np.sqrt(2 / phases.shape[-1]))

    def weighted(
        self, x: Float[Array, "*batch input"], weights: Float[Array, "feature output"],
        phase: Int[Array, "*batch"] | None = None,
    ) -> Float[Array, "*batch output"]:  # fmt: skip
        """Sums over all functions; a block whose weights are all 0 costs nothing."""
        total = jnp.zeros((*x.shape[:-1], weights.shape[1]), jnp.float32)
        at = 0
        for index, size in enumerate(self.sizes):
            part = weights[at : at + size]
            total += jax.lax.cond(
                (part != 0).any(),
                lambda x, part, index=index: self.block(index, x, phase) @ part,
                lambda x, part: jnp.zeros((*x.shape[:-1], part.shape[1]), jnp.float32),
                x, part,
            )  # fmt: skip
            at += size
        return total
