"""Small synthetic clips for the browser tests: a ball on a striped floor, as H.264 or VP9."""

import hashlib
import io
from fractions import Fraction

import av
import numpy as np

FPS = 30
SIZE = 160


def clip(seed: int, codec: str = "mp4", num_frames: int = 24, hold_frames: int = 6) -> bytes:
    """One clip; every seed has its own color, height and speed, so that two clips are never the same bytes."""
    encoder, container = {"mp4": ("libx264", "mp4"), "webm": ("libvpx-vp9", "webm")}[codec]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(encoder, rate=FPS)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, FPS)
        fast = {"bf": "0", "g": "8", "crf": "28", "preset": "ultrafast"}
        stream.options = (
            fast if codec == "mp4" else {"g": "8", "crf": "34", "b": "0", "deadline": "realtime", "cpu-used": "8"}
        )
        for number in range(num_frames + hold_frames):
            picture = draw(seed, min(number, num_frames - 1) / num_frames)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            for packet in stream.encode(frame):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return out.getvalue()


def draw(seed: int, progress: float) -> np.ndarray:
    """A hopping ball above a floor that moves past; `progress` in [0, 1)."""
    rng = np.random.default_rng(seed)
    hue, speed, height = rng.random(), rng.uniform(0.4, 2.0), rng.uniform(20, 80)
    color = np.array([120 + 120 * np.sin(6.28 * (hue + shift)) for shift in (0, 1 / 3, 2 / 3)])
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    picture = np.full((SIZE, SIZE, 3), (196, 214, 226), np.float64)
    picture -= (y / SIZE * 40)[..., None]
    stripes = ((x + progress * speed * SIZE) // 20 % 2).astype(bool)
    floor = y > SIZE - 36
    picture[floor] = np.where(stripes[floor][:, None], (104, 112, 118), (128, 136, 142))
    hop = abs(np.sin(progress * np.pi * 3)) * height
    center = SIZE - 36 - 16 - hop
    ball = (x - SIZE / 2) ** 2 + (y - center) ** 2 < 16**2
    shadow = (x - SIZE / 2) ** 2 / 4 + (y - (SIZE - 34)) ** 2 < (6 - hop / 30) ** 2
    picture[shadow] *= 0.6
    picture[ball] = color
    highlight = (x - SIZE / 2 + 5) ** 2 + (y - center + 5) ** 2 < 16
    picture[highlight] = 255
    return np.clip(picture, 0, 255).astype(np.uint8)


def digest(content: bytes) -> str:
    """The name of a blob."""
    return hashlib.sha256(content).hexdigest()
