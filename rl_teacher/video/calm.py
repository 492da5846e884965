"""Where a camera goes that follows a body without shaking with it.

A body that hops or swings goes a little forward and back with each of its steps. A camera fixed to it would shake the
whole ground, and the eye follows the ground. So the camera's path is the body's, averaged over a moment.
"""

import numpy as np
from numpy.typing import NDArray

SECONDS = 0.25
"""Standard deviation of the weights around each frame [s]: of a swing to and fro twice a second 1 % is left."""
_WIDTHS = 3
"""Standard deviations to each side that are looked at."""


def calm_path(path: NDArray[np.float64], fps: float, reach: float) -> NDArray[np.float64]:
    """The path of the camera, of which a steady one is left as it is.

    Args:
        path: of the body, (frames, axes) [m].
        fps: frames per second.
        reach: how far the body may be from where the camera looks, in each axis [m].

    >>> steady = np.arange(6.0)[:, None]
    >>> bool(np.allclose(calm_path(steady, fps=10, reach=1.0), steady))
    True
    """
    num_frames, half = len(path), int(np.ceil(_WIDTHS * SECONDS * fps))
    if num_frames < 3:
        return path
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / (SECONDS * fps)) ** 2)
    weights /= weights.sum()
    padded = np.pad(path, ((half, half), (0, 0)), mode="reflect", reflect_type="odd")  # goes on as it came
    averaged = np.stack([np.convolve(axis, weights, mode="valid") for axis in padded.T], axis=1)
    return path + np.clip(averaged - path, -reach, reach)
