import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.core.advantages import generalized_advantages

NOW = {"discount": 0.5, "gae_lambda": 0.5}


def column(*values: float) -> jax.Array:
    return jnp.array(values, jnp.float32)[:, None]


def flags(*values: int) -> jax.Array:
    return jnp.array(values, bool)[:, None]


def advantages(
    reward: jax.Array,
    value: jax.Array,
    last_value: float,
    *,
    final_value: jax.Array | None = None,
    terminated: jax.Array | None = None,
    truncated: jax.Array | None = None,
    counted: jax.Array | None = None,
    discount: float = 0.5,
    gae_lambda: float = 0.5,
) -> list[float]:
    no = jnp.zeros(reward.shape, bool)
    result = generalized_advantages(
        reward,
        value,
        jnp.array([last_value]),
        jnp.full(reward.shape, jnp.nan) if final_value is None else final_value,
        no if terminated is None else terminated,
        no if truncated is None else truncated,
        ~no if counted is None else counted,
        discount=discount,
        gae_lambda=gae_lambda,
    )
    return np.asarray(result)[:, 0].tolist()


def test_gae_matches_hand_computation():
    # deltas: 1 + 0.5*2 - 4 = -2;  2 + 0.5*6 - 2 = 3;  3 + 0.5*8 - 6 = 1
    # backwards with 0.25: 1;  3 + 0.25*1 = 3.25;  -2 + 0.25*3.25 = -1.1875
    assert advantages(column(1, 2, 3), column(4, 2, 6), 8.0) == [-1.1875, 3.25, 1.0]


def test_termination_does_not_bootstrap_and_cuts_the_sum():
    # step 1 terminates: delta = 2 + 0 - 2 = 0, and step 2 does not reach back: -2 + 0.25*0
    assert advantages(column(1, 2, 3), column(4, 2, 6), 8.0, terminated=flags(0, 1, 0)) == [-2.0, 0.0, 1.0]


def test_truncation_bootstraps_from_the_final_observation_and_cuts_the_sum():
    # step 1 is truncated: delta = 2 + 0.5*10 - 2 = 5;  step 0: -2 + 0.25*5 = -0.75
    final = column(jnp.nan, 10, jnp.nan)
    result = advantages(column(1, 2, 3), column(4, 2, 6), 8.0, final_value=final, truncated=flags(0, 1, 0))
    assert result == [-0.75, 5.0, 1.0]


def test_termination_wins_where_an_episode_is_both_terminated_and_truncated():
    both = flags(0, 1, 0)
    final = column(0, 10, 0)
    result = advantages(column(1, 2, 3), column(4, 2, 6), 8.0, final_value=final, terminated=both, truncated=both)
    assert result == [-2.0, 0.0, 1.0]


def test_an_end_at_the_last_step_hides_the_observation_after_it():
    assert advantages(column(3), column(6), 8.0, terminated=flags(1)) == [-3.0]
    # 3 + 0.5*10 - 6 = 2
    assert advantages(column(3), column(6), 8.0, truncated=flags(1), final_value=column(10)) == [2.0]


def test_padding_has_no_advantage_and_never_reaches_back():
    # the first two steps as above, their last value 8: 2 + 0.5*8 - 2 = 4;  -2 + 0.25*4 = -1
    nan = float("nan")
    reward, value = column(1, 2, nan, 50), column(4, 2, 70, nan)
    assert advantages(reward, value, 8.0, counted=flags(1, 1, 0, 0)) == [-1.0, 4.0, 0.0, 0.0]


def test_an_environment_without_a_counted_step_has_none():
    assert advantages(column(1, 2), column(3, 4), 5.0, counted=flags(0, 0)) == [0.0, 0.0]


def test_lambda_1_is_the_discounted_return_less_the_value():
    # 1 + 0.5*2 + 0.25*3 + 0.125*8 - 4 = -0.25
    assert advantages(column(1, 2, 3), column(4, 2, 6), 8.0, gae_lambda=1.0)[0] == pytest.approx(-0.25)


def test_lambda_0_is_the_one_step_error():
    assert advantages(column(1, 2, 3), column(4, 2, 6), 8.0, gae_lambda=0.0) == [-2.0, 3.0, 1.0]


def test_many_environments_match_a_plain_loop():
    rng = np.random.default_rng(0)
    shape = time, envs = 40, 7
    reward, value, final = rng.normal(size=(3, *shape))
    last = rng.normal(size=envs)
    terminated, truncated = rng.random((2, *shape)) < 0.1
    counted = np.arange(time)[:, None] < rng.integers(0, time + 1, envs)[None]
    expected = np.zeros(shape)
    for env in range(envs):
        advantage = 0.0
        num = int(counted[:, env].sum())
        for t in reversed(range(num)):
            following = last[env] if t == num - 1 else value[t + 1, env]
            if truncated[t, env]:
                following = final[t, env]
            if terminated[t, env]:
                following = 0.0
            ended = terminated[t, env] or truncated[t, env]
            advantage = reward[t, env] + 0.9 * following - value[t, env] + 0.9 * 0.8 * (not ended) * advantage
            expected[t, env] = advantage
    result = generalized_advantages(
        *(jnp.asarray(x, jnp.float32) for x in (reward, value, last, final)),
        *(jnp.asarray(x) for x in (terminated, truncated, counted)),
        discount=0.9,
        gae_lambda=0.8,
    )
    np.testing.assert_allclose(result, expected, atol=1e-5)
