"""Clips of games in a real Chromium: their few and large pixels have sharp edges, clips of robots are smoothed."""

import io

import numpy as np
import pytest
from browser_server import LiveExperiment
from PIL import Image

from rl_teacher.video.encode import encode_clip

SIDE = 16
"""Of a square of the picture, which is 160 pixels wide and high."""


def squares(first: int) -> bytes:
    """A board of black and white squares, which stands still."""
    row, column = np.indices((160, 160)) // SIDE
    board = np.repeat(255 * ((row + column + first) % 2)[..., None], 3, 2).astype(np.uint8)
    return encode_clip(np.repeat(board[None], 30, 0), 15, with_webm=False).mp4


@pytest.mark.parametrize(("has_pixels", "rendering"), [(True, "pixelated"), (False, "auto")])
def test_only_clips_of_pixels_are_kept_sharp(server, labeler, has_pixels, rendering):
    experiment = LiveExperiment(server, has_pixels=has_pixels)
    experiment.ask_some([squares(0), squares(1)], 1)
    window = labeler(experiment.slug).open()
    video = window.page.locator(f"#left-{window.page.get_attribute('#pair', 'data-front')}")
    assert video.evaluate("one => getComputedStyle(one).imageRendering") == rendering
    assert video.bounding_box()["width"] > 320  # at more than twice its size
    shown = np.asarray(Image.open(io.BytesIO(video.screenshot())).convert("L"), float)
    inner = shown[len(shown) // 4 : -len(shown) // 4, len(shown) // 4 : -len(shown) // 4]
    between = float(((inner > 50) & (inner < 205)).mean())  # gray of an edge that was smoothed
    assert between < 0.02 if has_pixels else between > 0.05
