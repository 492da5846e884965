"""An environment that does what a test tells it to, and otherwise what Gymnasium asks for."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from rl_teacher.cli import main

Refusal = pytest.CaptureFixture[str]
ID = "Stranger-v0"
LENGTH = 30
"""Steps of an episode."""
SMALL = [
    "-l", "6", "-L", "2", "-t", "200", "-V", "-c", "0.3", "--pretrain-iters", "20", "--ppo.num-envs", "2",
    "--ppo.rollout-steps", "32", "--ppo.minibatch-size", "32", "--ppo.num-epochs", "1", "--ppo.hidden", "8",
    "--reward.model", "constant",
]  # fmt: skip
"""Words of a run that takes a fifth of a second once its programs are compiled."""


class Stranger(gymnasium.Env):
    """Observes three numbers, acts with two, and truncates after 30 steps.

    Args:
        **does: instead of that. What `reset`, `step`, `close` do or the properties `metadata`, `observation_space` and
            `action_space` are, and what `observation`, `reward`, `terminated`, `truncated` and `info` of a step are:
            a value, or a function of this environment.
    """

    def __init__(self, **does: Any) -> None:
        self.does = does
        self.num_steps = self.num_resets = 0
        self.given: list[Any] = []
        """Actions since the reset."""

    def done_as_told(self, what: str, usual: Any) -> Any:
        told = self.does.get(what, usual)
        return told(self) if callable(told) else told

    @property
    def metadata(self) -> Any:  # type: ignore[override]
        return self.done_as_told("metadata", {"render_modes": ["rgb_array"], "render_fps": 20})

    @property
    def observation_space(self) -> Any:  # type: ignore[override]
        return self.done_as_told("observation_space", Box(-np.inf, np.inf, (3,), np.float32))

    @property
    def action_space(self) -> Any:  # type: ignore[override]
        return self.done_as_told("action_space", Box(-1, 1, (2,), np.float32))

    def observation(self) -> Any:
        return self.done_as_told("observation", np.full(3, self.num_steps / 10, np.float32))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.num_steps, self.given = 0, []
        self.num_resets += 1
        return self.done_as_told("reset", lambda self: (self.observation(), {}))

    def step(self, action: Any) -> Any:
        self.num_steps += 1
        self.given.append(action)
        return self.done_as_told("step", Stranger.usual_step)

    def usual_step(self) -> Any:
        assert self.action_space.contains(self.given[-1]), f"{self.given[-1]!r} is not in {self.action_space}"
        flags = ("terminated", False), ("truncated", self.num_steps >= LENGTH)
        reward = self.done_as_told("reward", lambda self: float(np.sum(self.given[-1])))
        return self.observation(), reward, *(self.done_as_told(*flag) for flag in flags), self.done_as_told("info", {})

    def close(self) -> None:
        self.done_as_told("close", None)


class WithoutGivenSpaces(gymnasium.Env):
    """Has declared no space."""

    reset, step = Stranger.reset, Stranger.step


@contextmanager
def registered(entry: Callable[..., Any] | str | None = None, env_id: str = ID, **does: Any) -> Iterator[None]:
    """Inside the block, `env_id` is a stranger that `does` something, or what `entry` makes."""
    gymnasium.register(env_id, entry_point=entry or (lambda: Stranger(**does)))
    try:
        yield
    finally:
        del gymnasium.registry[env_id]


def teach(folder: Path, *words: str, env_id: str = ID) -> int:
    """Exit status of `rl-teacher teach` with a run called x in `folder`."""
    where = ["--runs-dir", str(folder / "runs"), "--tb-dir", str(folder / "tb")]
    predictor = [] if "-p" in words else ["-p", "synth"]
    return main(["teach", *predictor, "-e", env_id, "-n", "x", *where, *SMALL, *words])


class Unspeakable:
    """Fails whatever it is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __str__ = __float__ = __bool__ = __len__ = __array__ = __repr__


class Panic(BaseException):
    """As pyo3's, which is no Exception."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def raises(error: BaseException) -> Any:
    def fail(env: Stranger) -> None:
        raise error

    return fail


def at_step(number: int, odd: Any, usual: Any) -> Any:
    """`odd` at the step of this number, and at the others what is usual."""

    def told(env: Stranger) -> Any:
        found = odd if env.num_steps == number else usual
        return found(env) if callable(found) else found

    return told


def refused(capsys: Refusal) -> str:
    """The one line on stderr, without its end."""
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    assert len(said) < 1200, said
    return said.rstrip("\n")


def trained(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "runs" / "x" / "summary.json").read_text())
    assert summary["timesteps"] == 200
    return summary
