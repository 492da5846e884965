"""Random strangers: whatever they do and whenever, a run trains, or ends with one error of ours in one line."""

import contextlib
import io
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Space
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rl_teacher.commands.train import train
from rl_teacher.config.flags import parse
from rl_teacher.errors import RlTeacherError
from tests.envs.stranger import ID, SMALL, Panic, Stranger, Unspeakable, raises, registered

OBSERVED: list[Space[Any]] = [
    Box(-np.inf, np.inf, (3,), np.float32), Box(-1, 1, (3,), np.float64), Box(-100, 100, (3,), np.int16),
    Box(0, 255, (3,), np.uint8), Box(0, 1, (2, 2), np.float16), Box(0, 1, (3,), np.bool_),
]  # fmt: skip
ACTED: list[Space[Any]] = [
    Box(-1, 1, (2,), np.float32), Box(np.array([0.1, -0.3]), np.array([0.7, 0.9]), dtype=np.float64),
    Box(-10, 10, (2,), np.int8), Discrete(3, start=-3), Box(-np.inf, np.inf, (2,), np.float32),
]  # fmt: skip
REFUSED: list[Any] = [
    Dict({"x": Box(0, 1, (2,))}), MultiDiscrete([2, 3]), Box(0, 1, (9, 200, 200)), Box(0, 1, (0,)), None, "Box",
    Unspeakable(),
]  # fmt: skip
ERRORS = [RuntimeError("a\nb"), SystemExit(1), Panic(), KeyError("x"), ImportError("no\nlibrary"), OSError(28, "full")]
NUMBERS: list[Any] = [
    None, "1", 1e300, np.nan, np.inf, 10**400, np.ones(1), np.ones(2), [1.0], [], True, 1j, {}, np.float16(2),
    Unspeakable(),
]  # fmt: skip
FLAGS: list[Any] = [None, 1, 0.0, np.array([True]), np.array([True, False]), "no", np.nan, [], Unspeakable()]
INFOS: list[Any] = [None, [], {"n": None}, np.zeros(3), Unspeakable(), {"final_obs": 1, "_final_obs": None}]
RESULTS: list[Any] = [None, (), [], "abcde", {}, np.zeros(5), (np.zeros(3), 1.0, False, {}), 1.0, Unspeakable()]
METADATA: list[Any] = [None, [], {}, *({"render_fps": fps} for fps in (0.5, 0, -3, "30", np.nan, True, 10**9, 12.5))]


PARTS = (
    "", "step", "reset", "observation", "reward", "terminated", "truncated", "info", "close", "metadata", "spaces",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a stranger does, and from which step after all its resets on."""

    observation_space: Any
    action_space: Any
    ends_after: int
    """Steps until it terminates; beyond its time limit, never."""
    part: str
    """What is odd about it."""
    odd: Any
    since: int
    is_truncated: bool
    predictor: str

    def does(self) -> dict[str, Any]:
        """What `Stranger` is told."""
        space, usual = self.observation_space, np.zeros(3)
        if isinstance(space, Box):
            usual = np.zeros(space.shape, space.dtype)
        does: dict[str, Any] = {
            "observation_space": space, "action_space": self.action_space, "observation": usual,
            "reward": lambda env: float(np.sum(np.sign(env.given[-1]))),
            "terminated": lambda env: env.num_steps >= self.ends_after,
        }  # fmt: skip
        if not self.is_truncated:
            does["truncated"] = False
        if self.part in ("step", "reset", "observation", "reward", "terminated", "truncated", "info"):
            begun = does.get(self.part, {"step": Stranger.usual_step, "truncated": False}.get(self.part, {}))
            if self.part == "reset":
                begun = lambda env: (env.observation(), {})  # noqa: E731
            does[self.part] = self._since(begun)
        elif self.part:
            does[self.part] = raises(self.odd) if isinstance(self.odd, BaseException) else self.odd
        return does

    def _since(self, usual: Any) -> Callable[[Stranger], Any]:
        passed = [0]

        def told(env: Stranger) -> Any:
            passed[0] += 1
            if passed[0] <= self.since:
                return usual(env) if callable(usual) else usual
            if isinstance(self.odd, BaseException):
                raise self.odd
            return self.odd

        return told


@st.composite
def strangers(draw: st.DrawFn, num_spaces: int) -> Told:
    observed, acted = draw(st.sampled_from(OBSERVED[:num_spaces])), draw(st.sampled_from(ACTED[:num_spaces]))
    part = draw(st.sampled_from(PARTS))
    shape = observed.shape or ()
    observations = [np.zeros(shape, dtype) for dtype in (np.float64, np.int64, bool, object)] + [
        np.zeros((*shape, 1)), np.zeros(7), np.full(shape, np.nan), np.full(shape, 1e39), np.full(shape, -0.5),
        np.zeros(shape).tolist(), [[1.0], [2.0, 3.0]], None, {}, "abc", Unspeakable(),
    ]  # fmt: skip
    odds = {
        "": [None], "step": RESULTS + ERRORS, "reset": RESULTS + ERRORS, "observation": observations + ERRORS,
        "reward": NUMBERS + ERRORS, "terminated": FLAGS + ERRORS, "truncated": FLAGS + ERRORS, "info": INFOS,
        "close": ERRORS, "metadata": METADATA + ERRORS, "spaces": REFUSED + ERRORS,
    }  # fmt: skip
    odd = draw(st.sampled_from(odds[part]))
    if part == "spaces":
        part = draw(st.sampled_from(("observation_space", "action_space")))
    return Told(
        observed, acted, draw(st.sampled_from((1, 2, 7, 100))), part, odd, draw(st.integers(0, 300)),
        draw(st.booleans()), draw(st.sampled_from(("rl", "synth"))),
    )  # fmt: skip


def outcome(told: Told, model: str) -> str:
    """`trained`, or the class of the error that refused it; it must be one of ours, in one line."""
    does = told.does()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        where = ["--runs-dir", f"{folder}/runs", "--tb-dir", f"{folder}/tb"]
        words = ["-p", told.predictor, "-e", ID, "-n", "x", *where, *SMALL, "-c", "0.1", "--reward.model", model]
        try:
            with registered(**does):
                assert train(parse(words)) == 0
        except RlTeacherError as error:
            text = str(error)
            assert "\n" not in text
            assert len(text) < 1500, text
            if Path(folder, "runs", "x").exists():  # it had begun: mended, it goes on
                with registered(**Told(told.observation_space, told.action_space, 7, "", None, 0, True, "").does()):
                    assert train(parse([*words, "--resume"])) == 0
            return type(error).__name__
    return "trained"


def fuzz(num_examples: int, num_spaces: int, model: str) -> Counter[str]:
    counts: Counter[str] = Counter()

    @settings(
        max_examples=num_examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strangers(num_spaces))
    def run(told: Told) -> None:
        counts[outcome(told, model)] += 1

    began = time.monotonic()
    run()
    print(f"{sum(counts.values())} environments in {time.monotonic() - began:.0f} s: {dict(counts)}")
    return counts


def test_twenty_strangers_train_or_are_refused_in_one_line() -> None:
    counts = fuzz(20, num_spaces=1, model="constant")  # more spaces, more to compile
    assert counts["trained"] >= 3
    assert counts["EnvFault"] >= 3


@pytest.mark.slow
def test_a_thousand_strangers_train_or_are_refused_in_one_line() -> None:
    counts = fuzz(1000, num_spaces=len(OBSERVED), model="gp")
    assert counts["trained"] >= 300
    assert min(counts[kind] for kind in ("EnvFault", "NotFinite", "UnsupportedSpace")) >= 10
