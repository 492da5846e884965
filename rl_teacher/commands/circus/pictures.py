"""A trained act as moving pictures: an mp4 in the run's folder, and a small GIF for a page."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rl_teacher.commands.replay import Frames, draw_states
from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.files import make_folder, write_whole
from rl_teacher.video.encode import encode_clip

FPS = 25
GIF_FPS = 12.5
"""GIFs count hundredths of a second: 8 of them."""
GIF_COLORS = 48


def draw(spec: EnvSpec, states: NDArray[np.float64], *, fps: float, seconds: float, size: int) -> Frames:
    """Pictures of an episode in real time.

    Args:
        spec: of a task.
        states: simulator states, (step, state).
        fps: pictures per second of simulated time.
        seconds: longest film [s].
        size: width and height [pixels].
    """
    task = find_task(spec.canonical_id)
    steps = np.arange(int(seconds * fps)) / fps / task.dt
    rows = np.round(steps[steps < len(states) - 0.5]).astype(int)
    return draw_states(spec, states[rows], size)


def write_mp4(path: Path, frames: Frames) -> None:
    """A film at FPS."""
    make_folder(path.parent)
    write_whole(path, encode_clip(frames, FPS, with_webm=False).mp4)


def write_gif(path: Path, frames: Frames) -> None:
    """A GIF at GIF_FPS that starts again at its end, with one palette for all pictures so that it stays small."""
    sheet = Image.fromarray(np.concatenate(list(frames[:: max(1, len(frames) // 8)])))
    palette = sheet.quantize(GIF_COLORS, dither=Image.Dither.NONE)
    pictures = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    out = io.BytesIO()
    pictures[0].save(
        out, "GIF", save_all=True, append_images=pictures[1:], duration=round(1000 / GIF_FPS), loop=0, optimize=True
    )
    make_folder(path.parent)
    write_whole(path, out.getvalue())
