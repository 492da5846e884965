"""Pictures of somebody's environments: which steps are drawn is chosen before they are played."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8

from rl_teacher.core.arrays import Rollout
from rl_teacher.core.segment import Segment
from rl_teacher.errors import VideoFault
from rl_teacher.integrations.clip_size import at_clip_size
from rl_teacher.training.clip_content import ENDING_HOLD_SECONDS, num_still
from rl_teacher.video.jobs import Frames

Render = Callable[[Sequence[int]], Sequence[Any]]
"""Numbers of environments -> what each looks like now, RGB of uint8, (height, width, 3)."""
Draw = Callable[[np.ndarray], Any]
"""An observation, as it is recorded -> a picture of it, as `Render` gives."""
Picture = UInt8[np.ndarray, "height width 3"]
KEPT_TURNS = 6
"""So many turns a picture is kept: as long as its segment may be asked about, and a little longer."""


class _Stored(NamedTuple):
    turn: int
    shape: tuple[int, ...]
    data: bytes
    """Compressed without loss: of a window of MuJoCo some 10 MB are left 1, of CartPole 0.1."""


class PictureWindows:
    """Decides which steps are drawn, and keeps their pictures, by environment, episode and step.

    Drawing is dear: a step of a robot takes 0.2 ms, its picture up to 100 ms. Segments are chosen evenly at random, so
    the choice can be made before anything is played, and nothing else is drawn.

    Args:
        segment_steps: of a segment.
        generator: chooses.
        num_envs: environments side by side.
    """

    def __init__(self, segment_steps: int, generator: np.random.Generator, num_envs: int) -> None:
        self._length, self._generator = segment_steps, generator
        self._until = np.zeros(num_envs, np.int64)
        """For each environment the round before which it is drawn."""
        self._windows: list[tuple[int, int]] = []
        """First round of each window that has not begun, and its environment."""
        self._round, self._turn = 0, 0
        self._pictures: dict[tuple[int, int], dict[int, _Stored]] = {}

    def plan(self, num_windows: int, num_rounds: int) -> None:
        """Choose what is drawn in the next `num_rounds` rounds, evenly over rounds and environments.

        Args:
            num_windows: how many windows of a segment's length.
            num_rounds: steps that each environment makes until the next plan. A window is whole within them where it
                fits, and else goes on after them.
        """
        self._turn += 1
        last = max(1, num_rounds - self._length + 1)
        starts = self._round + self._generator.integers(0, last, num_windows)
        envs = self._generator.permutation(np.arange(num_windows) % len(self._until))
        self._windows = sorted(zip(starts.tolist(), envs.tolist(), strict=True))
        old = self._turn - KEPT_TURNS
        self._pictures = {
            key: kept for key, steps in self._pictures.items()
            if (kept := {step: one for step, one in steps.items() if one.turn > old})
        }  # fmt: skip

    def look(self, render: Render, episode: np.ndarray, step: np.ndarray) -> None:
        """Draw what is to be drawn before the next step.

        Args:
            render: draws environments.
            episode: that each environment is in.
            step: of the episode that comes next.

        Raises:
            VideoFault: what it drew is no picture.
        """
        while self._windows and self._windows[0][0] <= self._round:
            start, env = self._windows.pop(0)
            self._until[env] = max(self._until[env], start + self._length)
        envs = np.flatnonzero(self._until > self._round).tolist()
        self._round += 1
        for env, seen in zip(envs, render(envs) if envs else (), strict=True):
            small = at_clip_size(seen)
            stored = _Stored(self._turn, small.shape, zlib.compress(small.tobytes(), 1))
            self._pictures.setdefault((env, int(episode[env])), {})[int(step[env])] = stored

    def shown(self, rollout: Rollout) -> Bool[np.ndarray, "time env"]:
        """Of which steps there is a picture."""
        found = np.zeros(rollout.episode.shape, bool)
        for time, env in np.ndindex(*found.shape):
            pictures = self._pictures.get((env, int(rollout.episode[time, env])))
            found[time, env] = pictures is not None and int(rollout.episode_step[time, env]) in pictures
        return found

    def content(self, segment: Segment) -> Frames:
        """The pictures of a segment, all of whose steps were drawn.

        Raises:
            VideoFault: they are not there any more.
        """
        kept = self._pictures.get((segment.env, segment.episode), {})
        found = [kept.get(step) for step in range(segment.start, segment.start + _num_drawn(segment))]
        if None in found:
            raise VideoFault("the pictures of a segment are not there any more.")
        return _clip(segment, [_unpacked(one) for one in found if one is not None])


def drawn(draw: Draw, segment: Segment) -> Frames:
    """A segment as a function of the user's draws its observations.

    Raises:
        VideoFault: what it drew is no picture.
    """
    return _clip(segment, [at_clip_size(draw(obs)) for obs in segment.obs[: _num_drawn(segment)]])


def _num_drawn(segment: Segment) -> int:
    """Steps of a segment until its episode ended."""
    return len(segment) - (num_still(segment) or 0)


def _clip(segment: Segment, pictures: Sequence[np.ndarray]) -> Frames:
    return Frames(np.stack(pictures), num_still(segment), ENDING_HOLD_SECONDS)


def _unpacked(stored: _Stored) -> np.ndarray:
    return np.frombuffer(zlib.decompress(stored.data), np.uint8).reshape(stored.shape)
