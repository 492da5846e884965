"""Pictures of a video that is there already."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from rl_teacher.errors import VideoFault
from rl_teacher.video.replayed import thinned


def pictures_of(path: Path, start: int, num: int) -> NDArray[np.uint8]:
    """Pictures `start` .. `start + num - 1` of a video, RGB of shape (num, height, width, 3), thinned out if large.

    Raises:
        VideoFault: it cannot be read, or has fewer.
    """
    try:
        with av.open(str(path)) as container:
            taken = [
                thinned(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
                for number, frame in enumerate(_frames(container, start + num))
                if number >= start
            ]
    except (av.error.FFmpegError, OSError, IndexError, ValueError) as error:
        raise VideoFault(f"{path}: cannot be read as a video ({' '.join(str(error).split())[:120]}).") from error
    if len(taken) < num:
        raise VideoFault(f"{path}: has {start + len(taken)} pictures, expected {start + num}, one for each step.")
    return np.stack(taken)


def _frames(container: Any, num: int) -> Iterator[Any]:
    for number, frame in enumerate(container.decode(video=0)):
        if number >= num:
            return
        yield frame
