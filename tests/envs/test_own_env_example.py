"""examples/own_env.py, as its first line says to use it."""

import json
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from rl_teacher.envs.catalog import find_env, make_envs

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_is_used_by_module_and_id(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    spec = find_env("own_env:Corridor-v0")
    assert (spec.is_task, spec.horizon, spec.clip_fps) == (False, 50, 10)
    envs = make_envs(spec, 3, seed=1)
    observations, _ = envs.reset()
    start = observations[:, 0].copy()
    for step in range(1, 51):
        observations, rewards, terminations, truncations, infos = envs.step(np.array([0, 1, 2]))
        assert not terminations.any()
        assert truncations.all() == (step == 50)
    # 50 steps of 0.05 m are 2.5 m: more than the corridor has
    np.testing.assert_allclose(rewards, [-1, start[1], 1], atol=1e-6)
    np.testing.assert_allclose(infos["final_obs"][:, 0], rewards, atol=1e-6)
    check_env(gymnasium.make("own_env:Corridor-v0").unwrapped, skip_render_check=True)


def test_the_program_finds_it_in_the_folder_where_it_was_started(tmp_path):
    program = Path(sys.executable).with_name("rl-teacher")
    words = ["teach", "-p", "rl", "-e", "own_env:Corridor-v0", "-n", "x", "-t", "64"]
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb")]
    done = subprocess.run([program, *words, *where], cwd=EXAMPLES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "x" / "summary.json").read_text())["timesteps"] == 64


def test_the_example_is_short():
    assert len((EXAMPLES / "own_env.py").read_text().splitlines()) <= 40
