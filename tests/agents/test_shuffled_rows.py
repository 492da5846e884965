import jax
import numpy as np
import pytest

from rl_teacher.agents.samples import shuffled_rows


@pytest.mark.parametrize(
    ("size", "minibatch_size", "minibatches", "samples"),
    [(4096, 512, 8, 512), (100, 30, 3, 33), (100, 64, 2, 50), (10, 512, 1, 10)],
)
def test_each_epoch_cuts_a_new_order_into_equal_parts(
    size: int, minibatch_size: int, minibatches: int, samples: int
) -> None:
    rows = shuffled_rows(jax.random.key(0), 5, size, minibatch_size)
    assert rows.shape == (5, minibatches, samples)
    for epoch in rows:
        assert len(np.unique(epoch)) == minibatches * samples
        assert epoch.min() >= 0
        assert epoch.max() < size
    assert not np.array_equal(rows[0], rows[1])


def test_the_key_alone_decides() -> None:
    one, same, other = (shuffled_rows(jax.random.key(seed), 2, 64, 16) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
