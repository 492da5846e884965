"""What a Gaussian-process reward is made of: functions of one number, of two, of all, and of what meets in pictures.

A weighted sum of finitely many functions with independent normal weights is a Gaussian process, whose kernel is the sum
of their products: Rasmussen & Williams 2006, section 2.1.2. So a kernel becomes a list of functions here.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from rl_teacher.core.arrays import ENDED, LAST
from rl_teacher.rewards.gp.averaging import Candidate
from rl_teacher.rewards.gp.meetings import Picture, meetings, num_meetings
from rl_teacher.rewards.view import Frames

BLOCKS = ("linear", "additive", "product", "square", "joint", "meeting")
"""Of what is seen of a frame."""
BLOCKS_OF_ENDS = ("survival", "ending", "change", "curve change")
"""These follow where episodes can end early."""
ADDITIVE_LENGTH = 2.0
"""Over how many standard deviations a function of one number bends."""
JOINT_LENGTH = 1.0
"""The same for a function of all numbers, times the root of how many they are: their distances grow like it."""
NODES = 8
"""Waves for each number: cosine and sine at the four positive frequencies of a quadrature rule with eight nodes."""
MAX_ADDITIVE_INPUTS = 1024
"""With more numbers, as in pictures, functions of single ones are left out."""
MAX_PRODUCT_INPUTS = 64
"""With more numbers, products of two and squares are left out: there would be 2,080 products and more."""
FARTHEST = 5.0
"""A square counts numbers beyond so many standard deviations as so many, so that outliers are not all it shows."""
LINEAR = ("linear", "meeting", "survival", "ending", "change")
"""Blocks of the simplest model of the answers."""
OF_MOMENTS = ("meeting", "survival", "ending")
"""Blocks that say nothing of where on a picture something is."""
HYPERPRIORS = {"product": 1.0, "ending": 1.0, "change": 1.0, "curve change": 1.0}
"""Exponents of the hyperprior of products, and of others that are many: see `ard.maximize_evidence`.

With 0 products mislead Reacher's first 25 labels (accuracy 0.76 instead of 0.85), with 2 they are found later.
"""
QUADRATIC_HYPERPRIORS = {"product": 0.3, "square": 0.3}
"""The same in a search of its own, which has squares too.

With 1 the sum of products and squares that makes a mirror image is not found in 100 labels (accuracy 0.67 instead of
0.78): docs/notebook.md. With 0.3 alone, for every task, Walker learned a worse gait: 608 instead of 984 (one seed).
"""
PRICES = {"product": 1.0, "square": 1.0}
"""How much less probable each of them makes a model beforehand [nats], so that few answers are explained without."""


def _count(groups: Int[np.ndarray, " feature"]) -> int:
    return int(groups.max(initial=-1)) + 1


class Basis(eqx.Module):
    """Functions of a frame, in blocks; a reward is a weighted sum of them."""

    joint_weights: Float[Array, "input joint"]
    joint_phases: Float[Array, " joint"]
    centers: Float[Array, " seen"] | None
    """Mean of each function of BLOCKS over the frames that were lived, where episodes can end early; else None."""
    num_inputs: int = eqx.field(static=True)
    num_obs: int = eqx.field(static=True, default=0)
    """Numbers of an observation, where episodes can end early and the reward depends on it; else 0."""
    turns: tuple[int, ...] = eqx.field(static=True, default=())
    """Numbers of an observation that are seen as sine and cosine (`view.model_inputs`)."""
    picture: Picture | None = eqx.field(static=True, default=None)
    """The shape of observations in which things meet (`meetings.met_in`)."""

    @classmethod
    def build(
        cls, num_inputs: int, num_joint: int, key: PRNGKeyArray, *, num_obs: int = 0, turns: tuple[int, ...] = (),
        picture: Picture | None = None,
    ) -> "Basis":  # fmt: skip
        """A basis whose joint functions are drawn.

        Args:
            num_inputs: numbers of a frame: of the observation, then of the action, then cosines of what turns.
            num_joint: random waves of all inputs together.
            key: draws their directions and phases.
            num_obs: how many of them are of the observation, where episodes can end early; else 0.
            turns: which numbers of an observation are seen as sine and cosine.
            picture: the shape of observations in which things meet.

        Source: Rahimi & Recht 2007, Random Features for Large-Scale Kernel Machines, algorithm 1: sums of many such
        waves have the kernel exp(-|x - y|^2 / (2 length^2)).
        """
        one, two = jax.random.split(key)
        weights = jax.random.normal(one, (num_inputs, num_joint)) / (JOINT_LENGTH * np.sqrt(num_inputs))
        phases = jax.random.uniform(two, (num_joint,), maxval=2 * np.pi)
        basis = cls(weights, phases, None, num_inputs, num_obs, turns, picture)
        return replace(basis, centers=jnp.zeros(sum(basis.sizes[: len(BLOCKS)]))) if num_obs else basis

    @property
    def sizes(self) -> tuple[int, ...]:
        """Functions in each block: those of BLOCKS, and where episodes can end early those of BLOCKS_OF_ENDS."""
        num, num_obs = self.num_inputs, self.num_obs
        waves = NODES if num <= MAX_ADDITIVE_INPUTS else 0
        products = num * (num - 1) // 2 if num <= MAX_PRODUCT_INPUTS else 0
        squares = num if products and not num_obs else 0
        seen = (num, waves * num, products, squares, self.joint_phases.shape[0], num_meetings(self.picture))
        return (*seen, 1, 1 + num, num_obs, waves * num_obs) if num_obs else seen

    @property
    def blocks(self) -> tuple[str, ...]:
        """Their names."""
        return (*BLOCKS, *BLOCKS_OF_ENDS) if self.num_obs else BLOCKS

    @property
    def groups(self) -> Int[np.ndarray, " feature"]:
        """Which functions are used, or left out, together: an input's waves, and all joint; every other by itself."""
        within = self._groups_within()
        firsts = np.cumsum([0, *map(_count, within)])
        return np.concatenate([first + group for first, group in zip(firsts, within, strict=False)])

    @property
    def block_of_group(self) -> tuple[str, ...]:
        """The name of each group's block."""
        counts = map(_count, self._groups_within())
        return tuple(name for name, count in zip(self.blocks, counts, strict=True) for _ in range(count))

    def _groups_within(self) -> list[Int[np.ndarray, " feature"]]:
        """The groups of each block, counted from 0."""
        together = {"additive": NODES, "joint": self.joint_phases.shape[0], "curve change": NODES}
        return [np.arange(size) // together.get(name, 1) for name, size in zip(self.blocks, self.sizes, strict=True)]

    @property
    def price(self) -> Float[np.ndarray, " group"]:
        """How much less probable each group in use makes a model beforehand [nats]."""
        return self._of_blocks(PRICES if self.has_squares else {})

    @property
    def has_squares(self) -> bool:
        """Whether there is a search with squares: where episodes have one length, and numbers are not too many."""
        return self.sizes[BLOCKS.index("square")] > 0

    @property
    def candidate_models(self) -> tuple[Candidate, ...]:
        """What a reward may be made of (`averaging.average_models`), the general ones first.

        Everything but squares; with squares, and products doubted less; only lines. Curves alone would explain many
        answers as well, but say nothing of what is faster, or higher, than all that was labeled, where an agent soon
        is. Where episodes can end early, lines with curves of changes are another; where things meet, moments alone.
        """
        blocks = np.array(self.block_of_group)
        exponents = self._of_blocks(HYPERPRIORS)
        exponents[np.flatnonzero(blocks == "ending")[:1]] = 0.0  # that it ended at all, whatever was seen
        general = [Candidate(blocks != "square", exponents)]
        if self.has_squares:
            general.append(Candidate(np.ones(len(blocks), bool), self._of_blocks(QUADRATIC_HYPERPRIORS)))
        simple = [Candidate(np.isin(blocks, LINEAR), exponents)]
        if self.picture is not None:
            simple.append(Candidate(np.isin(blocks, OF_MOMENTS), exponents))
        if self.num_obs:
            simple.append(Candidate(np.isin(blocks, [*LINEAR, "curve change"]), exponents))
        return (*general, *simple)

    @property
    def num_preferred(self) -> int:
        """Where no answer seems wrong, the most probable one of so many of the first candidates is taken alone.

        Lines are a case of everything; they count by themselves only where episodes can end early, or things meet, as
        the search there often stops at a lower maximum.
        """
        num = len(self.candidate_models)
        return num if self.num_obs or self.picture is not None else num - 1

    def _of_blocks(self, numbers: Mapping[str, float]) -> Float[np.ndarray, " group"]:
        """A number for each group, by the name of its block; 0 for all others."""
        return np.array([numbers.get(name, 0.0) for name in self.block_of_group])

    def block(self, index: int, frames: Frames) -> Float[Array, "*batch feature"]:
        """The functions of one block; all are 0 after the end of an episode, so that nothing is worth anything there.

        Args:
            index: of the block.
            frames: what is seen.
        """
        name, phase = self.blocks[index], frames.phase
        if name in BLOCKS:
            values = self._seen(name, frames)
            if self.centers is not None:
                at = sum(self.sizes[:index])
                values -= self.centers[at : at + self.sizes[index]].reshape(*(1,) * (values.ndim - 1), -1)
        else:
            values = self._of_ends(name, frames)
        return values if phase is None else values * (phase < ENDED)[..., None]

    def _seen(self, name: str, frames: Frames) -> Float[Array, "*batch feature"]:
        """A block of functions of what is seen of a frame."""
        x = frames.now
        match name:
            case "linear":
                return x
            case "additive":
                return self._additive(x)
            case "product":
                return self._product(x)
            case "square":
                return jnp.square(jnp.clip(x, -FARTHEST, FARTHEST))[..., : self.sizes[BLOCKS.index("square")]]
            case "meeting":
                return self._meeting(frames)
        return self._joint(x)

    def _of_ends(self, name: str, frames: Frames) -> Float[Array, "*batch feature"]:
        """A block of those that say what living on, ending, and getting somewhere are worth."""
        now, phase, after = frames
        one = jnp.ones_like(now[..., :1])
        if name == "survival":
            return one
        if name == "ending":
            is_last = jnp.zeros(now.shape[:-1]) if phase is None else (phase == LAST).astype(jnp.float32)
            return jnp.concatenate([one, now], -1) * is_last[..., None]
        before = now[..., : self.num_obs]
        after = before if after is None else after  # who does not know it pays for no change
        of_curves = name == "curve change"
        return self._additive(after) - self._additive(before) if of_curves else after - before

    def _additive(self, x: Float[Array, "*batch input"]) -> Float[Array, "*batch feature"]:
        """Waves of each input, whose kernel is the mean over inputs of exp(-(x - y)^2 / (2 length^2)).

        The kernel is the average of cos(w (x - y)) over normal frequencies w. Eight nodes of Gauss-Hermite quadrature
        take its place, of which those below 0 say the same as those above; cos(w (x - y)) is the product of the cosines
        plus that of the sines. It holds up to distances of some four lengths.

        Source: quadrature Fourier features, Mutny & Krause 2018, Efficient High Dimensional Bayesian Optimization with
        Additivity and Quadrature Fourier Features; also Dao, De Sa & Re 2017, arXiv:1709.02605. Sums of functions of
        single numbers: Duvenaud, Nickisch & Rasmussen 2011, arXiv:1112.4394.
        """
        if self.num_inputs > MAX_ADDITIVE_INPUTS:
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
        """Each number times each other one: with numbers and squares, every quadratic polynomial, so each distance."""
        if not self.sizes[BLOCKS.index("product")]:
            return jnp.zeros((*x.shape[:-1], 0), x.dtype)
        one, other = np.triu_indices(self.num_inputs, 1)
        return x[..., one] * x[..., other]

    def _meeting(self, frames: Frames) -> Float[Array, "*batch feature"]:
        """See `meetings`; who does not know what was observed after a step takes what was before it."""
        if self.picture is None:
            return jnp.zeros((*frames.now.shape[:-1], 0), frames.now.dtype)
        before = frames.now[..., : math.prod(self.picture)]
        return meetings(before, before if frames.after is None else frames.after, self.picture)

    def _joint(self, x: Float[Array, "*batch input"]) -> Float[Array, "*batch feature"]:
        """sqrt(2 / number) cos(w x + b), random w and b: see `build`."""
        phases = self.joint_phases.reshape(*(1,) * (x.ndim - 1), -1)
        return jnp.cos(x @ self.joint_weights + phases) * np.float32(np.sqrt(2 / phases.shape[-1]))

    def weighted(self, frames: Frames, weights: Float[Array, "feature output"]) -> Float[Array, "*batch output"]:
        """Sums over all functions; a block whose weights are all 0 costs nothing."""
        total = jnp.zeros((*frames.now.shape[:-1], weights.shape[1]), jnp.float32)
        at = 0
        for index, size in enumerate(self.sizes):
            part = weights[at : at + size]
            total += jax.lax.cond(
                (part != 0).any(),
                lambda frames, part, index=index: self.block(index, frames) @ part,
                lambda frames, part: jnp.zeros((*frames.now.shape[:-1], part.shape[1]), jnp.float32),
                frames, part,
            )  # fmt: skip
            at += size
        return total
