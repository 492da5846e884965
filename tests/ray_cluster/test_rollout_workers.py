"""Rollout workers on two nodes: the rollouts of one process, snapshots that go anywhere, and workers that die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from rl_teacher.cli import main
from rl_teacher.core.arrays import Rollout
from rl_teacher.envs.catalog import find_env, make_envs
from rl_teacher.envs.remote.ray_workers import RayWorkers
from rl_teacher.envs.remote.spread import SpreadEnvs
from rl_teacher.errors import ConfigError, EnvFault, WorkerLost
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.local import LocalCollector
from rl_teacher.rollouts.random_actor import RandomActor

ROOT = Path(__file__).parents[2]
NUM_ENVS, CAPACITY = 5, 30
TINY = ["-p", "synth", "-l", "24", "-e", "ShortReacher-v1", "-V", "--ppo.num_envs", "16", "--ppo.rollout_steps", "32"]


@pytest.fixture
def workers(nodes, second) -> Iterator[RayWorkers]:
    found = RayWorkers(2, nodes.address)
    yield found
    found.close()


def collector_of(envs: Any, env_id: str) -> LocalCollector:
    return LocalCollector(envs, action_spec(env_id, envs.single_observation_space, envs.single_action_space))


def collect(collector: LocalCollector, seed: int) -> Rollout:
    actor = RandomActor(collector._actions)
    return collector.collect(actor, CAPACITY * NUM_ENVS - 3, CAPACITY, jax.random.key(seed))


def raw(rollout: Rollout) -> list[bytes]:
    return [np.asarray(array).tobytes() for array in jax.tree.leaves(rollout)]


@pytest.mark.parametrize("env_id", ["ShortHopper-v1", "CartPole-v1"])
def test_rollouts_and_snapshots_are_those_of_one_process(workers, env_id):
    spec = find_env(env_id)
    far = collector_of(SpreadEnvs(workers, spec, NUM_ENVS, seed=3, stagger=True), env_id)
    near = collector_of(make_envs(spec, NUM_ENVS, seed=3, num_threads=1, stagger=True), env_id)
    assert raw(collect(far, 0)) == raw(collect(near, 0))
    snapshot = far.snapshot()
    expected = raw(collect(far, 1))
    collect(near, 7)  # elsewhere, before it is restored
    near.restore(snapshot)
    assert raw(collect(near, 1)) == expected
    far.restore(snapshot)
    assert raw(collect(far, 1)) == expected
    for collector in (far, near):
        collector.restart(11)
    assert raw(collect(far, 2)) == raw(collect(near, 2))
    far.close()


def test_a_worker_whose_process_ends_is_one_line(workers):
    import ray

    envs = SpreadEnvs(workers, find_env("ShortHopper-v1"), NUM_ENVS, seed=3)
    collector = collector_of(envs, "ShortHopper-v1")
    ray.kill(workers._actors[1])
    with pytest.raises(WorkerLost, match=r"^rollout worker 2 of 2 is gone \(\w+: .*run the same command with --resume"):
        collect(collector, 0)
    collector.close()


def test_a_node_that_is_lost_is_one_line(nodes, second, workers):
    envs = SpreadEnvs(workers, find_env("ShortHopper-v1"), NUM_ENVS, seed=3)
    collector = collector_of(envs, "ShortHopper-v1")
    nodes.lose(second)
    with pytest.raises(WorkerLost, match=r"rollout worker [12] of 2 is gone"):
        collect(collector, 0)


def test_what_an_environment_does_wrong_is_said_as_in_one_process(workers):
    envs = SpreadEnvs(workers, find_env("ShortHopper-v1"), NUM_ENVS, seed=3)
    envs.reset()
    actions = np.zeros((NUM_ENVS, 3), np.float32)
    actions[4] = np.nan
    with pytest.raises(EnvFault, match=r"^env 'ShortHopper-v1', env 4 of 5, step 5: action\[0\]"):
        envs.step(actions)


def test_more_workers_than_processors_are_refused(nodes):
    with pytest.raises(ConfigError, match=r"--rollout_workers: got 64, expected at most the \d processors"):
        RayWorkers(64, nodes.address)


def test_an_address_where_no_cluster_answers_is_one_line(tmp_path, capsys):
    folders = ["--runs-dir", str(tmp_path / "runs"), "--tb-dir", str(tmp_path / "tb")]
    assert main(["teach", *TINY, "-n", "x", *folders, "--rollout-workers", "2", "--on", "127.0.0.1:1"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("ConfigError: --on: got '127.0.0.1:1', where no Ray cluster answers")
    assert err.count("\n") == 1
    assert not (tmp_path / "runs" / "x").exists()


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """A training whose Ray is its own, in a process group of its own, as from a shell."""
    command = [sys.executable, "-m", "rl_teacher", "teach", *TINY, "-n", "x", *words]
    command += ["--runs-dir", str(folder / "runs"), "--tb-dir", str(folder / "tb")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def below(pid: int) -> list[int]:
    """All processes that a process started, and those that they did."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, thread.read_text().split()):
            found += [child, *below(child)]
    return found


def alive(pids: list[int], seconds: float) -> list[str]:
    """What of these still runs after so long."""
    deadline = time.monotonic() + seconds
    while True:
        left = []
        for pid in pids:
            with suppress(FileNotFoundError, ProcessLookupError):
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    left.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def learned(folder: Path) -> dict[str, bytes]:
    """What a run leaves behind that no clock is in."""
    run = folder / "runs" / "x"
    names = ["labels.jsonl", "comparisons.jsonl", "reward/reward.npz"]
    with np.load(run / "checkpoint.npz") as file:
        arrays = {
            name: file[name].tobytes() for name in file.files if name.startswith(("agent", "reward", "collector"))
        }
    assert arrays
    return {**{name: (run / name).read_bytes() for name in names}, **arrays}


def test_ctrl_c_and_resumed_with_another_number_of_workers_is_the_run_of_one_process(tmp_path):
    long = ["-t", "3000"]  # 6 iterations
    process = start(tmp_path / "far", *long, "--rollout-workers", "2")
    assert process.stdout is not None
    for line in process.stdout:
        if "Starting joint training" in line:
            break
    ours = below(process.pid)
    assert any("raylet" in command for command in alive(ours, 0))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, ""), out
    assert "Stopped at" in out
    assert alive(ours, 20) == []

    process = start(tmp_path / "far", *long, "--resume", "--rollout-workers", "1")
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, ""), out
    process = start(tmp_path / "near", *long)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, ""), out
    assert learned(tmp_path / "far") == learned(tmp_path / "near")


def test_workers_of_a_cluster_elsewhere_give_the_run_of_one_process(tmp_path, nodes, second):
    for folder, words in (
        (tmp_path / "far", ["--rollout-workers", "2", "--on", nodes.address_from_outside]),
        (tmp_path / "near", []),
    ):
        process = start(folder, "-t", "1500", *words)
        out, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, ""), out
    assert learned(tmp_path / "far") == learned(tmp_path / "near")


def test_nothing_stays_behind_where_the_training_is_killed(tmp_path):
    process = start(tmp_path, "-t", "1e9", "--rollout-workers", "1")
    assert process.stdout is not None
    for line in process.stdout:
        if "Starting joint training" in line:
            break
    ours = below(process.pid)
    process.kill()
    process.communicate(timeout=30)
    assert ours
    assert alive(ours, 120) == []  # Ray's agents notice by the clock that their raylet is gone
