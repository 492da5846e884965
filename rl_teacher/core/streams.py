"""Named random streams: every key is a function of (seed, name, iteration), so no generator is ever stored."""

import hashlib
import zlib
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray


@dataclass(frozen=True, slots=True)
class Streams:
    """The random streams of one run."""

    seed: int

    def key(self, name: str, iteration: int = 0) -> PRNGKeyArray:
        """The key of stream `name` at `iteration`; a new stream shifts no other. Hashed, so nothing is compiled."""
        digest = hashlib.blake2b(f"{self.seed}/{name}/{iteration}".encode(), digest_size=8).digest()
        key: PRNGKeyArray = jax.random.wrap_key_data(jnp.asarray(np.frombuffer(digest, np.uint32)))
        return key

    def generator(self, name: str, iteration: int = 0) -> np.random.Generator:
        """The same for NumPy, on the host."""
        # As uint64: NumPy would make floats of a list with a number above 2^63, and lose the iteration.
        words = np.array([self.seed, (zlib.crc32(name.encode()) << 32) + iteration], np.uint64)
        return np.random.Generator(np.random.Philox(key=words))


def host_generator(key: PRNGKeyArray) -> np.random.Generator:
    """A NumPy generator from a JAX key: what is drawn on the host needs no compiling, and permutations no sorting."""
    return np.random.Generator(np.random.Philox(key=np.asarray(jax.random.key_data(key)).astype(np.uint64)[:2]))
