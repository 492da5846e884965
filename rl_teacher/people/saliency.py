"""Where a reward model looks, as a small picture for people."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

HOT = np.array([255.0, 122.0, 0.0])
"""Color of what tells most: orange, which color-blind people tell from gray."""
FAINT = 0.2
"""Root of a share that is not worth a color: without it all of a picture is a little orange."""


def saliency_picture(
    picture: UInt8[np.ndarray, "height width channel"], saliency: Float[np.ndarray, "height width"]
) -> bytes:
    """A PNG of a picture in gray, orange where the reward looks.

    Args:
        picture: an observation; its newest channel is drawn.
        saliency: of each pixel, from 0 to 1.
    """
    gray = picture[..., -1:].astype(np.float64)
    root = np.sqrt(np.clip(saliency, 0.0, 1.0))[..., None]  # so that the second most is seen too
    share = np.maximum(0.0, (root - FAINT) / (1.0 - FAINT))
    mixed = (1.0 - share) * gray + share * HOT[None, None]
    file = io.BytesIO()
    Image.fromarray(mixed.round().astype(np.uint8)).save(file, "png")
    return file.getvalue()
