"""Jobs: what is asked of a clip worker, what comes back, and how one job is done."""

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_teacher.envs.camera import Camera
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import VideoFault
from rl_teacher.video.clip_size import clip_px
from rl_teacher.video.encode import HOLD_SECONDS, EncodedClip, encode_clip
from rl_teacher.video.end_mark import with_end
from rl_teacher.video.model_files import load_model
from rl_teacher.video.render import StateRenderer
from rl_teacher.video.replayed import first_picture, play

_MAX_RENDERERS = 4


@dataclass(frozen=True, slots=True)
class States:
    """Rows of simulator state that have yet to be drawn."""

    model: Path
    """MuJoCo XML file."""
    camera: Camera
    sim_states: NDArray[np.float64]
    """Rows [qpos, qvel] of shape (steps, nq + nv)."""
    width: int = field(default_factory=clip_px)
    """Of the pictures [pixels]."""
    height: int = field(default_factory=clip_px)
    """Of the pictures [pixels]."""
    num_still: int | None = None
    """How many of the rows come after the end of the episode, 0 if it ends with them; None if it goes on."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Pictures that an environment drew itself."""

    pixels: NDArray[np.uint8]
    """RGB of shape (frames, height, width, 3), the top row first."""
    num_still: int | None = None
    """Pictures after the last one if it ended the episode: the same under a mark; None if it goes on."""
    hold_seconds: float = HOLD_SECONDS
    """How long the last picture stays before the clip loops."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Steps of an environment that are played again, and drawn by the environment itself."""

    spec: EnvSpec
    """Of one that is no task."""
    seed: int
    """Of the reset."""
    actions: NDArray[Any]
    """From the episode's first step on, as the environment was given them."""
    start: int
    """First step that is drawn."""
    obs: NDArray[Any]
    """The observation before that step."""
    num_still: int | None = None
    """Pictures after the last step if it ended the episode: its last state under a mark; None if it goes on."""
    hold_seconds: float = HOLD_SECONDS
    """How long the last picture stays before the clip loops."""


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """One picture after a reset of an environment, drawn by the environment itself."""

    spec: EnvSpec
    """Of one that is no task."""


Content = States | Frames | Replay | FirstPicture
"""What a clip is made of."""


@dataclass(frozen=True, slots=True)
class ClipJob:
    """One clip to make."""

    id: str
    """Names the job in its result; unique among the unfinished."""
    content: Content
    fps: int
    """Frames per second, constant."""
    with_webm: bool = True
    """Whether a webm is made besides the mp4."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """How a job ended: with a clip, or, after one more try, with an error."""

    id: str
    clip: EncodedClip | None
    error: str
    """Empty if there is a clip."""
    reason: str = ""
    """The same without which clip it was and how often it was tried."""


class ClipMaker:
    """Does jobs one after the other, and keeps the renderers of the latest few models."""

    def __init__(self, backend: str | None) -> None:
        self._backend = backend
        self._renderers: OrderedDict[tuple[Path, Camera, int, int], StateRenderer] = OrderedDict()

    def make(self, job: ClipJob) -> EncodedClip:
        """The clip of `job`.

        Raises:
            VideoFault: it cannot be drawn or encoded.
        """
        content, size, held, hold_seconds, pixel_aspect = job.content, None, None, HOLD_SECONDS, (1, 1)
        match content:
            case Frames():
                frames, hold_seconds = content.pixels, content.hold_seconds
                if content.num_still is not None:
                    frames, held = with_end(frames, frames[-1], content.num_still)
            case States():
                frames, size = self._draw(content, job.fps), (content.width, content.height)
                if (num_still := content.num_still) is not None:
                    frames, held = with_end(frames[: len(frames) - num_still], frames[-1], num_still)
            case Replay():
                hold_seconds, has_ended = content.hold_seconds, content.num_still is not None
                pixel_aspect = content.spec.pixel_aspect
                frames = play(
                    content.spec, content.seed, content.actions, content.start, content.obs, has_ended=has_ended
                )
                if content.num_still is not None:
                    frames, held = with_end(frames[:-1], frames[-1], content.num_still)
            case FirstPicture():
                frames = first_picture(content.spec)
        return encode_clip(
            frames, job.fps, size=size, with_webm=job.with_webm, held=held, hold_seconds=hold_seconds,
            pixel_aspect=pixel_aspect,
        )  # fmt: skip

    def close(self) -> None:
        """Free all renderers."""
        while self._renderers:
            self._renderers.popitem()[1].close()

    def _draw(self, states: States, fps: int) -> NDArray[np.uint8]:
        if self._backend is None:
            raise VideoFault("no rendering backend was given, so only recorded frames can be made into a clip.")
        key = (states.model, states.camera, states.width, states.height)
        renderer = self._renderers.pop(key, None)
        if renderer is None:
            renderer = StateRenderer(
                load_model(states.model),
                states.camera,
                backend=self._backend,
                width=states.width,
                height=states.height,
            )
        self._renderers[key] = renderer
        if len(self._renderers) > _MAX_RENDERERS:
            self._renderers.popitem(last=False)[1].close()
        return renderer.render_large(states.sim_states, fps)
