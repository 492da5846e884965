"""`-p human` where nothing can be drawn: one line before anything is started, and a run that stops by itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest

from rl_teacher.cli import main
from rl_teacher.video.backend import probe

ENVS = """
import os
import gymnasium, numpy as np
from gymnasium.spaces import Box

class Base(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}
    observation_space, action_space = Box(-9, 9, (3,), np.float32), Box(-1, 1, (2,), np.float32)
    def __init__(self, render_mode=None): self.render_mode = render_mode
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(3, np.float32), {}
    def step(self, action):
        self.steps += 1
        return np.zeros(3, np.float32), 1.0, False, self.steps == 30, {}
    def render(self): return np.full((32, 32, 3), self.steps, np.uint8)

class NoModes(Base):
    metadata = {}
    def __init__(self): pass
class Nothing(Base):
    def render(self): return None
class Text(Base):
    def render(self): return "#"
class Broken(Base):
    def render(self): raise RuntimeError("no\\nGPU")
class Dies(Base):
    def render(self): os._exit(3)
class Later(Base):
    def render(self): return super().render() if not self.steps else None

for one in (NoModes, Nothing, Text, Broken, Dies, Later):
    gymnasium.register(f"{one.__name__}-v0", entry_point=one)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """With a module of environments."""
    (tmp_path / "blind_envs.py").write_text(ENVS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "blind_envs", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = set(gymnasium.registry)
    yield tmp_path
    for env_id in set(gymnasium.registry) - before:
        del gymnasium.registry[env_id]


def words(env_id: str) -> list[str]:
    return [
        "teach", "-p", "human", "-e", env_id, "-n", "x", "-L", "4", "-l", "8", "-t", "1000", "--human.port", "0",
        "--ppo.num-envs", "2", "--ppo.rollout-steps", "32",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NoModes", "unexpected keyword argument 'render_mode'"), ("Nothing", "render() returned None (NoneType)"),
        ("Text", "render() returned '#' (str)"), ("Broken", "it raised RuntimeError: no GPU ("),
        ("Dies", "the worker process died, exit code 3"),
    ],
)  # fmt: skip
def test_an_environment_that_cannot_draw_is_refused_before_the_server_starts(
    home: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    assert main(words(f"blind_envs:{name}-v0")) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("VideoFault: -p human: people would have nothing to compare: env 'blind_envs:")
    assert captured.err.count("\n") == 1
    assert reason in captured.err
    assert "list 'rgb_array' in metadata['render_modes']" in captured.err
    assert "server" not in captured.out
    assert not (home / "rl-teacher").exists()


def test_a_task_is_refused_where_nothing_renders(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe.cache_clear()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # so that no backend can be tried
    try:
        assert main(words("ShortReacher-v1")) == 2
    finally:
        probe.cache_clear()
    captured = capsys.readouterr()
    assert captured.err.startswith("VideoFault: no rendering backend works (")
    assert captured.err.count("\n") == 1
    assert not (home / "rl-teacher").exists()


@pytest.mark.slow
def test_clips_that_all_fail_stop_the_run_and_it_can_go_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("blind_envs:Later-v0")) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("VideoFault: ")
    assert "clips were tried and none could be made: env 'blind_envs:Later-v0': render() returned None" in said[-1]
    assert "--resume" in said[-1]
    assert "Traceback" not in "".join(said)
    assert (home / "rl-teacher" / "runs" / "x" / "config.json").exists()
    assert main([*words("blind_envs:Later-v0"), "--resume"]) == 2  # it goes on, and finds the same
    assert "none could be made" in capsys.readouterr().err
