import jax
import numpy as np
import pytest

from rl_teacher.core.streams import Streams

NAMES = ("act", "cut", "fit", "update", "first", "select 0", "select 1", "pretrain act", "pretrain restart", "reward")


def bits(seed: int, name: str, iteration: int) -> bytes:
    return np.asarray(jax.random.key_data(Streams(seed).key(name, iteration))).tobytes()


def draws(seed: int, name: str, iteration: int) -> bytes:
    return Streams(seed).generator(name, iteration).integers(2**62, size=2).tobytes()


@pytest.mark.parametrize("draw", [bits, draws])
def test_a_stream_is_a_function_of_seed_name_and_iteration(draw):
    assert draw(3, "act", 7) == draw(3, "act", 7)


@pytest.mark.parametrize("draw", [bits, draws])
def test_seeds_names_and_iterations_all_give_different_streams(draw):
    seen = {draw(seed, name, iteration) for seed in (1, 2) for name in NAMES for iteration in (0, 1, 2, 3, 1000)}
    assert len(seen) == 2 * len(NAMES) * 5


@pytest.mark.parametrize("seed", [0, 2**31, 2**32 - 1])
def test_every_allowed_seed_has_streams(seed: int):
    assert bits(seed, "act", 0) != bits(seed, "act", 1)
    assert draws(seed, "act", 0) != draws(seed, "act", 2**32 - 1)
