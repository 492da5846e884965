"""Stable-Baselines3's checker on all our ids; Gymnasium's is in tests/envs/test_single.py."""

import gymnasium
import pytest
from stable_baselines3.common.env_checker import check_env

from rl_teacher.envs.catalog import register, task_ids

register()


def test_there_are_eighteen() -> None:
    assert len(task_ids()) == 18


@pytest.mark.filterwarnings("ignore:.*We recommend you to use a symmetric and normalized")  # advice on bounds of 3
@pytest.mark.parametrize("task_id", task_ids())
def test_our_ids_pass_the_checker_of_stable_baselines3(task_id: str) -> None:
    check_env(gymnasium.make(f"rl_teacher/{task_id}"))  # its other warnings are errors in tests
