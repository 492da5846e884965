"""Environments spread over workers are what they are in one process, to the last bit; here the workers are objects."""

import itertools
import pickle
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rl_teacher.envs.catalog import find_env, make_envs, task_ids
from rl_teacher.envs.numbering import Numbering
from rl_teacher.envs.remote.connection import QUIET
from rl_teacher.envs.remote.parts import ranges
from rl_teacher.envs.remote.ray_workers import RayWorkers
from rl_teacher.envs.remote.spread import SpreadEnvs
from rl_teacher.envs.remote.worker import EnvWorker
from rl_teacher.errors import CheckpointError, ConfigError, MissingExtra, NotFinite

SHORT = [task_id for task_id in task_ids() if task_id.startswith("Short")]


class Side:
    """Workers in this process, whose arguments and results go through bytes as to another."""

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self.workers = [EnvWorker() for _ in range(num_workers)]
        self._sets = itertools.count()

    def new_set(self) -> int:
        return next(self._sets)

    def ask(self, method: str, given: Sequence[tuple[Any, ...]]) -> list[Any]:
        pairs = zip(self.workers, pickle.loads(pickle.dumps(list(given))), strict=False)
        return [pickle.loads(pickle.dumps(getattr(worker, method)(*one))) for worker, one in pairs]


def spread(env_id: str, num_envs: int, num_workers: int, *, stagger: bool = True, seed: int = 5) -> SpreadEnvs:
    return SpreadEnvs(Side(num_workers), find_env(env_id), num_envs, seed=seed, stagger=stagger)


def actions_of(envs: Any, num_steps: int, seed: int = 1) -> list[np.ndarray]:
    envs.action_space.seed(seed)
    return [envs.action_space.sample() for _ in range(num_steps)]


def went(envs: Any, actions: Sequence[np.ndarray]) -> list[bytes]:
    """All that a collector sees of steps."""
    seen: list[bytes] = []
    for action in actions:
        obs, reward, terminated, truncated, infos = envs.step(action)
        ended = terminated | truncated
        seen += [np.array(one).tobytes() for one in (obs, reward, terminated, truncated, envs.sim_state())]
        assert ("final_obs" in infos) == ended.any()
        if ended.any():
            seen.append(infos["final_obs"][ended].tobytes())
    return seen


@pytest.mark.parametrize(
    ("num_envs", "num_workers", "sizes"), [(7, 3, [3, 2, 2]), (8, 4, [2] * 4), (2, 5, [1, 1]), (5, 1, [5])]
)
def test_every_environment_has_one_worker_and_none_is_idle_that_could_work(num_envs, num_workers, sizes):
    parts = ranges(num_envs, num_workers)
    assert [len(part) for part in parts] == sizes
    assert [number for part in parts for number in part] == list(range(num_envs))


@pytest.mark.parametrize("env_id", [*SHORT, "CartPole-v1", "MountainCarContinuous-v0"])
def test_steps_are_those_of_one_process_with_any_number_of_workers(env_id):
    here = make_envs(find_env(env_id), 5, seed=5, num_threads=1, stagger=True)
    actions = actions_of(here, 80)
    begun = here.reset()[0].tobytes()
    expected = went(here, actions)
    for num_workers in (1, 3):
        there = spread(env_id, 5, num_workers)
        assert there.single_observation_space == here.single_observation_space
        assert there.single_action_space == here.single_action_space
        assert there.reset()[0].tobytes() == begun
        assert went(there, actions) == expected
        there.close()
    here.close()


@pytest.mark.parametrize("env_id", ["ShortHopper-v1", "CartPole-v1"])
def test_a_snapshot_goes_on_with_other_workers_and_with_none(env_id):
    spec = find_env(env_id)
    two = spread(env_id, 5, 2)
    two.reset()
    went(two, actions_of(two, 37))
    snapshot = two.snapshot()
    rest = actions_of(two, 60, seed=2)
    expected = went(two, rest)
    for other in (spread(env_id, 5, 3, seed=9), make_envs(spec, 5, seed=9, num_threads=1, stagger=True)):
        other.reset()
        other.restore(snapshot)
        assert went(other, rest) == expected
        other.reset(seed=9)
        back = other.snapshot()
        two.restore(back)
        assert went(two, rest) == went(other, rest)
        other.close()
    two.close()


def test_counts_and_seeds_of_a_snapshot_are_those_of_one_process():
    here, there = (
        make_envs(find_env("ShortHopper"), 5, seed=5, num_threads=1),
        spread("ShortHopper", 5, 2, stagger=False),
    )
    for envs in (here, there):
        envs.reset()
        went(envs, actions_of(envs, 3))
    expected, found = here.snapshot(), there.snapshot()
    assert int(found["num_steps"]) == 15
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert (found[name].dtype, found[name].tobytes()) == (array.dtype, array.tobytes()), name


def test_a_snapshot_of_fewer_environments_is_refused():
    with pytest.raises(CheckpointError, match=r"env 'ShortHopper': '\w+' of the snapshot has shape \(4, .*expected 5"):
        spread("ShortHopper", 5, 2).restore(make_envs(find_env("ShortHopper"), 4, seed=5).snapshot())


def test_an_error_names_the_environment_by_its_number_in_the_run():
    envs = spread("ShortHopper", 5, 2)
    envs.reset()
    actions = np.zeros((5, 3), np.float32)
    actions[4, 1] = np.nan
    with pytest.raises(NotFinite, match=r"env 'ShortHopper', env 4 of 5, step 5: action\[1\]"):
        envs.step(actions)


def test_sets_of_environments_do_not_disturb_each_other():
    side, spec = Side(2), find_env("ShortHopper")
    one, other = (SpreadEnvs(side, spec, num, seed=3) for num in (4, 6))
    first = one.reset()[0].copy()
    other.reset()
    went(other, actions_of(other, 5))
    other.close()
    assert all(len(worker._sets) == 1 for worker in side.workers)
    one.reset(seed=3)
    assert one.reset(seed=3)[0].tobytes() == first.tobytes()


def test_staggered_limits_go_by_the_number_in_the_run():
    # ceil(10 * (i + 1) / 4) for i = 0..3 is 3, 5, 8, 10
    assert Numbering(2, 4).first_limits(10, 2).tolist() == [8, 10]


@pytest.mark.parametrize("wrong", [{"first_env": -1}, {"first_env": 2, "total_envs": 3}, {"total_envs": 1}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"first_env|total_envs"):
        make_envs(find_env("ShortHopper"), 2, seed=1, **wrong)


@pytest.mark.parametrize(("address", "flag"), [("", "--rollout_workers"), ("auto", "--on")])
def test_without_ray_it_is_said_what_to_install(monkeypatch, address, flag):
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=rf"^{flag}: Ray is not installed\. pip install 'rl-teacher\[ray\]'"):
        RayWorkers(1, address)
