"""Pictures -> a clip as bytes: H.264 in mp4 for every browser, VP9 in webm for those without H.264."""

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from rl_teacher.errors import VideoFault

HOLD_SECONDS = 0.2
"""How long the last picture stays before the clip loops."""
SHORT_SECONDS = 2.0
"""Clips up to this long have keyframes only, so that both sides of a pair can be sought to the same step."""
KEYFRAME_EVERY = 10
"""Pictures from keyframe to keyframe in a longer clip."""

_H264 = {"preset": "veryfast", "crf": "23", "bf": "0", "sc_threshold": "0", "profile": "high"}
_VP9 = {"crf": "46", "b": "0", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
SHRINK = "FAST_BILINEAR"
"""How FFmpeg averages a supersampled picture down."""
_BT709, _LIMITED = 1, 1  # FFmpeg's numbers for the color space and its range


@dataclass(frozen=True, slots=True)
class EncodedClip:
    """A clip ready to be uploaded, and what the server wants to know about it."""

    mp4: bytes
    webm: bytes | None
    fps: int
    num_frames: int
    """Pictures in the file, the held ones included."""
    hold_frames: int
    """How many times the last picture is repeated at the end."""
    width: int
    """As it is shown: that of the file, even [pixels], but for pixels that are no squares."""
    height: int
    """As it is shown, and of the file, even [pixels]."""


def encode_clip(
    frames: NDArray[np.uint8], fps: int, *, size: tuple[int, int] | None = None, with_webm: bool = True,
    held: NDArray[np.uint8] | None = None, hold_seconds: float = HOLD_SECONDS,
    pixel_aspect: tuple[int, int] = (1, 1),
) -> EncodedClip:  # fmt: skip
    """Encode a clip; the last frame is held int(0.2 * fps) frames. The same frames give the same bytes.

    Args:
        frames: RGB of shape (frames, height, width, 3), the top row first; odd sides are padded by their last pixel.
        fps: frames per second, constant.
        size: (width, height) of the clip, even; larger frames are averaged down to it. None: that of the frames.
        with_webm: whether a webm is made besides the mp4.
        held: what is held at the end, for one frame at least; None: the last frame.
        hold_seconds: how long it is held [s].
        pixel_aspect: width of a pixel by its height when the clip is shown.

    Raises:
        VideoFault: frames have another shape or type, fps is below 1, or FFmpeg failed.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise VideoFault(
            f"frames: got {frames.dtype} of shape {frames.shape}, expected uint8 of shape (frames, height, width, 3), "
            "none of them 0."
        )
    if fps < 1:
        raise VideoFault(f"fps: got {fps}, expected at least 1.")
    pictures = _pictures(_padded(frames), size)
    width, height, hold_frames = pictures[0].width, pictures[0].height, int(hold_seconds * fps)
    if held is not None:
        hold_frames = max(1, hold_frames)
    last = pictures[-1] if held is None else _pictures(_padded(held[None]), size)[0]
    pictures += [last] * hold_frames
    try:
        mp4 = _encode(pictures, fps, "mp4", "libx264", _H264, pixel_aspect)
        webm = _encode(pictures, fps, "webm", "libvpx-vp9", _VP9, pixel_aspect) if with_webm else None
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise VideoFault(f"encoding {len(pictures)} frames of {width} x {height} failed: {error}") from error
    shown_width = round(width * pixel_aspect[0] / pixel_aspect[1])
    return EncodedClip(mp4, webm, fps, len(pictures), hold_frames, shown_width, height)


def decode_clip(clip: bytes) -> NDArray[np.uint8]:
    """The pictures of an mp4 or webm, RGB of shape (frames, height, width, 3).

    Raises:
        VideoFault: the bytes are not a video.
    """
    try:
        with av.open(io.BytesIO(clip), mode="r") as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            return np.stack(frames).astype(np.uint8, copy=False)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise VideoFault(f"a clip of {len(clip)} bytes cannot be played back: {error}") from error


def _padded(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    odd_rows, odd_columns = frames.shape[1] % 2, frames.shape[2] % 2
    return np.pad(frames, ((0, 0), (0, odd_rows), (0, odd_columns), (0, 0)), mode="edge")


def _pictures(frames: NDArray[np.uint8], size: tuple[int, int] | None) -> list[av.VideoFrame]:
    """What the encoders read; one conversion changes colors and size, which is twice as fast as one for each."""
    width, height = size or (frames.shape[2], frames.shape[1])
    return [
        av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(
            width, height, "yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED, interpolation=SHRINK
        )
        for frame in frames
    ]


def _encode(
    pictures: Sequence[av.VideoFrame], fps: int, container: str, codec: str, settings: dict[str, str],
    pixel_aspect: tuple[int, int],
) -> bytes:  # fmt: skip
    keyframe_every = 1 if len(pictures) <= SHORT_SECONDS * fps else KEYFRAME_EVERY
    muxer = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if container == "mp4" else {})
    with tempfile.TemporaryDirectory(prefix="rl-teacher-clip-") as folder:
        path = Path(folder) / f"clip.{container}"  # a file, because faststart reads what it wrote
        with av.open(str(path), "w", format=container, options=muxer) as output:
            options = settings | {"g": str(keyframe_every), "keyint_min": str(keyframe_every), "threads": "1"}
            stream = output.add_stream(codec, rate=fps, options=options)
            assert isinstance(stream, av.VideoStream), stream
            stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
            coder = stream.codec_context
            coder.sample_aspect_ratio = Fraction(*pixel_aspect)
            coder.colorspace = coder.color_primaries = coder.color_trc = _BT709
            coder.color_range = _LIMITED
            for index, picture in enumerate(pictures):  # the held one comes several times, and for each codec again
                picture.pts, picture.time_base = index, Fraction(1, fps)
                output.mux(stream.encode(picture))
            output.mux(stream.encode(None))
        return path.read_bytes()
