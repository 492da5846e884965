"""`rl-teacher bench --on`: trainings on two nodes give the rows that they give here, also where a node is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rl_teacher.cli import main

ROOT = Path(__file__).parents[2]
TINY = """
tasks = ["ShortReacher-v1"]
labels = [0]
seeds = [1, 2, 3, 4]
steps = 2000
parallel = 1

[settings.base]
ppo.num_envs = 16
ppo.rollout_steps = 32
"""
OF_TIME = {"wall", "seconds", "env_steps_per_second"}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    """The results, by seed, without what the clock says."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for row in found:
        row["result"] = {name: value for name, value in row["result"].items() if name not in OF_TIME}
    kept = [{name: value for name, value in row.items() if name not in OF_TIME} for row in found]
    return sorted(kept, key=lambda row: int(row["seed"]))


def start(tiny: Path, address: str, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "rl_teacher", "bench", str(tiny), "--on", address, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(holds: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_four_cells_on_two_nodes_one_of_which_is_lost_give_the_rows_of_one_machine(nodes, second, tiny):
    process = start(tiny, nodes.address)
    wait_for(lambda: nodes.trainings(second) or process.poll() is not None)
    lost = nodes.trainings(second)
    assert len(lost) == 1, process.communicate()
    nodes.lose(second)
    out, err = process.communicate(timeout=900)
    assert (process.returncode, err) == (0, ""), out
    assert "4 cells: 0 done before, 4 to run." in out
    assert not is_alive(lost[0]), "the training ended with its node"
    far = rows(tiny.with_suffix(".jsonl"))
    assert [row["seed"] for row in far] == [1, 2, 3, 4]

    here = tiny.with_name("here.jsonl")
    assert main(["bench", str(tiny), "--results", str(here)]) == 0
    assert far == rows(here)


def test_a_program_on_a_machine_that_is_no_node_gets_the_same_rows(nodes, tiny):
    process = start(tiny, nodes.address_from_outside, "--seeds", "1,2")
    out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, ""), out
    here = tiny.with_name("here.jsonl")
    assert main(["bench", str(tiny), "--seeds", "1,2", "--results", str(here)]) == 0
    assert rows(tiny.with_suffix(".jsonl")) == rows(here)


@pytest.mark.parametrize("is_outside", [False, True])
def test_ctrl_c_leaves_no_training_behind(nodes, tiny, is_outside):
    process = start(tiny, nodes.address_from_outside if is_outside else nodes.address, "--steps", "1e9")
    wait_for(lambda: nodes.trainings(nodes.cluster.head_node) or process.poll() is not None)
    (pid,) = nodes.trainings(nodes.cluster.head_node)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    wait_for(lambda: not is_alive(pid), 30)
    assert nodes.trainings(nodes.cluster.head_node) == []


def test_a_training_that_fails_is_a_line_and_no_row(nodes, tiny):
    process = start(tiny, nodes.address, "--seeds", "1", "--steps", "10")  # 10 steps of 20 make no episode
    out, err = process.communicate(timeout=600)
    assert process.returncode == 1, out
    assert "[1/1] FAILED ShortReacher-v1, base, ppo, true reward, seed 1: no episode ended in 10 steps." in err
    assert tiny.with_suffix(".jsonl").read_bytes() == b""


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1", "http://127.0.0.1:1"])
def test_an_address_where_no_cluster_answers_is_one_line(tiny, capsys, address):
    assert main(["bench", str(tiny), "--on", address]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"ConfigError: --on: got {address!r}, where no Ray cluster answers")
    assert err.count("\n") == 1
