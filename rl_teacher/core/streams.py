"""Named random streams: every key is a function of (seed, name, iteration), so no generator is ever stored."""

import zlib
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import PRNGKeyArray


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams of one run."""

    seed: int

    def key(self, name: str, iteration: int = 0) -> PRNGKeyArray:
        """The key of stream `name` at `iteration`; a new stream shifts no other."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), zlib.crc32(name.encode())), iteration)

    def generator(self, name: str, iteration: int = 0) -> np.random.Generator:
        """The same for NumPy, on the host."""
        # As uint64: NumPy would make floats of a list with a number above 2^63, and lose the iteration.
        words = np.array([self.seed, (zlib.crc32(name.encode()) << 32) + iteration], np.uint64)
        return np.random.Generator(np.random.Philox(key=words))
