import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.trust_region import conjugate_gradients, line_search


def spd(size: int) -> np.ndarray:
    root = np.random.default_rng(size).normal(size=(size, size))
    return (root @ root.T + size * np.eye(size)).astype(np.float32)


def test_conjugate_gradients_solve_a_system_in_as_many_steps_as_it_has_unknowns():
    matrix, b = spd(6), np.arange(1, 7, dtype=np.float32)
    x = conjugate_gradients(lambda v: jnp.asarray(matrix) @ v, jnp.asarray(b), num_steps=6)
    np.testing.assert_allclose(x, np.linalg.solve(matrix, b), atol=1e-4)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_the_size_of_the_right_side_does_not_matter(scale: float):
    matrix, b = spd(4), np.ones(4, np.float32)
    x = conjugate_gradients(lambda v: jnp.asarray(matrix) @ v, jnp.asarray(b * scale), num_steps=4)
    np.testing.assert_allclose(np.asarray(x) / scale, np.linalg.solve(matrix, b), atol=1e-4)


def test_more_steps_than_needed_and_a_zero_right_side_stay_finite():
    matrix = jnp.asarray(spd(3))
    x = conjugate_gradients(lambda v: matrix @ v, jnp.ones(3), num_steps=30)
    np.testing.assert_allclose(matrix @ x, np.ones(3), atol=1e-4)
    np.testing.assert_array_equal(conjugate_gradients(lambda v: matrix @ v, jnp.zeros(3), num_steps=5), np.zeros(3))


@pytest.mark.parametrize(("limit", "share"), [(10.0, 1.0), (4.0, 1.0), (3.9, 0.5), (1.0, 0.25), (0.6, 0.125)])
def test_the_line_search_takes_the_first_share_that_is_accepted(limit: float, share: float):
    # from 0 towards 4 along one axis, accepted up to `limit`: 4, 2, 1, 0.5
    point, found = line_search(lambda x: x[0] <= limit, jnp.zeros(1), jnp.array([4.0]), shrink=0.5, num_tries=10)
    assert float(found) == share
    assert float(point[0]) == 4.0 * share


def test_when_nothing_is_accepted_the_line_search_stays_where_it_is():
    start = jnp.array([1.0, 2.0])
    point, share = line_search(lambda x: jnp.array(False), start, jnp.ones(2), shrink=0.5, num_tries=3)
    np.testing.assert_array_equal(point, start)
    assert float(share) == 0.0


def test_the_line_search_makes_no_more_tries_than_allowed():
    # accepted only at 4 * 0.5^3 = 0.5, the fourth try
    tries = {
        num: float(line_search(lambda x: x[0] <= 0.5, jnp.zeros(1), jnp.full(1, 4.0), shrink=0.5, num_tries=num)[1])
        for num in (3, 4)
    }
    assert tries == {3: 0.0, 4: 0.125}
