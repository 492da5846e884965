"""Clips of games in a real Chromium: their few and large pixels have sharp edges, clips of robots are smoothed."""

import base64
import io

import numpy as np
import pytest
from browser_axe import serious
from browser_server import LiveExperiment
from PIL import Image

from rl_teacher.people.saliency import saliency_picture
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


def test_where_a_reward_looks_has_the_shape_of_the_clip_and_sharp_pixels(server, labeler):
    experiment = LiveExperiment(server, has_pixels=True)
    (asked,) = experiment.ask_some([squares(0), squares(1)], 1)
    window = labeler(experiment.slug).open()
    window.answer("ArrowLeft")
    window.wait_saved()
    picture = base64.b64encode(saliency_picture(np.full((2, 4, 1), 90, np.uint8), np.eye(2, 4))).decode()
    curves = {"p_left": 0.5, "a": [0.0, 1.0], "b": [1.0, 0.0], "a_picture": picture, "b_picture": picture}
    experiment.call("POST", "/predictions", json=[{"comparison": asked, "step": 5} | curves])
    page = window.page
    page.goto(f"{window.url}/me?experiment={experiment.slug}")
    seen = page.get_by_role("img", name="Where it looks in this clip: orange").first
    box = seen.bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1)  # as the clip, though the picture is twice as wide
    assert seen.locator("image").evaluate("one => getComputedStyle(one).imageRendering") == "pixelated"
    shown = np.asarray(Image.open(io.BytesIO(seen.screenshot())).convert("RGB"), int)
    height, width = shown.shape[:2]
    assert abs(shown[height // 4, width // 8] - (255, 122, 0)).max() < 12
    assert abs(shown[height // 4, width // 2 + 4] - (90, 90, 90)).max() < 12
    assert serious(page) == []
