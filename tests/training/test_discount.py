"""How far agents look ahead where no discount is given: 100 steps, or 1.6 s where these are more."""

import pytest

from rl_teacher.config.agents import PPOConfig, discount_of
from rl_teacher.config.run import RunConfig
from tests.completed import completed_flags


def read(env: str, *words: str) -> RunConfig:
    return completed_flags(["-p", "rl", "-e", env, "-n", "x", *words])[0]


@pytest.mark.parametrize(
    ("env", "discount"),
    [
        ("ShortHopper-v1", 0.995),  # 8 ms a step: 1.6 s are 200 steps, and 1 - 1/200 = 0.995
        ("Humanoid-v1", 1 - 0.015 / 1.6),  # 15 ms: 106.7 steps
        ("ShortHalfCheetah-v1", 0.99),  # 50 ms: 1.6 s are 32 steps, so 100 steps it is
        ("Hopper-v5", 0.995),  # Gymnasium's own says 8 ms as well
        ("Walker2d-v5", 0.995),
        ("gymnasium:Pendulum-v1", 0.99),  # 50 ms
        ("CartPole-v1", 0.99),  # unknown
    ],
)
def test_slow_steps_are_looked_ahead_a_hundred_times_and_quick_ones_for_a_time(env: str, discount: float) -> None:
    config = read(env)
    assert config.ppo.discount == pytest.approx(discount, abs=1e-12)
    assert config.trpo.discount == config.ppo.discount


def test_a_discount_that_is_given_is_kept_and_so_are_those_of_presets() -> None:
    config = read("ShortHopper-v1", "--ppo.discount", "0.97")
    assert (config.ppo.discount, config.trpo.discount) == (0.97, 0.995)
    config = read("ShortHopper-v1", "--preset", "openai2017")
    assert (config.ppo.discount, config.trpo.discount) == (0.99, 0.995)


def test_without_an_environment_it_is_a_hundred_steps() -> None:
    assert discount_of(PPOConfig()) == 0.99
